// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_SCRIPT_LAYERS_H
#define REFLOW_SCRIPT_LAYERS_H

#include "core/text.h"

/* The domain of an AOR, or of any sip URI; empty: none. Borrowed. */
struct text layers_domain(struct text aor);

#endif
