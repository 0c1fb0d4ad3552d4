// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/server/authenticate.h"

#include <errno.h>
#include <stdio.h>

#include "sip/credentials.h"
#include "standalone/address/own_side.h"
#include "standalone/server/allowance.h"
#include "standalone/server/answer.h"
#include "standalone/server/branch.h"
#include "standalone/server/context.h"
#include "standalone/server/edge.h"
#include "standalone/server/route.h"
#include "standalone/server/server_private.h"
#include "standalone/server/verbose.h"

enum { REALM_MOST = 256 };

/* What a request needs. */
struct authentication {
    struct server *server;
    const struct sip_message *request;
    const struct peer *source;
    enum auth_role role;
    char realm[REALM_MOST];   /* empty: it needs no credentials, and has no credentials for this server */
    char aor[AUTH_USER_SIZE]; /* whose credentials they must be, without scheme; empty: anybody's */
    char *user;
};

/* --- refusals --- */

/* counted: as in struct own_answer. */
static bool authentication_refuse(const struct authentication *a, const struct own_answer *own, enum refusal reason,
                                  const char *detail)
{
    server_refused(a->server, a->request, a->source, reason, own->status, detail);
    if (a->role == AUTH_REGISTRAR) {
        a->server->counters.register_refused++;
        verbose_register_refused(a->server, a->source, sip_to_uri(a->request), own->status);
    }
    answer_stateless(a->server, a->request, a->source, own);
    return false;
}

static struct nonce_scope scope_of(const struct authentication *a)
{
    return (struct nonce_scope){text_of(a->realm), source_of(&a->source->address)};
}

static struct own_answer write_challenge(const struct authentication *a, bool stale, char fields[AUTH_CHALLENGE_SIZE])
{
    const struct nonce_scope scope = scope_of(a);
    size_t length = auth_challenge(a->server->config.auth, a->role, &scope, stale, fields, AUTH_CHALLENGE_SIZE);
    return (struct own_answer){.status =
                                   a->role == AUTH_REGISTRAR ? SIP_UNAUTHORIZED : SIP_PROXY_AUTHENTICATION_REQUIRED,
                               .fields = {fields, length},
                               .counted = true};
}

static bool authentication_challenge(const struct authentication *a, bool stale, bool failed)
{
    char fields[AUTH_CHALLENGE_SIZE];
    const struct own_answer own = write_challenge(a, stale, fields);
    if (failed)
        return authentication_refuse(a, &own, REFUSAL_CREDENTIALS, NULL);
    a->server->counters.challenged++;
    answer_stateless(a->server, a->request, a->source, &own);
    return false;
}

/* The guess of a password is limited as a failure, whatever the status. A datagram proves its address only by a nonce
   that was given to it. */
static bool refuse_wrong(const struct authentication *a)
{
    bool proved = auth_is_proved(a->server->config.auth);
    a->server->counters.authentication_failed++;
    return server_may_fail(a->server, a->source, proved) && authentication_challenge(a, false, true);
}

static bool refuse_malformed(const struct authentication *a, const char *field, const char *what)
{
    char phrase[160], detail[128];
    snprintf(detail, sizeof detail, "%s: %s", field, what);
    snprintf(phrase, sizeof phrase, "Bad Request: %s", detail);
    return authentication_refuse(a, &(struct own_answer){.status = SIP_BAD_REQUEST, .phrase = text_of(phrase)},
                                 REFUSAL_MALFORMED, detail);
}

static bool refuse_unknown(const struct authentication *a)
{
    return authentication_refuse(
        a, &(struct own_answer){.status = SIP_SERVICE_UNAVAILABLE, .fields = TEXT("Retry-After: 10\r\n")},
        REFUSAL_USERS_UNAVAILABLE, NULL);
}

static bool refuse_for_memory(const struct authentication *a)
{
    a->server->counters.memory++;
    return authentication_refuse(a, &(struct own_answer){.status = SIP_SERVICE_UNAVAILABLE}, REFUSAL_MEMORY, NULL);
}

static bool refuse_other_user(const struct authentication *a)
{
    return authentication_refuse(
        a,
        &(struct own_answer){.status = SIP_FORBIDDEN, .phrase = TEXT("Forbidden: the credentials are of another user")},
        REFUSAL_OTHER_USER, a->user);
}

/* --- the credentials --- */

static bool accept_user(const struct authentication *a)
{
    a->server->counters.authenticated++;
    return a->aor[0] == '\0' || strcmp(a->aor, a->user) == 0 || refuse_other_user(a);
}

static bool authentication_check(const struct authentication *a)
{
    struct auth *auth = a->server->config.auth;
    const struct nonce_scope scope = scope_of(a);
    switch (auth_check(auth, a->request, a->role, &scope, a->user, CALLER_USER_MOST)) {
    case AUTH_VALID:
        return accept_user(a);
    case AUTH_WRONG:
        return refuse_wrong(a);
    case AUTH_MALFORMED:
        return refuse_malformed(a, a->role == AUTH_REGISTRAR ? "Authorization" : "Proxy-Authorization",
                                auth_fault(auth));
    case AUTH_UNKNOWN:
        return refuse_unknown(a);
    case AUTH_STALE:
        return authentication_challenge(a, true, false);
    default:
        return authentication_challenge(a, false, false);
    }
}

