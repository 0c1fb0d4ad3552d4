// SPDX-License-Identifier: GPL-2.0-or-later
#ifndef REFLOW_KAMAILIO_NOTED_H
#define REFLOW_KAMAILIO_NOTED_H

#include "kamailio/base/ksr.h"

#include "core/decide.h"
#include "core/text.h"
#include "script/engine/engine.h"

/* The values that $reflow(name) gives (glue/pv.c). They belong to the process: a message is handled in one. */

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
struct pv_event pv_event_now(void);

/* What was noted: NULL if no decision was noted for this message; an empty text if none was. */
const struct decision *pv_noted_decision(struct sip_msg *msg);
struct text pv_noted_text(void);

#endif
