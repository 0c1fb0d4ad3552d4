// SPDX-License-Identifier: GPL-2.0-or-later
#include "kamailio/ksr.h"

#include "kamailio/rests.h"
int rests_create(void) { return 0; }
void rests_destroy(void) {}
void rest_set(struct text d, uint32_t s) { (void)d; (void)s; }
bool rest_is_on(struct text d) { (void)d; return false; }
size_t rest_count(void) { return 0; }
