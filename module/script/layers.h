// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_SCRIPT_LAYERS_H
#define REFLOW_SCRIPT_LAYERS_H

#include <stdint.h>

#include "core/text.h"
#include "script/sources.h"

/* The domain of an AOR, or of any sip URI; empty: none. Borrowed. */
struct text layers_domain(struct text aor);

/* Whose hooks are asked about this AOR: a bit for each layer. Those without a tenant, and those of its domain. */
uint64_t layers_for(const struct sources *sources, struct text aor);

#endif
