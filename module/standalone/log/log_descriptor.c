// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/log/log_descriptor.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* If poll() reports a pipe as writable, it accepts this many bytes. */
enum { PIECE_MOST = 4096, LOOK_MS = 50 };

void log_descriptor_create(struct log_descriptor *sink, int descriptor)
{
    sink->descriptor = descriptor;
    atomic_init(&sink->give_up_ms, UINT64_MAX);
}

void log_descriptor_give_up(struct log_descriptor *sink, uint64_t at_ms)
{
    atomic_store(&sink->give_up_ms, at_ms);
}

static bool is_given_up(struct log_descriptor *sink)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000U + (uint64_t)now.tv_nsec / 1000000U >= atomic_load(&sink->give_up_ms);
}

static int wait_until_writable(struct log_descriptor *sink)
{
    struct pollfd descriptor = {.fd = sink->descriptor, .events = POLLOUT};
    while (!is_given_up(sink)) {
        int ready = poll(&descriptor, 1, LOOK_MS);
        if (ready > 0)
            return 0;
        if (ready < 0 && errno != EINTR)
            return -errno;
    }
    return -ETIMEDOUT;
}

/* Complete lines if possible, because other writers of the same pipe may write between two parts. */
static size_t piece_of(const char *lines, size_t length)
{
    if (length <= PIECE_MOST)
        return length;
    const char *last = memrchr(lines, '\n', PIECE_MOST);
    return last != NULL ? (size_t)(last - lines) + 1 : PIECE_MOST;
}

/* Returns the number of bytes, 0 to try again, or a negative error. */
static ssize_t write_piece(const struct log_descriptor *sink, const char *bytes, size_t length)
{
    const struct timespec moment = {.tv_nsec = 1000000};
    ssize_t written = write(sink->descriptor, bytes, length);
    if (written >= 0)
        return written;
    if (errno == EAGAIN)
        nanosleep(&moment, NULL); // it was opened non-blocking by others, and has less room than poll() said
    return errno == EAGAIN || errno == EINTR ? 0 : -errno;
}

static size_t count_lines(const char *lines, size_t length)
{
    size_t count = 0;
    for (const char *at = lines; (at = memchr(at, '\n', length - (size_t)(at - lines))) != NULL; at++)
        count++;
    return count;
}

int log_descriptor_write(struct log_descriptor *sink, const char *lines, size_t length, size_t *lost)
{
    size_t done = 0;
    int error = 0;
    while (error == 0 && done < length) {
        error = wait_until_writable(sink);
        ssize_t written = error == 0 ? write_piece(sink, lines + done, piece_of(lines + done, length - done)) : 0;
        if (written < 0)
            error = (int)written;
        else
            done += (size_t)written;
    }
    *lost = count_lines(lines + done, length - done);
    return error;
}
