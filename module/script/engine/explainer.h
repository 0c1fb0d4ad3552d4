// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_SCRIPT_EXPLAINER_H
#define REFLOW_SCRIPT_EXPLAINER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/text.h"

/* What sip_explain() tells, for hosts without a script at hand: the catalog in a Lua state of its own, so that what a
   policy may use of time and memory is not touched. One thread at a time. */

struct explainer;

/* 0 and *out; or -ENOMEM, -EINVAL with `error` in one line. */
int explainer_new(struct explainer **out, char *error, size_t error_size);
void explainer_delete(struct explainer *explainer); /* NULL is fine */

struct explained {
    struct text title;       /* "430 Flow Failed" */
    struct text description; /* one paragraph */
    struct text whole;       /* all of it, in lines; a 0 byte follows */
};

/* 0 and *out, good until the next call; or -EINVAL with `error`: no status code, or no texts in this language. */
int explainer_tell(struct explainer *explainer, uint32_t code, struct text language, struct explained *out, char *error,
                   size_t error_size);

/* Is there a catalog in this language ("en")? */
bool explainer_knows(struct text language);

#endif
