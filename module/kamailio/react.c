// SPDX-License-Identifier: GPL-2.0-or-later
#include "kamailio/ksr.h"

#include "kamailio/react.h"
void react_on_branch_failure(struct cell *t, struct call *c, struct tmcb_params *p) { (void)t; (void)c; (void)p; }
void react_on_failure(struct cell *t, struct call *c, struct tmcb_params *p) { (void)t; (void)c; (void)p; }
void react_on_reply(struct cell *t, struct call *c, struct tmcb_params *p) { (void)t; (void)c; (void)p; }
int sip_on_flow_failed(struct sip_msg *m) { (void)m; return -1; }
int sip_on_failure(struct sip_msg *m) { (void)m; return -1; }
int sip_decide(struct sip_msg *m) { (void)m; return -1; }
uint32_t current_code(struct sip_msg *m) { (void)m; return 0; }
