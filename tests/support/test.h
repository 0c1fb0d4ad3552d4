// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_TEST_H
#define REFLOW_TEST_H

/* What every unit test includes: cmocka in its order, and a host with a fake clock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// after the four above
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/host.h"
#include "temporary.h"

/* A host whose clock moves only when told, whose random numbers are a seeded sequence, whose allocator counts and can
   fail. Zero it and call fake_host_create. */
struct fake_host {
    struct host host;
    uint64_t now_ms;
    int64_t wall_s;
    uint32_t seed;
    size_t allocated;    /* bytes that are out */
    uint64_t calls;      /* allocations asked for */
    uint64_t fail_after; /* the call with this number, counted from 1, and all later ones fail; 0: never */
    unsigned logged[5];  /* lines by level */
    char last_log[512];
};

void fake_host_create(struct fake_host *fake);
void fake_host_advance(struct fake_host *fake, uint64_t ms); /* both clocks */

#endif
