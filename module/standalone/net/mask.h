// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_MASK_H
#define REFLOW_STANDALONE_MASK_H

#include "core/text.h"

/* Telephone numbers in logs: +15551234500 is written as +15****00, a number of fewer than 7 digits as ****. */

/* Finds the part of a URI to mask: *head and *tail are written before and after "****"; both are parts of `uri`.
   Returns false if the user part of the URI is not a telephone number; the whole URI is then written. */
bool mask_number(struct text uri, struct text *head, struct text *tail);

#endif
