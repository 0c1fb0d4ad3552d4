// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_SERVE_POLICY_H
#define REFLOW_STANDALONE_SERVE_POLICY_H

#include <uv.h>

#include "script/policy/policy.h"
#include "sip/rewrite.h"
#include "standalone/serve/binding_list.h"

/* The policy of `reflow serve`: its first version, reloads by signal, command or watch, and the control socket. */

struct serve_policy;

struct serve_policy_config {
    uv_loop_t *loop;
    const struct host *host;
    struct script_limits limits;
    const struct layer *layers;
    size_t layer_count;
    uint32_t tenant_keys;     /* entries in the store of each tenant; 0: the default */
    const char *good_path;    /* file of the last good version; NULL: none */
    bool forbid_last_good;    /* do not start with a broken policy */
    const char *control_path; /* NULL: no control socket */
    bool watch;
    uint32_t rollback_window, rollback_share;
    /* The control socket's flows, which are the server's: as binding_list(). */
    int (*list_flows)(void *context, const struct binding_list_query *query, struct sip_buffer *out);
    void *list_context;
    /* The command rotate-keys of the control socket, which does not concern the policy: 0 or a negative errno. */
    int (*rotate_keys)(void *context);
    void *rotate_context;
    /* After serve_policy_reload(), and after a reload because of a watched file: one line, what came of it. */
    void (*reloaded)(void *context, const char *result);
    void *reloaded_context;
};

/* Loads the first version: the policy, or, if that is broken, the last good version, with a warning in the log.
   Returns 0, or a negative errno with one line in `error`. */
int serve_policy_new(struct serve_policy **out, const struct serve_policy_config *config, char *error,
                     size_t error_size);

/* Opens the control socket and watches files, as configured. Returns 0 or a negative errno, with `error`. */
int serve_policy_start(struct serve_policy *policy, char *error, size_t error_size);
void serve_policy_stop(struct serve_policy *policy);   /* closes handles: run the loop once more */
void serve_policy_delete(struct serve_policy *policy); /* NULL is fine; no call may hold a version any more */

void serve_policy_reload(struct serve_policy *policy); /* SIGHUP */
struct policy *serve_policy_policy(struct serve_policy *policy);

/* Members for the status: "version":1,... */
void serve_policy_write(const struct serve_policy *policy, struct json *json);

#endif
