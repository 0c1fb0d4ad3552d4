// SPDX-License-Identifier: BSD-2-Clause
#include "script/base/log_share.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

enum { LINE_MOST = 1200, MS_PER_LINE = 1000 / LOG_SHARE_PER_S };

void log_share_create(struct log_share *share, const char *tenant)
{
    *share = (struct log_share){.tenant = tenant, .left = LOG_SHARE_AT_ONCE};
}

static void fill(struct log_share *share, uint64_t now_ms)
{
    uint64_t lines = (now_ms - share->filled_ms) / MS_PER_LINE;
    if (share->left + lines >= LOG_SHARE_AT_ONCE) {
        share->left = LOG_SHARE_AT_ONCE;
        share->filled_ms = now_ms;
    } else {
        share->left += (uint32_t)lines;
        share->filled_ms += lines * MS_PER_LINE;
    }
}

static void report(struct log_share *share, const struct host *host)
{
    char line[LINE_MOST];
    snprintf(line, sizeof line, "tenant %s: %" PRIu64 " lines were dropped: more than %d in a second", share->tenant,
             share->dropped - share->reported, LOG_SHARE_PER_S);
    share->reported = share->dropped;
    host->log(host->context, LOG_WARNING, line);
}

void log_share_write(struct log_share *share, const struct host *host, enum log_level level, const char *text)
{
    char line[LINE_MOST];
    if (share->tenant[0] == '\0') {
        host->log(host->context, level, text);
        return;
    }
    fill(share, host->now_ms(host->context));
    if (share->left == 0) {
        share->dropped++;
        return;
    }
    share->left--;
    if (share->reported != share->dropped)
        report(share, host);
    snprintf(line, sizeof line, "tenant %s: %s", share->tenant, text);
    host->log(host->context, level, line);
}
