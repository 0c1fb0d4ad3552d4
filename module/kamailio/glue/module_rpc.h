// SPDX-License-Identifier: GPL-2.0-or-later
#ifndef REFLOW_KAMAILIO_MODULE_RPC_H
#define REFLOW_KAMAILIO_MODULE_RPC_H

#include "kamailio/base/ksr.h"

extern const rpc_export_t module_rpc[]; /* reflow.flows AOR, reflow.rests, reflow.reset_stats; ends with NULLs */

#endif
