// SPDX-License-Identifier: GPL-2.0-or-later
#ifndef REFLOW_KAMAILIO_FUNCTIONS_H
#define REFLOW_KAMAILIO_FUNCTIONS_H

#include "kamailio/base/ksr.h"

/* The tables of the module's functions in Kamailio's configuration language, sip_...(), and in KEMI,
   KSR.reflow....(). */

extern cmd_export_t module_functions[];
extern sr_kemi_t module_kemi[];

#endif
