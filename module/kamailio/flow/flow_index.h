// SPDX-License-Identifier: GPL-2.0-or-later
#ifndef REFLOW_KAMAILIO_FLOW_INDEX_H
#define REFLOW_KAMAILIO_FLOW_INDEX_H

#include "kamailio/base/ksr.h"

#include "kamailio/flow/flows.h"

/* The table behind flows.h: an entry for each binding that stands on a flow, found by flow and by ruid. */

int flow_index_create(unsigned size_log2);

/* Enter a binding, or correct its entry; flow 0: it has none any more. May be called under usrloc's locks, as the
   others here. Out of shared memory it goes without (counted): its flow is then only looked at when it is tried. */
void flow_index_put(const ucontact_t *contact, flow_id flow);
void flow_index_remove(const str *ruid);

/* When it expires by what its last REGISTER was promised; 0: it is not here. */
int64_t flow_index_expires(const str *ruid);

#endif
