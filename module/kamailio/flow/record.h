// SPDX-License-Identifier: GPL-2.0-or-later
#ifndef REFLOW_KAMAILIO_RECORD_H
#define REFLOW_KAMAILIO_RECORD_H

#include "kamailio/base/ksr.h"

/* Finds a binding in usrloc by its ruid. On success the slot of the record stays locked until record_close(): functions
   called meanwhile must not call usrloc for another AOR. Returns 0 or -ENOENT. */
int record_open(udomain_t *domain, unsigned aor_hash, const str *ruid, struct urecord **record, ucontact_t **contact);
void record_close(udomain_t *domain, struct urecord *record);

#endif
