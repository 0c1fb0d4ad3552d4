// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/serve/serve_auth.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/table.h"
#include "standalone/address/own_side.h"
#include "standalone/auth/users.h"
#include "standalone/auth/users_aor.h"
#include "standalone/server/server.h"

/* A hook that has failed does not know whether there is such a user. */
static int find_by_policy(const struct serve_auth *auth, struct text user, struct text realm,
                          enum auth_algorithm algorithm, char ha1[HA1_SIZE])
{
    const struct script_credentials credentials = {user, realm, auth_digest(algorithm)};
    enum script_outcome outcome = policy_on_credentials(auth->policy, &credentials, ha1);
    if (outcome >= SCRIPT_ERROR)
        return -EIO;
    return outcome == SCRIPT_VERDICT;
}

static int find(void *context, struct text user, struct text realm, enum auth_algorithm algorithm, char ha1[HA1_SIZE])
{
    const struct serve_auth *auth = context;
    int found = auth->users != NULL ? users_find(auth->users, user, realm, algorithm, ha1) : 0;
    return found == 0 ? find_by_policy(auth, user, realm, algorithm, ha1) : found;
}

static int recall(void *context, struct text user, struct text realm, enum auth_algorithm algorithm, char ha1[HA1_SIZE])
{
    const struct serve_auth *auth = context;
    return users_recall(auth->users, user, realm, algorithm, ha1);
}

static int open_auth(struct serve_auth *auth, const struct serve_options *options, char *error, size_t error_size)
{
    struct auth_config config = options->auth;
    config.host = auth->host;
    config.find = find;
    config.recall = auth->users != NULL ? recall : NULL;
    config.find_context = auth;
    config.aor_case = options->server.aor_case;
    int result = auth_new(&auth->auth, &config);
    if (result == -ENOTSUP)
        snprintf(error, error_size, "--auth-algorithms: OpenSSL does not offer %s here", auth_missing(&config));
    else if (result != 0)
        snprintf(error, error_size, "out of memory");
    return result;
}

int serve_auth_create(struct serve_auth *auth, const struct host *host, const struct serve_options *options,
                      struct policy *policy, char *error, size_t error_size)
{
    *auth = (struct serve_auth){.host = host, .policy = policy};
    int result = options->users == NULL
                     ? 0
                     : users_new(&auth->users, host, options->users, options->server.aor_case, error, error_size);
    if (result != 0)
        return result;
    if (auth->users != NULL || policy_may_hear(policy, HOOK_CREDENTIALS))
        return open_auth(auth, options, error, error_size);
    if (options->auth_given == NULL)
        return 0;
    snprintf(error, error_size, "%s needs --users, or a policy with sip.on_credentials()", options->auth_given);
    return -EINVAL;
}

void serve_auth_warn(const struct serve_auth *auth, bool in_use)
{
    if (auth->auth != NULL && !in_use)
        auth->host->log(
            auth->host->context, LOG_WARNING,
            "nobody is asked for credentials (--open, --edge): --users and sip.on_credentials() have no effect");
}

struct others {
    const struct server *server;
    size_t count;
    char first[USERS_AOR_SIZE];
};

static void count_other(void *context, const char *aor)
{
    struct others *others = context;
    const char *at = strrchr(aor, '@');
    struct text domain = text_of(at != NULL ? at + 1 : aor);
    if (domain.length > 2 && domain.at[0] == '[')
        domain = (struct text){domain.at + 1, domain.length - 2};
    if (server_is_own_name(others->server, domain))
        return;
    if (others->count++ == 0)
        snprintf(others->first, sizeof others->first, "%s", aor);
}

void serve_auth_warn_of_domains(const struct serve_auth *auth, const struct server *server)
{
    char line[USERS_AOR_SIZE + 160];
    struct others others = {.server = server};
    if (auth->auth == NULL || auth->users == NULL)
        return;
    users_each(auth->users, count_other, &others);
    if (others.count == 0)
        return;
    snprintf(line, sizeof line,
             "users of domains that are not served cannot register: %zu in the users file, such as %s; --domain or "
             "--domain-file names the domains",
             others.count, others.first);
    auth->host->log(auth->host->context, LOG_WARNING, line);
}

static void remove_user(void *context, const char *aor)
{
    server_remove_user(((const struct serve_auth *)context)->server, text_of(aor));
}

static void watch_fires(struct timer *timer)
{
    struct serve_auth *auth = TABLE_OWNER(timer, struct serve_auth, timer);
    timer_start(server_timers(auth->server), timer, users_watch(auth->users, remove_user, auth));
}

int serve_auth_watch(struct serve_auth *auth, struct server *server)
{
    if (auth->users == NULL || timer_keep(server_timers(server), &auth->timer) != 0)
        return auth->users == NULL ? 0 : -ENOMEM;
    auth->server = server;
    auth->timer.fire = watch_fires;
    return timer_start(server_timers(server), &auth->timer, 0);
}

void serve_auth_destroy(struct serve_auth *auth)
{
    auth_delete(auth->auth);
    users_delete(auth->users);
    *auth = (struct serve_auth){0};
}

void serve_auth_reload(struct serve_auth *auth)
{
    if (auth->users != NULL)
        users_reopen(auth->users);
}
