// SPDX-License-Identifier: GPL-2.0-or-later
#include "kamailio/ksr.h"

#include "kamailio/worker_policy.h"
int worker_policy_create(void) { return 0; }
int worker_policy_start(int r) { (void)r; return 0; }
void worker_policy_destroy(void) {}
bool worker_policy_present(void) { return false; }
void worker_policy_take(uint64_t *h, struct text c, struct policy_hold *o) { (void)h; (void)c; (void)o; }
void worker_policy_release(struct policy_hold *h) { (void)h; }
bool worker_policy_hears(enum hook h) { (void)h; return false; }
void worker_policy_on_flow(enum hook h, const struct script_flow *f) { (void)h; (void)f; }
const rpc_export_t policy_rpc[] = {{0, 0, 0, 0}};
