// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_FLOW_BREADTH_H
#define REFLOW_FLOW_BREADTH_H

#include <stdint.h>

#include "core/text.h"

/* Max-Breadth (RFC 5393 section 5, rule 5393-5.a) limits how many branches of one request may be active at the same
   time, here and at all proxies further on. Each forwarded request carries its share; a branch that has ended
   returns its share. */

enum { BREADTH_MOST = 60 };

/* Parses the header field; `value` is empty if the request has none. Returns BREADTH_MOST if it is absent, larger,
   or not a number. */
uint32_t breadth_read(struct text value);

/* The share of one branch if `branches` branches are to run at the same time: at least 1, or 0 if nothing is left.
   If it is called for each branch in turn with the remaining values, all of the breadth is distributed. */
uint32_t breadth_share(uint32_t left, uint32_t branches);

#endif
