// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/serve/policy_watch.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { DEBOUNCE_MS = 200, POLL_MS = 5000 };

static void on_quiet(uv_timer_t *timer)
{
    struct policy_watch *watch = timer->data;
    watch->changed(watch->context);
}

static void on_event(uv_fs_event_t *event, const char *name, int events, int status)
{
    struct policy_watch *watch = event->data;
    (void)name;
    (void)events;
    (void)status;
    uv_timer_start(&watch->debounce, on_quiet, DEBOUNCE_MS, 0);
}

/* The folder itself, or the folder of a file. */
static void folder_of(const char *path, char *out, size_t size)
{
    struct stat found;
    snprintf(out, size, "%s", path);
    if (stat(path, &found) == 0 && S_ISDIR(found.st_mode))
        return;
    char *slash = strrchr(out, '/');
    if (slash == NULL)
        snprintf(out, size, ".");
    else
        slash[slash == out ? 1 : 0] = '\0';
}

int policy_watch_create(struct policy_watch *watch, uv_loop_t *loop, const struct layer *layers, size_t count,
                        policy_changed *changed, void *context)
{
    *watch = (struct policy_watch){.changed = changed, .context = context, .open = true};
    uv_timer_init(loop, &watch->debounce);
    uv_timer_init(loop, &watch->poll);
    watch->debounce.data = watch->poll.data = watch;
    int error = uv_timer_start(&watch->poll, on_quiet, POLL_MS, POLL_MS);
    for (size_t i = 0; error == 0 && i < count; i++) {
        char folder[sizeof layers[i].path];
        folder_of(layers[i].path, folder, sizeof folder);
        uv_fs_event_init(loop, &watch->events[i]);
        watch->events[i].data = watch;
        watch->count = i + 1;
        error = uv_fs_event_start(&watch->events[i], on_event, folder, 0);
    }
    return error;
}

void policy_watch_destroy(struct policy_watch *watch)
{
    if (!watch->open)
        return;
    for (size_t i = 0; i < watch->count; i++)
        uv_close((uv_handle_t *)&watch->events[i], NULL);
    uv_close((uv_handle_t *)&watch->debounce, NULL);
    uv_close((uv_handle_t *)&watch->poll, NULL);
    watch->open = false;
}
