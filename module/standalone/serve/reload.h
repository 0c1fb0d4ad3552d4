// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_RELOAD_H
#define REFLOW_STANDALONE_RELOAD_H

#include <uv.h>

#include "script/policy/policy.h"

/*
 * Brings a changed policy into use. Its files are read once, it is built separately under the limits, and its specs run
 * in a process of their own (`reflow test`). Then it is used for all calls, for some (canary), without effect (shadow),
 * or not at all. One reload at a time.
 */

struct reload;

/* The result: 0; -EEXIST: nothing has changed; other errors with `why`. `text` has a line for each step and worker. */
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
void reload_delete(struct reload *reload); /* reload may be NULL; ends running specs and waits for them */

/* Starts a reload. `done` is called once, now or later; with -EBUSY if another one is in progress. */
void reload_begin(struct reload *reload, enum policy_place place, uint32_t canary_share, reload_done *done,
                  void *again);

bool reload_is_busy(const struct reload *reload);

/* The hash of the files on disk now, for watching; 0 if they cannot be read. */
uint64_t reload_disk_hash(const struct reload *reload);
/* The hash of the last attempt. */
uint64_t reload_tried_hash(const struct reload *reload);

const struct reload_counters *reload_counters(const struct reload *reload);

#endif
