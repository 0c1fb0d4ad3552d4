// SPDX-License-Identifier: BSD-2-Clause
#include "script/base/log_share.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

enum { LINE_MOST = 1200, MS_PER_S = 1000 };

static bool is_site(const struct log_share *share)
{
    return share->tenant[0] == '\0';
}

static uint32_t at_once(const struct log_share *share)
{
    return is_site(share) ? LOG_SITE_AT_ONCE : LOG_SHARE_AT_ONCE;
}

static unsigned per_second(const struct log_share *share)
{
    return is_site(share) ? LOG_SITE_PER_S : LOG_SHARE_PER_S;
}

void log_share_create(struct log_share *share, const char *tenant)
{
    *share = (struct log_share){.tenant = tenant, .name = "sip.log"};
    share->left = at_once(share);
}

static void fill(struct log_share *share, uint64_t now_ms)
{
    unsigned line_ms = MS_PER_S / per_second(share);
    uint64_t lines = (now_ms - share->filled_ms) / line_ms;
    if (share->left + lines >= at_once(share)) {
        share->left = at_once(share);
        share->filled_ms = now_ms;
    } else {
        share->left += (uint32_t)lines;
        share->filled_ms += lines * line_ms;
    }
}

static void report(struct log_share *share, const struct host *host)
{
    char line[LINE_MOST];
    snprintf(line, sizeof line, "%s%s: %" PRIu64 " lines were dropped: more than %u in a second",
             is_site(share) ? share->name : "tenant ", share->tenant, share->dropped - share->reported,
             per_second(share));
    share->reported = share->dropped;
    host->log(host->context, LOG_WARNING, line);
}

void log_share_write(struct log_share *share, const struct host *host, enum log_level level, const char *text)
{
    char line[LINE_MOST];
    fill(share, host->now_ms(host->context));
    if (share->left == 0) {
        share->dropped++;
        return;
    }
    share->left--;
    if (share->reported != share->dropped)
        report(share, host);
    if (is_site(share)) {
        host->log(host->context, level, text);
        return;
    }
    snprintf(line, sizeof line, "tenant %s: %s", share->tenant, text);
    host->log(host->context, level, line);
}
