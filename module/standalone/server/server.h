// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_SERVER_H
#define REFLOW_STANDALONE_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/host.h"
#include "core/decide.h"
#include "flow/binding.h"
#include "flow/holdings.h"
#include "flow/load.h"
#include "flow/token.h"
#include "script/policy/policy.h"
#include "sip/rewrite.h"
#include "standalone/address/advertised.h"
#include "standalone/address/domains.h"
#include "standalone/auth/auth.h"
#include "standalone/net/network_events.h"
#include "standalone/net/peer.h"
#include "standalone/net/refusal.h"
#include "standalone/net/source_limits.h"
#include "standalone/net/timer.h"
#include "standalone/transaction/transaction.h"
#include "standalone/net/wire.h"

/*
 * Registrar and authoritative proxy in one, without sockets: messages, dead flows and time arrive by the functions
 * below, and messages are sent by struct wire. One thread. Sockets (network.h) or a test drive it.
 */

struct server;

/* A decision about one response, for a log. Borrowed for the duration of the call. */
struct decided {
    const struct decision *decision;
    const struct facts *facts;
    const struct sip_message *request;
    struct text aor, target, flow, instance;
    enum script_outcome outcome; /* of the response hook */
    const char *verdict;         /* its name if it was carried out; else NULL */
    enum rule_id refused;        /* the guardrail that refused a verdict; else RULE_NONE */
    uint32_t elapsed_ms;         /* since the request was received */
    const struct state *state;
    uint64_t version; /* of the policy; 0: not known */
    struct text hook; /* the place of the hook that decided or failed, if known */
    uint64_t ns;      /* time of core and hook; 0: not measured */
};

struct server_config {
    const struct host *host;
    const struct wire *wire;
    struct policy *policy;         /* borrowed; NULL: the server creates one, for server_use_script() */
    struct token_keys *token_keys; /* borrowed, for flow tokens; NULL: the server creates keys that end with it */
    struct listener listeners[LISTENERS_MOST];
    size_t listener_count;
    struct advertising advertising; /* what messages name in place of the listeners */
    struct source_limits *sources;  /* borrowed; NULL: no limits per source */
    struct auth *auth;              /* borrowed; NULL: nobody is asked for credentials */
    const struct trunks *trunks;    /* borrowed; NULL: no trunk is known */
    const struct domains *domains;  /* borrowed, in addition to the addresses of the listeners; NULL: none */
    struct timer_values timers;
    uint32_t timer_c_ms; /* 0: 185000 (above 3 minutes, RFC 3261 16.6) */
    uint32_t ack_ms;  /* how long a flow may leave an INVITE unacknowledged (5626-7.i); 0: for as long as TCP allows */
    uint32_t expires; /* s, if a REGISTER names none; 0: 3600 */
    uint32_t expires_least;  /* s, below it 423; 0: 60 */
    bool expires_lengthened; /* instead of the 423, expires_least is granted */
    uint32_t expires_most;   /* s; 0: 7200 */
    uint32_t flow_timer;     /* s, Flow-Timer in a 2xx REGISTER with outbound; 0: none */
    uint32_t nat_ping;       /* s between pings to plain phones behind NAT; 0: none are sent */
    uint32_t rest_silent;    /* s that a destination is tried last after it was silent; 0: never */
    enum aor_case aor_case;
    struct text realm;          /* asked of callers who name no domain of the server; empty: of no one */
    bool checks_callers;        /* 3261-16.3.a; otherwise everybody may do what anybody may */
    bool refuses_foreign;       /* with checks_callers: strangers may not even call the users of this server */
    bool edge;                  /* it only forwards: no bindings, and no destination that a caller chooses */
    bool responses_to_source;   /* over UDP also if the request has no rport in Via */
    uint32_t transactions_most; /* server transactions at a time, beyond them 503; 0: 200000 */
    struct load_limits loads;   /* client transactions that wait for a final response; 0: the defaults */
    struct holdings_limits requests_kept; /* by server transactions, with their responses; 0: the defaults */
    struct holdings_limits bindings_kept; /* 0: the defaults */
    struct sip_limits limits;
    struct binding_limits bindings;
    binding_listener *binding_changed; /* for persistence; NULL: none */
    void *binding_changed_context;
    bool verbose;      /* log each registration, each flow that dies and each answer to an INVITE */
    bool mask_numbers; /* telephone numbers in the log of refused requests */
    void (*decided)(void *context, const struct decided *decided); /* NULL: no log */
    void *decided_context;
};

