// SPDX-License-Identifier: GPL-2.0-or-later
#ifndef REFLOW_KAMAILIO_FLOW_INDEX_H
#define REFLOW_KAMAILIO_FLOW_INDEX_H

#include "kamailio/base/ksr.h"

#include "base/transport.h"
#include "kamailio/flow/flows.h"

/* The table for flows.h: an entry for each binding on a flow, found by flow and by ruid. */

int flow_index_create(unsigned size_log2);

/* Adds a binding or updates its entry; flow 0: it no longer has one. May be called under usrloc's locks, like the
   other functions here. Without shared memory the binding is left out (counted); its flow is then only checked when
   it is tried. */
void flow_index_put(const ucontact_t *contact, flow_id flow, enum transport transport);
void flow_index_remove(const str *ruid);

/* When the binding expires according to its last REGISTER; 0: not in the table. */
int64_t flow_index_expires(const str *ruid);
flow_id flow_index_flow(const str *ruid); /* 0: not in the table */

#endif
