// SPDX-License-Identifier: GPL-2.0-or-later
#ifndef REFLOW_KAMAILIO_WORKER_POLICY_H
#define REFLOW_KAMAILIO_WORKER_POLICY_H

#include "kamailio/base/ksr.h"

#include "script/policy/policy.h"

/*
 * The policy in each process that runs routes, which has its own Lua state from the same bytes. A thread in each
 * process prepares a reload, so that processes that wait for traffic take part too; then all use the new version, or
 * none.
 */

int worker_policy_create(void); /* mod_init: reads and tries the policy; -1 with one line if it is broken */
/* The same for `kamailio -c`, without a version to fall back to. Returns 0, or -1 with the reason in `error`; *path is
   set if a file or folder of the configuration is missing. */
int worker_policy_check(const char **path, char *error, size_t size);
int worker_policy_start(int rank); /* child_init of each process */
void worker_policy_destroy(void);

bool worker_policy_present(void); /* false: there is no policy */

/* The reference of a call. Reloads wait between take and release, so release soon. hash 0: a new call; *hash is set
   to the value for later calls in any process. May be nested. */
void worker_policy_take(uint64_t *hash, struct text call_id, struct policy_hold *hold);
void worker_policy_release(struct policy_hold *hold);
bool worker_policy_hears(enum hook hook); /* in any version that a call may use */
/* As policy_good_sources(); -ENOENT also in a process without a policy. Not between take and release. */
int worker_policy_good_sources(struct sources **out);
void worker_policy_on_flow(enum hook hook, const struct script_flow *flow);

/* As script_explain(), for the active version of this process. -ENOENT: there is none. */
int worker_policy_explain(uint32_t code, struct text aor,
                          bool (*visit)(void *context, const struct script_hook_info *info), void *context);

extern const rpc_export_t policy_rpc[]; /* reflow.reload, rollback, status, shadow, canary, explain; ends with NULLs */

#endif
