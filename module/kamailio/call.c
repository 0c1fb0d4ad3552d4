// SPDX-License-Identifier: GPL-2.0-or-later
#include "kamailio/ksr.h"

#include "kamailio/call.h"
struct call *call_of(const struct cell *t) { (void)t; return NULL; }
struct leg *call_leg(struct call *c, const str *r) { (void)c; (void)r; return NULL; }
struct call *call_new(struct sip_msg *m, enum role r) { (void)m; (void)r; return NULL; }
int call_flow_down(struct cell *t, const str *r) { (void)t; (void)r; return -1; }
int sip_route_flows(struct sip_msg *m, str *t, str *u) { (void)m; (void)t; (void)u; return -1; }
int call_put_leg(struct sip_msg *m, struct call *c, struct leg *l, bool f) { (void)m; (void)c; (void)l; (void)f; return -1; }
size_t call_put_targets(struct sip_msg *m, struct call *c, bool o, bool f) { (void)m; (void)c; (void)o; (void)f; return 0; }
int call_add_uri(struct call *c, const str *u, int q) { (void)c; (void)u; (void)q; return -1; }
int call_add_aor(struct call *c, const str *a) { (void)c; (void)a; return -1; }
struct leg *call_leg_of_target(struct call *c, const struct target *t) { (void)c; (void)t; return NULL; }
int call_view_begin(struct call_view *v, const struct call *c, struct sip_msg *m) { (void)v; (void)c; (void)m; return -1; }
void call_view_end(struct call_view *v) { (void)v; }
