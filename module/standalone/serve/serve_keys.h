// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_SERVE_KEYS_H
#define REFLOW_STANDALONE_SERVE_KEYS_H

#include <uv.h>

#include "flow/token.h"

/* The keys of flow tokens in `reflow serve`: from a file or in memory, rotated by age and by command (5626-5.2.b). */
struct serve_keys {
    struct token_keys *keys;
    const struct host *host;
    int64_t rotate_s;
    uv_timer_t timer;
    bool open;
};

/* path NULL: in memory. 0 or a negative errno with one line in `error`. */
int serve_keys_create(struct serve_keys *keys, uv_loop_t *loop, const struct host *host, const char *path,
                      uint32_t rotate_s, char *error, size_t error_size);
void serve_keys_stop(struct serve_keys *keys);    /* run the loop once more */
void serve_keys_destroy(struct serve_keys *keys); /* zeroed is fine */

int serve_keys_rotate(struct serve_keys *keys);
void serve_keys_reload(struct serve_keys *keys); /* reads the file again after SIGHUP, because another process may have
                                                    rotated; logs an error */

#endif
