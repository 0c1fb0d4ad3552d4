// SPDX-License-Identifier: GPL-2.0-or-later
#ifndef REFLOW_KAMAILIO_CONFIG_CHECK_H
#define REFLOW_KAMAILIO_CONFIG_CHECK_H

/*
 * `kamailio -c`. It ends after parsing, before any mod_init, and offers modules no hook. What needs the whole
 * configuration (policies, key files, parameters that depend on each other) is checked when the process exits: it then
 * exits with another status.
 */

/* mod_register: does nothing without -c. */
void config_check_arrange(void);

/* For the functions that take a parameter: notes the place of the configuration that is being parsed, for errors that
   are found later. Does nothing without -c. Borrows both texts. */
void config_check_note(const char *parameter, const char *value);

/* min_expires <= default_expires <= max_expires. 0, or -1 with a line in the log. */
int config_check_order(void);

#endif
