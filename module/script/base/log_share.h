// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_SCRIPT_LOG_SHARE_H
#define REFLOW_SCRIPT_LOG_SHARE_H

#include <stdint.h>

#include "base/host.h"

/* The shares of the log: so many lines at once and in a second, for each tenant and for the site. A hook may log a line
   for each request of a stranger, which must not fill the disk. A tenant's lines have its name before them, so that
   they do not look like the server's. */

enum { LOG_SHARE_AT_ONCE = 200, LOG_SHARE_PER_S = 50, LOG_SITE_AT_ONCE = 1000, LOG_SITE_PER_S = 100 };

struct log_share {
    const char *tenant; /* "": the site */
    const char *name;   /* of the site's share, for the line about dropped ones; log_share_create() sets "sip.log" */
    uint64_t filled_ms; /* until when `left` is counted */
    uint64_t dropped;   /* lines above the share */
    uint64_t reported;  /* of them, as far as the log says so */
    uint32_t left;
};

void log_share_create(struct log_share *share, const char *tenant);

/* Logs the line, or drops it. What was dropped is reported with the next line that is in the share. */
void log_share_write(struct log_share *share, const struct host *host, enum log_level level, const char *line);

#endif
