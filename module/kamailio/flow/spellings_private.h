// SPDX-License-Identifier: GPL-2.0-or-later
#ifndef REFLOW_KAMAILIO_SPELLINGS_PRIVATE_H
#define REFLOW_KAMAILIO_SPELLINGS_PRIVATE_H

#include "kamailio/base/ksr.h"

/* For db_mode 3: spelling_note() for each row of the tables. A failure is logged. */
void spellings_read_database(udomain_t *const *tables, size_t count);

#endif
