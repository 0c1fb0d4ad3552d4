// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/log/log_writer.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <uv.h>

#include "standalone/log/line_ring.h"
#include "standalone/log/log_descriptor.h"

/* TELL_ROOM: longer than a line about dropped lines. */
enum { BUFFER_DEFAULT = 4 << 20, TELL_MS = 60000, TELL_ROOM = 1024, GATHER_NS = 5000000, LAST_MS = 400, JOIN_MS = 100 };

struct log_writer {
    const struct host *host;
    struct line_ring ring;
    uv_sem_t wake;
    uv_thread_t thread;
    atomic_bool awake, ending;
    atomic_uint_fast64_t written, lost, troubles;
    atomic_int error;   /* the last one */
    uv_mutex_t putting; /* for the members below and the putting side of the ring; never held for long */
    uint64_t dropped, told, told_ms;
    bool has_told;
    uint64_t end_ms;
    const char *name; /* name of a descriptor; NULL: a file */
    /* The writing thread's. */
    struct log_descriptor descriptor;
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

static int write_lines(struct log_writer *writer, size_t length, size_t *lost)
{
    if (writer->name != NULL)
        return log_descriptor_write(&writer->descriptor, writer->piece, length, lost);
    return log_file_write(&writer->file, writer->piece, length, now_ms(), lost);
}

static void write_all(struct log_writer *writer)
{
    size_t length, lost;
    while ((length = line_ring_take(&writer->ring, writer->piece, sizeof writer->piece)) > 0) {
        int error = write_lines(writer, length, &lost);
        if (error != 0) {
            atomic_store(&writer->error, error);
            atomic_fetch_add(&writer->troubles, 1);
        }
        atomic_fetch_add(&writer->written, count_lines(writer->piece, length) - lost);
        atomic_fetch_add(&writer->lost, lost);
    }
}

/* Lines are collected for a moment, so that not every line wakes the thread. */
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

/* This thread blocks all signals: hosts and scripts use them. */
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
    writer->name = config->name;
    log_descriptor_create(&writer->descriptor, config->descriptor);
    int error = writer->name == NULL ? log_file_create(&writer->file, &config->file) : 0;
    if (error != 0)
        goto no_file;
    error = line_ring_create(&writer->ring, host, config->buffer != 0 ? config->buffer : BUFFER_DEFAULT);
    if (error != 0)
        goto no_ring;
    error = uv_sem_init(&writer->wake, 0);
    if (error != 0)
        goto no_wake;
    error = uv_mutex_init(&writer->putting);
    if (error != 0)
        goto no_mutex;
    error = start_thread(writer);
    if (error != 0)
        goto no_thread;
    *out = writer;
    return 0;

no_thread:
    uv_mutex_destroy(&writer->putting);
no_mutex:
    uv_sem_destroy(&writer->wake);
no_wake:
    line_ring_destroy(&writer->ring);
no_ring:
    if (writer->name == NULL)
        log_file_destroy(&writer->file);
no_file:
    host->allocate(host->context, writer, sizeof *writer, 0);
    return error;
}

static const char *reason(const struct log_writer *writer)
{
    int error = atomic_load(&writer->error);
    if (error != 0)
        return strerror(-error);
    return writer->name != NULL ? "it is not read fast enough" : "the disk is too slow";
}

static void tell(struct log_writer *writer)
{
    char line[512];
    struct log_writer_counters counters;
    log_writer_counters(writer, &counters);
    snprintf(line, sizeof line, "%.256s: %s: %" PRIu64 " lines dropped, %" PRIu64 " not written so far",
             writer->name != NULL ? writer->name : writer->file.config.path, reason(writer), counters.dropped,
             counters.lost);
    writer->host->log(writer->host->context, LOG_WARNING, line);
}

/* Locked. Returns whether there are counts that were not logged yet; they then count as logged. */
static bool tell_is_due(struct log_writer *writer)
{
    uint64_t trouble = writer->dropped + atomic_load(&writer->troubles);
    if (trouble == writer->told)
        return false;
    /* The host's clock belongs to its thread, but lines for a descriptor come from any thread. */
    uint64_t now = writer->name != NULL ? now_ms() : writer->host->now_ms(writer->host->context);
    if (writer->has_told && now < writer->told_ms + TELL_MS)
        return false;
    writer->told = trouble;
    writer->told_ms = now;
    writer->has_told = true;
    return true;
}

/* The number of dropped lines is logged first, when there is room for both lines: the log may be this descriptor,
   and then this function is called again. */
static void tell_before(struct log_writer *writer, size_t length)
{
    uv_mutex_lock(&writer->putting);
    bool due = line_ring_room(&writer->ring) >= length + TELL_ROOM && tell_is_due(writer);
    uv_mutex_unlock(&writer->putting);
    if (due)
        tell(writer);
}

bool log_writer_put(struct log_writer *writer, const char *line, size_t length)
{
    if (writer->name != NULL)
        tell_before(writer, length);
    uv_mutex_lock(&writer->putting);
    bool put = length <= LOG_LINE_MOST && line_ring_put(&writer->ring, line, length);
    writer->dropped += !put;
    bool due = writer->name == NULL && tell_is_due(writer);
    uv_mutex_unlock(&writer->putting);
    if (put)
        wake(writer);
    if (due)
        tell(writer);
    return put;
}

void log_writer_counters(struct log_writer *writer, struct log_writer_counters *counters)
{
    uv_mutex_lock(&writer->putting);
    *counters = (struct log_writer_counters){
        .written = atomic_load(&writer->written), .dropped = writer->dropped, .lost = atomic_load(&writer->lost)};
    uv_mutex_unlock(&writer->putting);
}

void log_writer_finish(struct log_writer *writer)
{
    if (writer == NULL || atomic_exchange(&writer->ending, true))
        return;
    writer->end_ms = now_ms() + LAST_MS;
    log_descriptor_give_up(&writer->descriptor, writer->end_ms);
    uv_sem_post(&writer->wake);
}

/* A thread may block in write() if another writer of the same pipe has used the room. */
static bool join(struct log_writer *writer)
{
    struct timespec until;
    if (writer->name == NULL)
        return uv_thread_join(&writer->thread) == 0;
    uint64_t now = now_ms(), wait_ms = JOIN_MS + (writer->end_ms > now ? writer->end_ms - now : 0);
    clock_gettime(CLOCK_REALTIME, &until);
    uint64_t ns = (uint64_t)until.tv_nsec + wait_ms * 1000000U;
    until.tv_sec += (time_t)(ns / 1000000000U);
    until.tv_nsec = (long)(ns % 1000000000U);
    return pthread_timedjoin_np(writer->thread, NULL, &until) == 0;
}

void log_writer_delete(struct log_writer *writer)
{
    if (writer == NULL)
        return;
    const struct host *host = writer->host;
    log_writer_finish(writer);
    if (!join(writer))
        return;
    uv_mutex_destroy(&writer->putting);
    uv_sem_destroy(&writer->wake);
    line_ring_destroy(&writer->ring);
    if (writer->name == NULL)
        log_file_destroy(&writer->file);
    host->allocate(host->context, writer, sizeof *writer, 0);
}
