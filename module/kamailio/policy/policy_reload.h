// SPDX-License-Identifier: GPL-2.0-or-later
#ifndef REFLOW_KAMAILIO_POLICY_RELOAD_H
#define REFLOW_KAMAILIO_POLICY_RELOAD_H

#include "kamailio/policy/policy_share.h"

/*
 * Changes of what is in use, in all processes or in none. Each returns 0 or a negative error with one line that says
 * why: -EBUSY, another one is under way; -EEXIST, these bytes are in use; -ENOENT, there is no such thing; otherwise
 * the policy is broken or a process could not take it, and nothing has changed anywhere.
 */

/* The one of this run of Kamailio; NULL: there is no policy. */
struct policy_share *policy_share(void);

/* What a change came to. */
struct policy_change {
    uint64_t number, hash;
    size_t processes;
    char error[768]; /* or why nothing had to be changed: -EEXIST */
    char done[128];  /* on success: what was done */
};

/* Read the files, the base layer's from `path` where one is given, and take them in use there. */
int policy_reload(enum policy_place place, const char *path, uint32_t canary_share, struct policy_change *change);
int policy_take_back(struct policy_change *change);
int policy_promote_canary(struct policy_change *change);
int policy_stop_trial(enum policy_place place, struct policy_change *change);

/* A version failed too often in this process and went: it goes everywhere. -EBUSY: try again. */
int policy_withdraw_everywhere(uint64_t hash, const char *why);
/* Likewise a tenant's part, by its hash. */
int policy_withdraw_part_everywhere(uint64_t hash, const char *why);

/* Every process's report, in its slot. The coordinator's turn is kept: call policy_coordinate_end() after reading. */
int policy_reports(struct policy_change *change);

/* One line, from either thread of a process. */
void policy_log(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Keep what is active in the file policy_last_good. */
void policy_keep_good(void);

#endif
