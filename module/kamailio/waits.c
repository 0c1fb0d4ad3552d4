// SPDX-License-Identifier: GPL-2.0-or-later
#include "kamailio/ksr.h"

#include "kamailio/waits.h"
int waits_create(void) { return 0; }
void waits_destroy(void) {}
uint64_t wait_place(const union sockaddr_union *r, int p) { (void)r; (void)p; return 0; }
void wait_add(struct wait *w, uint64_t p, const struct cell *t, const str *r) { (void)w; (void)p; (void)t; (void)r; }
void wait_remove(struct wait *w) { (void)w; }
size_t wait_list(uint64_t p, struct wait *c, size_t m) { (void)p; (void)c; (void)m; return 0; }
size_t wait_count(void) { return 0; }
size_t wait_places(uint64_t *p, size_t m) { (void)p; (void)m; return 0; }
