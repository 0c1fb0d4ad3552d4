// SPDX-License-Identifier: GPL-2.0-or-later
#include "kamailio/ksr.h"

#include "kamailio/stats.h"
int stats_create(void) { return 0; }
void stats_count(enum stat s) { (void)s; }
void stats_decision(const struct decision *d) { (void)d; }
void stats_hook(enum hook h, enum script_outcome o) { (void)h; (void)o; }
void stats_version(uint64_t n) { (void)n; }
void stats_reset(void) {}
