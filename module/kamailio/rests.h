// SPDX-License-Identifier: GPL-2.0-or-later
#ifndef REFLOW_KAMAILIO_RESTS_H
#define REFLOW_KAMAILIO_RESTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/text.h"

/* Destinations ("host:port" or "host") that rest for a while (3261-21.5.4.a), in shared memory: all processes agree. */

int rests_create(void); /* mod_init; 0 or -1 */
void rests_destroy(void);
void rest_set(struct text destination, uint32_t seconds); /* 0 ends it */
bool rest_is_on(struct text destination);
size_t rest_count(void); /* takes no lock; those that ended in the last minute may be among them */

struct rest_view {
    uint32_t seconds_left;
    uint8_t length;
    char destination[255];
};
/* Copies, at most `most`; returns how many rest. */
size_t rest_list(struct rest_view *views, size_t most);

#endif
