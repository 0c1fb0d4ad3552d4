// SPDX-License-Identifier: GPL-2.0-or-later
#ifndef REFLOW_KAMAILIO_EVENTS_H
#define REFLOW_KAMAILIO_EVENTS_H

#include "kamailio/base/ksr.h"

#include "kamailio/base/noted.h"
#include "script/engine/engine.h"

/* event_route[reflow:flow-down], [reflow:flow-up], [reflow:exhausted], and $reflow(...). */

int events_create(void); /* mod_init: looks up the routes */

/* Calls the policy's hooks for HOOK_FLOW_UP or HOOK_FLOW_DOWN, then the event route with $reflow(flow), (aor),
   (instance), (reg_id), (reason). From any process that has a policy; not under the locks of usrloc or tm. */
void event_flow(enum hook hook, const struct script_flow *flow);
/* No target is left for this request; `code` would be forwarded. */
void event_exhausted(struct sip_msg *msg, uint32_t code);

int pv_reflow_parse(pv_spec_t *spec, str *name); /* an unknown name stops Kamailio at start with one line */
int pv_reflow_get(struct sip_msg *msg, pv_param_t *param, pv_value_t *value);

#endif