/* Counters by name: COUNTER(name, what is counted). */
#define SERVER_COUNTERS(COUNTER)                                                                                       \
    COUNTER(requests, "requests received")                                                                             \
    COUNTER(responses, "responses received")                                                                           \
    COUNTER(retransmissions, "requests that were repeated")                                                            \
    COUNTER(malformed_answered, "messages with a fault, answered")                                                     \
    COUNTER(malformed_dropped, "messages with a fault, dropped")                                                       \
    COUNTER(unmatched, "responses that match no transaction, or not its destination, dropped")                         \
    COUNTER(responses_other_port, "responses from another port or connection of the destination, accepted")            \
    COUNTER(overloaded, "requests refused: too many transactions, or draining")                                        \
    COUNTER(challenged, "requests challenged: without credentials, or with a nonce that is too old or used")           \
    COUNTER(authenticated, "requests with valid credentials")                                                          \
    COUNTER(authentication_failed, "requests with wrong credentials, challenged again")                                \
    COUNTER(registered, "REGISTER accepted")                                                                           \
    COUNTER(register_refused, "REGISTER refused")                                                                      \
    COUNTER(responses_by_name, "responses sent to a server of the name in Via: no connection to their sender opened")  \
    COUNTER(branches, "requests sent on")                                                                              \
    COUNTER(large_by_stream, "requests sent over TCP because they are too large for a datagram")                       \
    COUNTER(large_returned, "of these, sent again over UDP because no connection could be opened")                     \
    COUNTER(silences, "requests that their destination did not answer at all; it rests")                               \
    COUNTER(address_failures, "addresses that a policy named and that failed")                                         \
    COUNTER(address_probes, "OPTIONS sent to such addresses until they answer")                                        \
    COUNTER(breadth_waits, "times that targets waited because Max-Breadth did not suffice")                            \
    COUNTER(load_request, "branches not begun: the request had made as many, or as many bytes, as one may")            \
    COUNTER(load_source, "branches not begun: too much of their source was in flight")                                 \
    COUNTER(load_total, "branches not begun: too much was in flight")                                                  \
    COUNTER(flows_down, "flows that died")                                                                             \
    COUNTER(bindings_lost, "bindings whose flow died")                                                                 \
    COUNTER(icmp_unproved, "ICMP errors that quote no request that waits")                                             \
    COUNTER(probes, "OPTIONS sent over a flow after such an error")                                                    \
    COUNTER(probes_silent, "flows that died because nothing answered that OPTIONS")                                    \
    COUNTER(nat_pings, "pings sent to phones without reg-id behind NAT")                                               \
    COUNTER(nat_pings_lost, "pings among them that were not answered")                                                 \
    COUNTER(nat_flows_lost, "flows that died because three pings in a row were not answered")                          \
    COUNTER(tokens_forged, "requests with a flow token that is not ours, refused")                                     \
    COUNTER(tokens_gone, "requests with the token of a flow that is gone")                                             \
    COUNTER(withheld, "messages not sent: too many bytes for an address that has not answered yet")                    \
    COUNTER(lists_shortened, "answers to a REGISTER with its own bindings alone, for the same reason")                 \
    COUNTER(acks_dropped, "ACKs of no dialog that came through here, dropped")                                         \
    COUNTER(verdicts, "verdicts of scripts carried out")                                                               \
    COUNTER(verdicts_refused, "verdicts of scripts that a guardrail refused")                                          \
    COUNTER(script_errors, "hooks that raised, overran or ran out of memory")                                          \
    COUNTER(memory, "requests refused for want of memory")

struct server_counters {
#define COUNTER(name, what) uint64_t name;
    SERVER_COUNTERS(COUNTER)
#undef COUNTER
};

int server_new(struct server **out, const struct server_config *config);
void server_delete(struct server *server); /* NULL is fine */

/* Handles one complete message. The bytes belong to the caller. */
void server_received(struct server *server, const struct peer *source, const char *bytes, size_t length);

