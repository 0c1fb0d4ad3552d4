// SPDX-License-Identifier: GPL-2.0-or-later
#ifndef REFLOW_KAMAILIO_SPELLINGS_PRIVATE_H
#define REFLOW_KAMAILIO_SPELLINGS_PRIVATE_H

#include "kamailio/base/ksr.h"

/* For db_mode 3: calls `note` with the table and the AOR of each row. A failure is logged. */
typedef void spelling_noter(const str *table, const str *aor);
void spellings_read_database(udomain_t *const *tables, size_t count, spelling_noter *note);

#endif
