// SPDX-License-Identifier: GPL-2.0-or-later
#ifndef REFLOW_KAMAILIO_GAUGES_H
#define REFLOW_KAMAILIO_GAUGES_H

/* Statistics of group "reflow" that are values of this moment. In mod_init, after the parts that they ask. 0 or -1. */
int gauges_create(void);

#endif
