// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_REFUSAL_H
#define REFLOW_STANDALONE_REFUSAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/host.h"
#include "base/table.h"
#include "sip/message.h"
#include "standalone/net/peer.h"

/*
 * The log of refused requests. Each refusal is counted by its reason and logged in one line:
 *
 *   refused source=203.0.113.7:5060 transport=udp method=REGISTER aor=sip:bob@example.com status=403
 * reason=foreign-domain
 *
 * The first refusal of a source address for a reason is logged at once. Later ones within REFUSAL_WINDOW_MS are
 * counted, and the next line, at the end of that time, carries their number as count=N. At most REFUSAL_SOURCES pairs
 * of address and reason are remembered; refusals beyond them share one line for each reason, with source=*.
 *
 * The line, its fields and the reasons are an interface: see module/standalone/README.md. One thread.
 */

enum { REFUSAL_WINDOW_MS = 60000, REFUSAL_SOURCES = 1024, REFUSAL_LINE = 512 };

/* REASON(constant, counter, meaning). The word in the log is the counter's name with - in place of _. */
#define REFUSAL_REASONS(REASON)                                                                                        \
    REASON(MALFORMED, malformed, "the message breaks the syntax of SIP; detail names what and where")                  \
    REASON(TOO_LARGE, too_large, "the message, or its header, exceeds a limit of size")                                \
    REASON(TOO_MANY_HOPS, too_many_hops, "Max-Forwards is 0")                                                          \
    REASON(LOOP, loop, "the request has returned for the same AOR")                                                    \
    REASON(MAX_BREADTH, max_breadth, "Max-Breadth is 0, or the request has made as many branches as one may")          \
    REASON(EXTENSION, extension, "Require or Proxy-Require asks for an extension that is not supported")               \
    REASON(SCHEME, scheme,                                                                                             \
           "no hook handles the scheme of the URI, or a sips URI arrived over a transport without TLS")                \
    REASON(FOREIGN_DOMAIN, foreign_domain,                                                                             \
           "a REGISTER, or a request that the policy routes to bindings, for a domain that is not the server's")       \
    REASON(NO_USER, no_user, "a REGISTER whose To has no user part")                                                   \
    REASON(CREDENTIALS, credentials, "a wrong user or password, or an algorithm that was not offered")                 \
    REASON(OTHER_USER, other_user,                                                                                     \
           "valid credentials of a user other than the one in To of a REGISTER, or in From of another request")        \
    REASON(USERS_UNAVAILABLE, users_unavailable, "credentials could not be checked, because users cannot be read")     \
    REASON(RELAY_DENIED, relay_denied, "a request for another domain from a source that has no binding here")          \
    REASON(UNAUTHENTICATED, unauthenticated,                                                                           \
           "a request that would leave the server, or has a From of its domains, without credentials or a trunk")      \
    REASON(TOKEN_FORGED, token_forged, "a flow token that this server has not made")                                   \
    REASON(FLOW_GONE, flow_gone, "the flow that a token names is gone")                                                \
    REASON(NO_DIALOG, no_dialog,                                                                                       \
           "a request inside a dialog, or an ACK, whose dialog did not pass through this server")                      \
    REASON(NO_TRANSACTION, no_transaction, "a CANCEL that belongs to no transaction")                                  \
    REASON(RESPONSE_UNMATCHED, response_unmatched, "a response that matches no waiting request")                       \
    REASON(RESPONSE_SOURCE, response_source, "a response from a source to which its request was not sent")             \
    REASON(TOO_MANY_BINDINGS, too_many_bindings, "the AOR, or the server, has as many bindings as it may")             \
    REASON(UNPROVED, unproved,                                                                                         \
           "a REGISTER that asks for a list of bindings too long for an address that has not answered")                \
    REASON(INTERVAL_TOO_BRIEF, interval_too_brief, "a registration shorter than --min-expires")                        \
    REASON(OUT_OF_ORDER, out_of_order, "a REGISTER that a later one of the same Call-ID has overtaken")                \
    REASON(NO_OUTBOUND, no_outbound, "outbound was asked for, and the first hop does not support it")                  \
    REASON(POLICY, policy, "the policy refused or dropped the request")                                                \
    REASON(OVERLOAD, overload, "too many transactions are in progress, or too many bytes wait for a response")         \
    REASON(DRAINING, draining, "the server is ending and takes no new requests")                                       \
    REASON(CONNECTION_LIMIT, connection_limit, "a new connection beyond --max-connections was closed")                 \
    REASON(REQUEST_LIMIT, request_limit,                                                                               \
           "messages beyond --limit-requests: dropped over UDP, otherwise the source is banned")                       \
    REASON(FAILURE_LIMIT, failure_limit,                                                                               \
           "requests that failed, beyond --limit-failures: not answered over UDP, otherwise the source is banned")     \
    REASON(SOURCE_CONNECTIONS, source_connections, "a new connection beyond --limit-connections was closed")           \
    REASON(BANNED, banned, "a new connection of a banned source was closed")                                           \
    REASON(PROXY_HEADER, proxy_header,                                                                                 \
           "a connection from an address of --proxy-protocol had no acceptable PROXY header; source is the balancer")  \
    REASON(ORIGIN, origin, "a WebSocket request from a page whose origin is not one of --ws-origin")                   \
    REASON(MEMORY, memory, "there was no memory for the request")

enum refusal {
#define REASON(constant, counter, meaning) REFUSAL_##constant,
    REFUSAL_REASONS(REASON)
#undef REASON
        REFUSAL_COUNT
};

struct refusal_entry;

struct refusals {
    const struct host *host;
    bool mask_numbers;
    struct hash_key key;
    struct table sources;         /* of struct refusal_entry */
    struct refusal_entry *others; /* REFUSAL_COUNT entries, for sources that have no room */
    uint64_t counts[REFUSAL_COUNT];
};

/* A refusal. */
struct refused {
    const struct peer *source;
    const struct sip_message *request; /* NULL if the bytes could not be read as a request */
    enum refusal reason;
    uint32_t status;    /* of the response; 0: dropped without a response */
    const char *detail; /* a sentence for the log; NULL or "": none */
};

/* Initialises in place. Returns 0 or -ENOMEM. */
int refusals_create(struct refusals *refusals, const struct host *host, bool mask_numbers);
/* Logs the counts that were not logged yet. May be called after a failed refusals_create(). */
void refusals_destroy(struct refusals *refusals);

/* Counts a refusal and logs it, now or later. Without memory it is counted with the other sources. */
void refusals_note(struct refusals *refusals, const struct refused *refused);

/* Logs the counts that are due and removes inactive sources; to be called about once a second. */
void refusals_sweep(struct refusals *refusals);

/* "foreign_domain", the name of the counter after "refused_"; a static string. */
const char *refusal_counter(enum refusal reason);

/* The reason for the status with which a REGISTER is refused because of its content (sip/registration.h). */
enum refusal refusal_of_registration(uint32_t status);

#endif
