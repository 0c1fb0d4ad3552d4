// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/serve/serve_keys.h"

#include <stdio.h>

enum { LOOK_MS = 60000 };

static void tell(const struct serve_keys *keys, enum log_level level, const char *what)
{
    char line[320];
    snprintf(line, sizeof line, "flow tokens: %s", what);
    keys->host->log(keys->host->context, level, line);
}

/* An old key is kept for as long as it signed: by then the bindings and dialogs with its tokens have ended. */
static void on_timer(uv_timer_t *timer)
{
    struct serve_keys *keys = timer->data;
    int result = token_keys_age(keys->keys, keys->rotate_s, keys->rotate_s);
    if (result < 0)
        tell(keys, LOG_ERROR, "the keys cannot be rotated: the file cannot be written");
    else if (result > 0)
        tell(keys, LOG_NOTICE, "keys rotated by age");
}

int serve_keys_create(struct serve_keys *keys, uv_loop_t *loop, const struct host *host, const char *path,
                      uint32_t rotate_s, char *error, size_t error_size)
{
    *keys = (struct serve_keys){.host = host, .rotate_s = rotate_s};
    int result = token_keys_open(&keys->keys, host, path, error, error_size);
    if (result != 0)
        return result;
    uv_timer_init(loop, &keys->timer);
    keys->timer.data = keys;
    keys->open = true;
    return uv_timer_start(&keys->timer, on_timer, LOOK_MS, LOOK_MS);
}

void serve_keys_stop(struct serve_keys *keys)
{
    if (keys->open)
        uv_close((uv_handle_t *)&keys->timer, NULL);
    keys->open = false;
}

void serve_keys_destroy(struct serve_keys *keys)
{
    token_keys_close(keys->keys);
    keys->keys = NULL;
}

int serve_keys_rotate(struct serve_keys *keys)
{
    int result = token_keys_rotate(keys->keys);
    if (result == 0)
        tell(keys, LOG_NOTICE, "keys rotated by command");
    return result;
}

void serve_keys_reload(struct serve_keys *keys)
{
    char error[256];
    if (token_keys_reload(keys->keys, error, sizeof error) != 0)
        tell(keys, LOG_ERROR, error);
}
