// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/log_writer.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <uv.h>

#include "standalone/line_ring.h"

enum { BUFFER_DEFAULT = 4 << 20, TELL_MS = 60000, GATHER_NS = 5000000 };

struct log_writer {
    const struct host *host;
    struct line_ring ring;
    uv_sem_t wake;
    uv_thread_t thread;
    atomic_bool awake, ending;
    atomic_uint_fast64_t written, lost, troubles;
    atomic_int error; /* the last one */
    /* The putting thread's. */
    uint64_t dropped, told, told_ms;
    bool has_told;
    /* The writing thread's. */
    struct log_file file;
    char piece[LOG_LINE_MOST];
};

/* --- the writing thread --- */

static uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000U + (uint64_t)now.tv_nsec / 1000000U;
}

static uint64_t count_lines(const char *lines, size_t length)
{
    uint64_t count = 0;
    for (const char *at = lines; (at = memchr(at, '\n', length - (size_t)(at - lines))) != NULL; at++)
        count++;
    return count;
}

static void write_all(struct log_writer *writer)
{
    size_t length, lost;
    while ((length = line_ring_take(&writer->ring, writer->piece, sizeof writer->piece)) > 0) {
        int error = log_file_write(&writer->file, writer->piece, length, now_ms(), &lost);
        if (error != 0) {
            atomic_store(&writer->error, error);
            atomic_fetch_add(&writer->troubles, 1);
        }
        atomic_fetch_add(&writer->written, count_lines(writer->piece, length) - lost);
        atomic_fetch_add(&writer->lost, lost);
    }
}

/* Lines gather for a moment, so that not each of them pays for waking the thread. */
static void run(void *context)
{
    const struct timespec gather = {.tv_nsec = GATHER_NS};
    struct log_writer *writer = context;
    bool ending;
    do {
        uv_sem_wait(&writer->wake);
        if (!atomic_load(&writer->ending))
            nanosleep(&gather, NULL);
        atomic_exchange(&writer->awake, false); // not a store: what was put before it was set is to be seen
        ending = atomic_load(&writer->ending);
        write_all(writer);
    } while (!ending);
}

/* --- the putting thread --- */

static void wake(struct log_writer *writer)
{
    if (!atomic_exchange(&writer->awake, true))
        uv_sem_post(&writer->wake);
}

/* No signal is this thread's business: hosts and scripts have theirs. */
static int start_thread(struct log_writer *writer)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = uv_thread_create(&writer->thread, run, writer);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}

int log_writer_new(struct log_writer **out, const struct log_writer_config *config)
{
    const struct host *host = config->host;
    struct log_writer *writer = host->allocate(host->context, NULL, 0, sizeof *writer);
    if (writer == NULL)
        return -ENOMEM;
    memset(writer, 0, sizeof *writer);
    writer->host = host;
    int error = log_file_create(&writer->file, &config->file);
    if (error != 0)
        goto no_file;
    error = line_ring_create(&writer->ring, host, config->buffer != 0 ? config->buffer : BUFFER_DEFAULT);
    if (error != 0)
        goto no_ring;
    error = uv_sem_init(&writer->wake, 0);
    if (error != 0)
        goto no_wake;
    error = start_thread(writer);
    if (error != 0)
        goto no_thread;
    *out = writer;
    return 0;

no_thread:
    uv_sem_destroy(&writer->wake);
no_wake:
    line_ring_destroy(&writer->ring);
no_ring:
    log_file_destroy(&writer->file);
no_file:
    host->allocate(host->context, writer, sizeof *writer, 0);
    return error;
}

static void tell(struct log_writer *writer)
{
    char line[512];
    struct log_writer_counters counters;
    uint64_t now = writer->host->now_ms(writer->host->context);
    uint64_t trouble = writer->dropped + atomic_load(&writer->troubles);
    if (trouble == writer->told || (writer->has_told && now < writer->told_ms + TELL_MS))
        return;
    writer->told = trouble;
    writer->told_ms = now;
    writer->has_told = true;
    log_writer_counters(writer, &counters);
    int error = atomic_load(&writer->error);
    snprintf(line, sizeof line, "%.256s: %s: %" PRIu64 " lines dropped, %" PRIu64 " not written so far",
             writer->file.config.path, error != 0 ? strerror(-error) : "the disk is too slow", counters.dropped,
             counters.lost);
    writer->host->log(writer->host->context, LOG_WARNING, line);
}

bool log_writer_put(struct log_writer *writer, const char *line, size_t length)
{
    bool put = length <= LOG_LINE_MOST && line_ring_put(&writer->ring, line, length);
    if (put)
        wake(writer);
    else
        writer->dropped++;
    tell(writer);
    return put;
}

void log_writer_counters(const struct log_writer *writer, struct log_writer_counters *counters)
{
    *counters = (struct log_writer_counters){
        .written = atomic_load(&writer->written), .dropped = writer->dropped, .lost = atomic_load(&writer->lost)};
}

void log_writer_delete(struct log_writer *writer)
{
    if (writer == NULL)
        return;
    const struct host *host = writer->host;
    atomic_store(&writer->ending, true);
    uv_sem_post(&writer->wake);
    uv_thread_join(&writer->thread);
    uv_sem_destroy(&writer->wake);
    line_ring_destroy(&writer->ring);
    log_file_destroy(&writer->file);
    host->allocate(host->context, writer, sizeof *writer, 0);
}
