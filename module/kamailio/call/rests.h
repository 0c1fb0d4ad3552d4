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
              uint32_t seconds); /* 0 ends the rest; no tenant: for all calls */
/* Ends every rest and every silence of the destination, whatever has set it. A silent one is named with its transport,
   as rest_list() does. Returns whether there was any. */
bool rest_end(struct text destination);
/* For a destination that a caller or a user agent may have named: it rests for calls in which somebody but the policy
   or the configuration names it. */
void rest_set_named(struct text destination, uint32_t seconds);
/* For a call to this AOR; empty: of no tenant. `chosen`: nobody else names it. */
bool rest_is_on(bool chosen, struct text aor, struct text destination);
size_t rest_count(void); /* takes no lock; may include rests that ended in the last minute */

/* 3263-4.3.b: destinations that were silent, by silent_name_write(), tried last for modparam rest_silent seconds.
   `chosen`: the policy or the configuration named the destination, and nobody else; see struct call_host. */
void silence_begin(bool chosen, struct text name);
void silence_end(struct text name);
void silence_end_of_binding(void *context, struct text name); /* for silent_names_end(); context is not used */
bool silence_is_on(bool chosen, struct text name);
size_t silence_count(void); /* as rest_count() */

struct rest_view {
    uint32_t seconds_left;
    const char *tenant; /* "": it rests for all */
    bool silent;        /* it is tried last, and not passed over */
    uint8_t length;
    char destination[255];
};
/* Copies at most `most` entries; returns how many rest. */
size_t rest_list(struct rest_view *views, size_t most);

#endif