/* --- who has to have them --- */

static void set_realm(struct authentication *a, struct text host)
{
    int length = sip_host_write(host, a->realm, sizeof a->realm - 1);
    a->realm[length > 0 ? length : 0] = '\0';
}

static int set_aor(struct authentication *a, const struct sip_uri *uri)
{
    enum { SCHEME = 4 }; /* "sip:" */
    char aor[AUTH_USER_SIZE + SCHEME];
    int length = sip_uri_aor(uri, a->server->config.aor_case, aor, sizeof aor - 1);
    if (length > SCHEME) {
        memcpy(a->aor, aor + SCHEME, (size_t)length - SCHEME);
        a->aor[length - SCHEME] = '\0';
    }
    return length > 0 ? 0 : -EBADMSG;
}

/* Sets realm and AOR if the URI belongs to a domain of this server, whatever its port. Returns 0, -EPROTONOSUPPORT for
   another scheme than sip and sips, -EBADMSG if it is not a URI or its AOR is too long, or -ENOMEM. Without with_aor,
   the AOR is written only if it may be too long. */
static int set_identity(struct authentication *a, struct text text, bool with_aor)
{
    struct sip_uri uri;
    int error = sip_uri_create(&uri, text);
    if (error == 0 && server_is_own_name(a->server, uri.host)) {
        error = with_aor || text.length >= AUTH_USER_SIZE / 2 ? set_aor(a, &uri) : 0;
        set_realm(a, uri.host);
    }
    sip_uri_destroy(&uri);
    return error;
}

/* Anonymous callers (RFC 3323) and foreign ones may have credentials as well, which a policy sees. */
static void find_own_realm(struct authentication *a)
{
    const struct sip_field *field;
    for (size_t at = 0; (field = sip_field_next(a->request, HEADER_PROXY_AUTHORIZATION, &at)) != NULL;) {
        const char *what;
        struct sip_credentials credentials;
        if (!caller_consumes(a->server, field))
            continue;
        sip_credentials_read(field->value, &credentials, &what);
        set_realm(a, credentials.realm);
        return;
    }
}

/* What a token leads to a user agent, or refuses, is decided by the token (5626-5.3). */
static bool is_led_by_token(const struct route *route)
{
    return route->token != ROUTE_TOKEN_NONE && route->token != ROUTE_TOKEN_OUTGOING;
}

static bool is_for_registrar(const struct authentication *a, const struct route *route)
{
    struct sip_uri uri;
    if (sip_method(a->request) != METHOD_REGISTER)
        return false;
    bool registers =
        sip_uri_create(&uri, route->uri) == 0 && proxy_is_for_registrar(a->server, a->request, route, &uri);
    sip_uri_destroy(&uri);
    return registers;
}

/* OPTIONS to the server itself goes nowhere, and tells whether the server is alive. */
static bool is_for_nobody(const struct authentication *a, const struct route *route)
{
    struct sip_uri uri;
    if (sip_method(a->request) != METHOD_OPTIONS || route->next.length > 0)
        return false;
    bool own = sip_uri_create(&uri, route->uri) == 0 && uri.user.length == 0 && server_is_own_domain(a->server, &uri);
    sip_uri_destroy(&uri);
    return own;
}

static bool is_trunk(const struct authentication *a)
{
    return caller_trunk(a->server, a->source).length > 0;
}

static bool authenticate_proxied(struct authentication *a, const struct route *route)
{
    a->role = AUTH_PROXY;
    if (is_trunk(a) || is_for_nobody(a, route) || is_led_by_token(route) ||
        proxy_knows_dialog(a->server, a->request, route, a->source))
        return true;
    int error = set_identity(a, sip_from_uri(a->request), true);
    if (error == -EBADMSG)
        return refuse_malformed(a, "From", "the address is not a valid URI");
    if (error == -ENOMEM)
        return refuse_for_memory(a);
    if (a->realm[0] == '\0')
        find_own_realm(a);
    return a->realm[0] == '\0' || authentication_check(a);
}

/* The registrar compares the user with the AOR (3261-10.3.b), and refuses an AOR of another domain. */
static bool authenticate_registration(struct authentication *a)
{
    a->role = AUTH_REGISTRAR;
    if (set_identity(a, sip_to_uri(a->request), false) != 0 || a->realm[0] == '\0')
        return true;
    a->aor[0] = '\0';
    return authentication_check(a);
}

/* A request that this server sent to itself has the user of the first one, whose credentials were removed. */
static bool has_returned(const struct authentication *a)
{
    const struct branch *branch = caller_returned_branch(a->server, a->request, a->source);
    if (branch != NULL)
        snprintf(a->user, CALLER_USER_MOST, "%s", branch->context->caller.user);
    return branch != NULL;
}

bool authenticate_request(struct server *server, const struct sip_message *request, const struct peer *source,
                          const struct route *route, char user[CALLER_USER_MOST])
{
    struct authentication a = {.server = server, .request = request, .source = source, .user = user};
    user[0] = '\0';
    if (server->config.auth == NULL || server_is_emergency(sip_request_uri(request)) || has_returned(&a))
        return true;
    return is_for_registrar(&a, route) ? authenticate_registration(&a) : authenticate_proxied(&a, route);
}
