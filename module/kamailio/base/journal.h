// SPDX-License-Identifier: GPL-2.0-or-later
#ifndef REFLOW_KAMAILIO_JOURNAL_H
#define REFLOW_KAMAILIO_JOURNAL_H

/* Writes one INFO line for operators: a flow has died, a binding was removed, a request has no target. Strangers can
   cause such lines, so each process writes at most LOG_SITE_AT_ONCE at once and LOG_SITE_PER_S in a second; what was
   dropped is counted in the log. */
void journal(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
