// SPDX-License-Identifier: GPL-2.0-or-later
#ifndef REFLOW_KAMAILIO_SAVE_H
#define REFLOW_KAMAILIO_SAVE_H

#include "kamailio/base/ksr.h"

/* Carries out a REGISTER by RFC 3261 section 10.3 and RFC 5626 section 6, and answers it. Returns what save() of
   Kamailio's registrar returns: 1: a binding was added, or nothing had to be changed; 2: updated; 3: removed; 4: the
   bindings were listed; -1: refused and answered; -2: the same, because there are too many bindings. 0: a policy has
   answered, or wants no answer; -5: a policy wants the sender to be challenged, which is left to the configuration. */
int sip_save(struct sip_msg *msg, str *table);

/* mod_init: creates the table of what bindings hold of shared memory, and its callback. 0 or -1. */
int save_charge_create(void);
/* The bytes of shared memory that bindings with a limited source hold. */
uint64_t save_charge_bytes(void);

/* The parameter received_avp: "$avp(NAME)". 0, or -1 with a line in the log. */
int save_received_configure(char *name);
/* mod_init: without it, the parameter of the same name of the registrar or nathelper module. 0 or -1, likewise. */
int save_received_take_over(void);

#endif
