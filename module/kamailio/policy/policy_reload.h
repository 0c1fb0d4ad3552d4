// SPDX-License-Identifier: GPL-2.0-or-later
#ifndef REFLOW_KAMAILIO_POLICY_RELOAD_H
#define REFLOW_KAMAILIO_POLICY_RELOAD_H

#include "kamailio/policy/policy_share.h"

/*
 * Changes of the versions in use, in all processes or in none. Each function returns 0, or a negative error with the
 * reason in one line: -EBUSY: another change is in progress; -EEXIST: these bytes are in use; -ENOENT: there is no such
 * version; otherwise the policy is broken or a process could not take it, and nothing has changed anywhere.
 */

/* The shared policy of this run of Kamailio; NULL: there is none. */
struct policy_share *policy_share(void);

/* The result of a change. */
struct policy_change {
    uint64_t number, hash;
    size_t processes;
    char error[768]; /* or why nothing had to be changed: -EEXIST */
    char done[128];  /* on success: what was done */
};

/* Reads the files, those of the base layer from `path` if it is given, and uses them as chosen. */
int policy_reload(enum policy_place place, const char *path, uint32_t canary_share, struct policy_change *change);
int policy_take_back(struct policy_change *change);
int policy_promote_canary(struct policy_change *change);
int policy_stop_trial(enum policy_place place, struct policy_change *change);

/* Withdraws a version everywhere that failed too often in this process. -EBUSY: try again. */
int policy_withdraw_everywhere(uint64_t hash, const char *why);
/* Likewise a tenant's part, by its hash. */
int policy_withdraw_part_everywhere(uint64_t hash, const char *why);

/* Gets a report from every process, in its slot. The caller stays the coordinator: call policy_coordinate_end()
   after reading. */
int policy_reports(struct policy_change *change);

/* Logs one line, from either thread of a process. */
void policy_log(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Stores the active version in the file policy_last_good. */
void policy_keep_good(void);

#endif
