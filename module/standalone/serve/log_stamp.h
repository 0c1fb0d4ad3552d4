// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_LOG_STAMP_H
#define REFLOW_STANDALONE_LOG_STAMP_H

#include <stdbool.h>
#include <stddef.h>

/* Times in log lines. The journal has its own, and two are one too many. */

/* Whether a descriptor is connected to the systemd journal: JOURNAL_STREAM is then "DEVICE:INODE" of it
   (systemd.exec(5)). A variable that was inherited, while the descriptor was redirected, names another one. NULL: it is
   not set. */
bool log_stamp_is_journal(int descriptor, const char *journal_stream);

/* "2026-11-29T05:48:35.123Z " and a NUL, in UTC; 25 bytes. */
void log_stamp_write(char *out, size_t size);

#endif