/* Handles bytes of a stream that cannot be split into messages: answers with the status if possible, and counts it. */
void server_received_fault(struct server *server, const struct peer *source, const char *bytes, size_t length,
                           uint16_t status);

/* Logs a connection from `source` that was closed before it carried a message. status: of HTTP, or 0; detail may be
   NULL. */
void server_connection_refused(struct server *server, const struct peer *source, enum refusal reason, uint32_t status,
                               const char *detail);

/* Counts a keep-alive (CRLFCRLF, STUN, a WebSocket ping). Returns false if it exceeds the limit of its source: it
   must not be answered, and a connection has been closed. */
bool server_may_keep_alive(struct server *server, const struct peer *source);

/* Handles a dead flow (rules 5626-7.f h): its bindings are removed, and branches that wait on it fail over. reason:
   FLOW_UNOPENED, FLOW_REFUSED, "closed", "icmp", "keepalive", "tls", "unacknowledged", "write". */
void server_flow_down(struct server *server, flow_id flow, const char *reason);

/* Handles an ICMP error: a datagram to `peer` was unreachable. `quoted` is the part of its payload in the error. The
   flow is dead if this contains the branch of a waiting request; otherwise the server at most sends an OPTIONS over
   the flow (5626-7.j). */
void server_datagram_returned(struct server *server, const struct peer *peer, struct text quoted);

/* Uses a script for new requests, as a version of the policy; the reference is taken over. Requests in progress keep
   theirs. Returns 0 or -ENOMEM. */
int server_use_script(struct server *server, struct script *script);

/* Serves these domains from now on; they are borrowed like those of the configuration. Bindings of other domains
   stay until they expire. */
void server_use_domains(struct server *server, const struct domains *domains);

/* Removes the bindings of a user who has been removed: an AOR without scheme, in any spelling. Returns their number. */
size_t server_remove_user(struct server *server, struct text user);

/* The timers of the server; the caller runs them and sleeps until the next one is due. */
struct timers *server_timers(struct server *server);

/* Starts to drain: new requests outside dialogs get 503. Drained means that no transaction waits for its response. */
void server_drain(struct server *server);
bool server_is_drained(const struct server *server);

/* What a network calls for this server. */
extern const struct network_events server_network_events;

struct binding_store *server_bindings(struct server *server);
enum aor_case server_aor_case(const struct server *server);

/* Returns whether a binding with a reg-id is on the flow. */
bool server_flow_is_outbound(const struct server *server, flow_id flow);

/* The other side of a flow; false if it is gone or unknown. */
bool server_flow_peer(const struct server *server, flow_id flow, struct peer *peer);

/* Converts the local side of a datagram flow to a form that survives the process, and back: the listener's address
   or, with a wildcard listener, the address in use. server_find_local() sets listener and address in *peer, whose
   remote address must be set and gets its interface if it is link-local. Returns false if no datagram listener has
   the local address. */
bool server_local_address(const struct server *server, const struct peer *peer, union address *local);
bool server_find_local(const struct server *server, const union address *local, struct peer *peer);

/* The number of the own socket of a peer, which consists of its listener and local address; never 0. It is valid in
   this run. The reverse sets these two and the transport in *own, and returns false for 0 and if there is no such
   listener. */
uint16_t server_socket_number(const struct peer *peer);
bool server_socket(const struct server *server, uint16_t number, struct peer *own);
/* The number of the socket with this transport and address; 0: no such socket. */
uint16_t server_find_socket(const struct server *server, enum transport transport, const union address *local);

/* Restores a binding from an earlier run of the process; `peer` is the other side of its flow if that is a datagram
   flow. Errors as binding_put(). */
int server_restore_binding(struct server *server, const struct binding_view *view, const struct peer *peer);

/* "tcp 127.0.0.1:40112 #17", "tls ..." or "udp 127.0.0.1:5070"; returns the length. */
size_t server_describe_flow(const struct server *server, flow_id flow, char *out, size_t size);

/* JSON: flows, bindings, transactions, counters, decisions by code and action. 0 or -ENOMEM. */
int server_status(const struct server *server, struct sip_buffer *out);

#endif
