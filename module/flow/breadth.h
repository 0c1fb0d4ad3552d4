// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_FLOW_BREADTH_H
#define REFLOW_FLOW_BREADTH_H

#include <stdint.h>

#include "core/text.h"

/* Max-Breadth (RFC 5393 section 5, rule 5393-5.a): how many branches of one request may be alive at the same time,
   everywhere. Each forwarded request carries its share; a branch that has ended gives its share back. */

enum { BREADTH_MOST = 60 };

/* The value of the header field; `value` is empty where the request has none. BREADTH_MOST where it is absent, larger,
   or not a number. */
uint32_t breadth_read(struct text value);

/* What one of `branches` that are to run beside each other gets of what is left: at least 1, and 0 only where nothing
   is left. Asked again for each of them, with what remains of both, it gives all of it away. */
uint32_t breadth_share(uint32_t left, uint32_t branches);

#endif
