// SPDX-License-Identifier: GPL-2.0-or-later
#include "kamailio/ksr.h"

#include "kamailio/call.h"
struct call *call_of(const struct cell *t) { (void)t; return NULL; }
struct leg *call_leg(struct call *c, const str *r) { (void)c; (void)r; return NULL; }
struct call *call_new(struct sip_msg *m, enum role r) { (void)m; (void)r; return NULL; }
int call_flow_down(struct cell *t, const str *r) { (void)t; (void)r; return -1; }
int sip_route_flows(struct sip_msg *m, str *t, str *u) { (void)m; (void)t; (void)u; return -1; }
int sip_on_flow_failed(struct sip_msg *m) { (void)m; return -1; }
int sip_on_failure(struct sip_msg *m) { (void)m; return -1; }
int sip_decide(struct sip_msg *m) { (void)m; return -1; }
uint32_t current_code(struct sip_msg *m) { (void)m; return 0; }
