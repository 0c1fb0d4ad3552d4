// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_NAMES_SCENE_H
#define REFLOW_NAMES_SCENE_H

#include "fake_dns.h"

#include "standalone/names/names.h"

/* Look-ups at a name server of the test's own. c-ares and libuv have the system's clock; the host's clock is that of
   the loop, and moved_ms is added to it. */
struct names_scene {
    struct fake_host fake;
    struct host host;
    uv_loop_t loop;
    struct fake_dns dns;
    struct names *names;
    uint64_t moved_ms;
    uv_timer_t turn; /* a loop that runs once would wait for an event after the one that mattered */
};

/* cmocka's: *state is a scene with names without limits. The end asserts that every byte was given back. */
int names_scene_begin(void **state);
int names_scene_end(void **state);

/* Other names in the place of those that were closed and deleted. */
void names_scene_open(struct names_scene *scene, struct names_limits limits);

#endif
