// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_CLI_SITE_WASM_H
#define REFLOW_CLI_SITE_WASM_H

#include "core/text.h"

/* The core as a WebAssembly module (module/wasm/ask.h). The bytes are static. */
struct text site_wasm(void);

#endif
