// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_RELOAD_H
#define REFLOW_STANDALONE_RELOAD_H

#include <uv.h>

#include "script/policy/policy.h"

/*
 * Taking a changed policy in use: its files are read once; it is built aside under the limits; the specs that it ships
 * run in a process of their own (`reflow test`); then it is in use, for all calls, for some (canary) or without effect
 * (shadow), or nowhere. One at a time.
 */

struct reload;

/* How it ended: 0; -EEXIST: nothing has changed; other errors with `why`. `text` has a line for each step and worker.
 */
typedef void reload_done(void *again, int result, const char *text, const char *why);

struct reload_config {
    uv_loop_t *loop;
    const struct host *host;
    struct policy *policy;
    const struct layer *layers;
    size_t layer_count;
    const char *program; /* this program, to run specs; NULL: specs are not run */
};

struct reload_counters {
    uint64_t taken, unchanged, failed;
};

int reload_new(struct reload **out, const struct reload_config *config);
void reload_delete(struct reload *reload); /* NULL is fine; ends specs that run, and waits for them */

/* Begin. `done` is called once, now or later. -EBUSY through it where one is under way. */
void reload_begin(struct reload *reload, enum policy_place place, uint32_t canary_share, reload_done *done,
                  void *again);

/* The hash of what lies on disk now, for those that watch; 0 where it cannot be read. */
uint64_t reload_disk_hash(const struct reload *reload);
/* The hash of what was last tried. */
uint64_t reload_tried_hash(const struct reload *reload);

const struct reload_counters *reload_counters(const struct reload *reload);

#endif
