// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/serve/log_stamp.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

bool log_stamp_is_journal(int descriptor, const char *journal_stream)
{
    char own[64];
    struct stat status;
    if (journal_stream == NULL || fstat(descriptor, &status) != 0)
        return false;
    snprintf(own, sizeof own, "%llu:%llu", (unsigned long long)status.st_dev, (unsigned long long)status.st_ino);
    return strcmp(own, journal_stream) == 0;
}

void log_stamp_write(char *out, size_t size)
{
    char second[32];
    struct timespec now;
    struct tm parts;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &parts);
    strftime(second, sizeof second, "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(out, size, "%s.%03ldZ ", second, now.tv_nsec / 1000000);
}
