// SPDX-License-Identifier: GPL-2.0-or-later
#ifndef REFLOW_KAMAILIO_WORKER_POLICY_H
#define REFLOW_KAMAILIO_WORKER_POLICY_H

#include "kamailio/base/ksr.h"

#include "script/policy/policy.h"

/*
 * The policy in each process that runs routes: a state of its own from the same bytes. A reload is prepared in all of
 * them by a thread beside each (that processes which wait for traffic take part too), then taken in use by all or none.
 */

int worker_policy_create(void);    /* mod_init: reads and tries the policy; -1 with one line where it is broken */
int worker_policy_start(int rank); /* child_init of each process */
void worker_policy_destroy(void);

bool worker_policy_present(void); /* false: there is none, nothing need be gathered for it */

/* What a call holds; between take and release reloads wait, so be brief. hash 0: a new call, *hash is set to what it
   shall be asked with later, in whatever process. May be nested. */
void worker_policy_take(uint64_t *hash, struct text call_id, struct policy_hold *hold);
void worker_policy_release(struct policy_hold *hold);
bool worker_policy_hears(enum hook hook); /* in any version that a call may be given */
/* As policy_good_sources(); -ENOENT also in a process without a policy. Not between take and release. */
int worker_policy_good_sources(struct sources **out);
void worker_policy_on_flow(enum hook hook, const struct script_flow *flow);

/* As script_explain(), of this process's active version. -ENOENT: it has none. */
int worker_policy_explain(uint32_t code, struct text aor,
                          bool (*visit)(void *context, const struct script_hook_info *info), void *context);

extern const rpc_export_t policy_rpc[]; /* reflow.reload, rollback, status, shadow, canary, explain; ends with NULLs */

#endif
