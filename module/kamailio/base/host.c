// SPDX-License-Identifier: GPL-2.0-or-later
#include "kamailio/base/ksr.h"

#include "kamailio/base/host.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/plain_host.h"
#include "kamailio/base/module_config.h"
#include "kamailio/base/stats.h"

static void *allocate_shared(void *context, void *old, size_t old_size, size_t new_size)
{
    (void)context;
    void *made = new_size > 0 ? shm_malloc(new_size) : NULL;
    if (new_size > 0 && made == NULL) {
        stats_count(STAT_SHARED_MEMORY);
        return NULL;
    }
    if (old != NULL) {
        if (made != NULL)
            memcpy(made, old, old_size < new_size ? old_size : new_size);
        shm_free(old);
    }
    return made;
}

/* The levels of Kamailio are set for the process (debug=, per module), so its own macro checks them. */
static void log_line(void *context, enum log_level level, const char *line)
{
    (void)context;
    switch (level) {
    case LOG_ERROR:
        LM_GEN1(L_ERR, "%s\n", line);
        break;
    case LOG_WARNING:
        LM_GEN1(L_WARN, "%s\n", line);
        break;
    case LOG_NOTICE:
        LM_GEN1(L_NOTICE, "%s\n", line);
        break;
    case LOG_INFO:
        LM_GEN1(L_INFO, "%s\n", line);
        break;
    default:
        LM_GEN1(L_DBG, "%s\n", line);
    }
}

void ksr_log(enum log_level level, const char *format, ...)
{
    char line[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    for (char *at = line; *at != '\0'; at++) /* foreign text must not start a new line */
        *at = (unsigned char)*at < ' ' || *at == 0x7f ? ' ' : *at;
    log_line(NULL, level, line);
}

const struct host *ksr_host(void)
{
    static const struct host host = {.now_ms = plain_now_ms,
                                     .wall_s = plain_wall_s,
                                     .allocate = plain_allocate,
                                     .random = plain_random,
                                     .log = log_line};
    return &host;
}

const struct host *ksr_shared_host(void)
{
    static const struct host host = {.now_ms = plain_now_ms,
                                     .wall_s = plain_wall_s,
                                     .allocate = allocate_shared,
                                     .random = plain_random,
                                     .log = log_line};
    return &host;
}

uint64_t ksr_now_ms(void)
{
    return plain_now_ms(NULL);
}

bool shared_memory_is_scarce(void)
{
    return shm_available() / 100 < shm_mem_size / 10000 * (unsigned long)module_config.reserve_percent;
}
