// SPDX-License-Identifier: GPL-2.0-or-later
#include "kamailio/base/ksr.h"

#include "kamailio/flow/record.h"

#include <errno.h>
#include <string.h>

#include "kamailio/base/module_config.h"

int record_open(udomain_t *domain, unsigned aor_hash, const str *ruid, struct urecord **record, ucontact_t **contact)
{
    return ul.get_urecord_by_ruid(domain, aor_hash, (str *)ruid, record, contact) == 0 ? 0 : -ENOENT;
}

/* The AOR is needed to find the lock again, and is freed with the record: hence the copy. */
void record_close(udomain_t *domain, struct urecord *record)
{
    enum { AOR_MOST = 512 };
    char copy[AOR_MOST];
    str aor = {copy, record->aor.len};
    if (record->aor.len > AOR_MOST) { /* not of this module: keep it */
        ul.unlock_udomain(domain, &record->aor);
        return;
    }
    memcpy(copy, record->aor.s, (size_t)record->aor.len);
    ul.release_urecord(record);
    ul.unlock_udomain(domain, &aor);
}
