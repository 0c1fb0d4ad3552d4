// SPDX-License-Identifier: GPL-2.0-or-later
#include "kamailio/ksr.h"

#include "kamailio/keeper.h"
int keeper_create(void) { return 0; }
int keeper_listen(void) { return 0; }
int keeper_start(void) { return 0; }
void keeper_destroy(void) {}
void keeper_flow_down(flow_id f, uint64_t p, enum flow_down_reason r) { (void)f; (void)p; (void)r; }
const char *flow_down_reason_name(enum flow_down_reason r) { (void)r; return "closed"; }
int contact_drop(const char *t, unsigned h, const str *r) { (void)t; (void)h; (void)r; return -1; }
