// SPDX-License-Identifier: GPL-2.0-or-later
#include "kamailio/ksr.h"

#include "kamailio/module_rpc.h"
const rpc_export_t module_rpc[] = {{0, 0, 0, 0}};
