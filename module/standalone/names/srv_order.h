// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_SRV_ORDER_H
#define REFLOW_STANDALONE_SRV_ORDER_H

#include "standalone/names/name_answer.h"

/*
 * The order in which the servers of SRV records are tried (RFC 2782): by priority, and within a priority drawn by
 * weight. The draws depend on `selection` alone, so that all requests of a call get the same order. A record of weight
 * 0 comes first only rarely, unless all have this weight. Pure.
 */

/* Writes the places of the records in the answer to `order`, which has room for answer->count, and returns their
   number. Records without a target (the service is not available) are left out. */
size_t srv_order(const struct name_answer *answer, uint64_t selection, uint8_t order[NAME_RECORDS_MOST]);

#endif
