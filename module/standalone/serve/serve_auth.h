// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_SERVE_AUTH_H
#define REFLOW_STANDALONE_SERVE_AUTH_H

#include "script/policy/policy.h"
#include "standalone/auth/auth.h"
#include "standalone/net/timer.h"
#include "standalone/serve/serve_options.h"

/* Authentication in `reflow serve`: a user is looked up in the file of --users first, then with the hooks of the policy
   for credentials. */

struct server;
struct users;

struct serve_auth {
    const struct host *host;
    struct policy *policy; /* borrowed */
    struct users *users;   /* NULL: there is no --users */
    struct auth *auth;     /* NULL: neither --users nor such a hook, no authentication */
    struct server *server; /* whose bindings go with their users; NULL: not watched */
    struct timer timer;
};

/* Returns 0, or a negative errno with one line in `error`. Must not move afterwards. */
int serve_auth_create(struct serve_auth *auth, const struct host *host, const struct serve_options *options,
                      struct policy *policy, char *error, size_t error_size);
void serve_auth_destroy(struct serve_auth *auth); /* also all zero */

/* Logs that credentials are ignored if they are. */
void serve_auth_warn(const struct serve_auth *auth, bool in_use);

/* Logs how many users are of domains that the server does not serve: they cannot register. */
void serve_auth_warn_of_domains(const struct serve_auth *auth, const struct server *server);

/* From now on, the bindings of users who are removed from the file are removed as well, on the timers of the server.
   Returns 0 or -ENOMEM. */
int serve_auth_watch(struct serve_auth *auth, struct server *server);

/* Opens the users file again, at the next request that needs it. */
void serve_auth_reload(struct serve_auth *auth);

#endif
