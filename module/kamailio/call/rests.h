// SPDX-License-Identifier: GPL-2.0-or-later
#ifndef REFLOW_KAMAILIO_RESTS_H
#define REFLOW_KAMAILIO_RESTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/text.h"

/* Destinations ("host:port" or "host") that rest for a while (3261-21.5.4.a), in shared memory, the same for all
   processes. A rest by the policy of a tenant applies only to calls to that tenant's users. */

int rests_create(void); /* mod_init; 0 or -1 */
void rests_destroy(void);
void rest_set(struct text tenant, struct text destination,
              uint32_t seconds);                           /* 0 ends the rest; no tenant: for all calls */
bool rest_is_on(struct text aor, struct text destination); /* for a call to this AOR; empty: of no tenant */
size_t rest_count(void); /* takes no lock; may include rests that ended in the last minute */

struct rest_view {
    uint32_t seconds_left;
    const char *tenant; /* "": it rests for all */
    uint8_t length;
    char destination[255];
};
/* Copies at most `most` entries; returns how many rest. */
size_t rest_list(struct rest_view *views, size_t most);

#endif
