// SPDX-License-Identifier: GPL-2.0-or-later
#ifndef REFLOW_KAMAILIO_REFUSED_H
#define REFLOW_KAMAILIO_REFUSED_H

/* In mod_init, after react_create(): what follows when the script has dropped a branch. Returns 0 or -1. */
int refused_create(void);

#endif
