// SPDX-License-Identifier: GPL-2.0-or-later
#ifndef REFLOW_KAMAILIO_SPELLINGS_H
#define REFLOW_KAMAILIO_SPELLINGS_H

#include "kamailio/base/ksr.h"

#include <stdbool.h>

/*
 * usrloc knows a record by the bytes of its AOR. With case_sensitive 0 this module writes AORs in lower case, but
 * usrloc may hold others: rows of an older version, and records of another node or of a registrar with
 * case_sensitive 1. This index in shared memory has the AORs in usrloc that are not in lower case. On most servers it
 * is empty.
 */

enum { SPELLING_MOST = 512 };

/* In mod_init. 0, or -1 with a line in the log. */
int spellings_create(void);

/* Before the fork: a table whose records are read at start. */
void spellings_add_table(udomain_t *table);

/* In child_init, after usrloc has read its database: adds what the tables hold. */
void spellings_read(void);

/* Under usrloc's lock of the record: adds its AOR if it is not in lower case. */
void spelling_note(const str *table, const str *aor);

/* The nth AOR under which the table may have bindings of `key`: the first one (0) is `key` itself. Returns false at the
   end. `aor` borrows the key or `bytes`. Not under usrloc's locks. */
bool spelling_at(const udomain_t *table, const str *key, unsigned nth, char bytes[SPELLING_MOST], str *aor);

/* usrloc has no record of this AOR any more. */
void spelling_forget(const udomain_t *table, const str *aor);

#endif
