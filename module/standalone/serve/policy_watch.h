// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_POLICY_WATCH_H
#define REFLOW_STANDALONE_POLICY_WATCH_H

#include <uv.h>

#include "script/sources/sources.h"

/*
 * Watches the files of a policy, if enabled. Folders are watched, not files, because an editor's rename and a replaced
 * symbolic link both end a watch on the file itself; any name in the folder counts. Events are collected for a moment,
 * and a check every few seconds finds changes without an event. `changed` decides by the hash whether anything has
 * changed.
 */

typedef void policy_changed(void *context);

struct policy_watch {
    uv_fs_event_t events[LAYERS_MOST];
    size_t count;
    uv_timer_t debounce, poll;
    policy_changed *changed;
    void *context;
    bool open;
};

/* 0 or a negative errno. */
int policy_watch_create(struct policy_watch *watch, uv_loop_t *loop, const struct layer *layers, size_t count,
                        policy_changed *changed, void *context);
void policy_watch_destroy(struct policy_watch *watch); /* run the loop once more */

#endif
