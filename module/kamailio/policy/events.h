// SPDX-License-Identifier: GPL-2.0-or-later
#ifndef REFLOW_KAMAILIO_EVENTS_H
#define REFLOW_KAMAILIO_EVENTS_H

#include "kamailio/base/ksr.h"

#include "core/decide.h"
#include "script/engine/engine.h"

/* event_route[reflow:flow-down], [reflow:flow-up], [reflow:exhausted], and $reflow(...). */

int events_create(void); /* mod_init: looks up the routes */

/* HOOK_FLOW_UP or HOOK_FLOW_DOWN: the policy's hooks, then the event route with $reflow(flow), (aor), (instance),
   (reg_id), (reason). Any process that has a policy; not under usrloc's or tm's locks. */
void event_flow(enum hook hook, const struct script_flow *flow);
/* No target is left for this request; `code` is what would go up. */
void event_exhausted(struct sip_msg *msg, uint32_t code);

/* What $reflow(action), (rule), (why), (code), (status), (drop), (wait), (rest), (flags) give from now on for this
   message. */
void pv_note_decision(const struct sip_msg *msg, const struct decision *decision);
void pv_note_text(const char *text); /* $reflow(text), of sip_explain(); copied */

/* What the event route that runs now was called for; NULLs outside of it. Events may nest. */
struct pv_event {
    const struct script_flow *flow;
    uint32_t code; /* of reflow:exhausted */
};
struct pv_event pv_event_set(struct pv_event event); /* returns what was set before */

int pv_reflow_parse(pv_spec_t *spec, str *name); /* an unknown name stops Kamailio at start with one line */
int pv_reflow_get(struct sip_msg *msg, pv_param_t *param, pv_value_t *value);

#endif
