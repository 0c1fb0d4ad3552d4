// SPDX-License-Identifier: GPL-2.0-or-later
#include "kamailio/ksr.h"

#include "kamailio/events.h"
int events_create(void) { return 0; }
void event_flow(enum hook h, const struct script_flow *f) { (void)h; (void)f; }
void event_exhausted(struct sip_msg *m, uint32_t c) { (void)m; (void)c; }
void pv_note_decision(const struct sip_msg *m, const struct decision *d) { (void)m; (void)d; }
int pv_reflow_parse(pv_spec_t *s, str *n) { (void)s; (void)n; return -1; }
int pv_reflow_get(struct sip_msg *m, pv_param_t *p, pv_value_t *v) { (void)p; return pv_get_null(m, p, v); }
