// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_CLI_SCENE_H
#define REFLOW_CLI_SCENE_H

#include "base/host.h"
#include "standalone/server/server.h"

/*
 * A server on a simulated network and clock: what it sends, logs and decides is kept in order until it is taken; names
 * are looked up in a list; time passes only when a test advances it. Random numbers are the same each time.
 */

enum {
    SCENE_CONNECTIONS = 4096, /* over the life of a scene */
    SCENE_NAMES = 64,
    SCENE_LOOKUPS = 256,
    SCENE_ADDRESSES = 8, /* of one name */
    SCENE_REFUSALS = 64,
    SCENE_TRUNKS = 16,
    SCENE_USERS = 16,
    SCENE_EVENTS = 100000 /* that nobody took */
};

enum scene_kind { SCENE_SENT, SCENE_LOGGED, SCENE_DECIDED };

struct scene_event {
    struct scene_event *next;
    uint64_t at_ms; /* since the scene began */
    uint8_t kind;   /* enum scene_kind */
    struct peer peer;
    enum log_level level;
    struct { /* SCENE_DECIDED; the text is the target */
        struct decision decision;
        struct facts facts;
        enum script_outcome outcome;
        enum rule_id refused;
        const char *verdict; /* static; NULL: none was carried out */
        char call_id[128];
    } decided;
    size_t length;
    char bytes[]; /* a message, a line, a target; with a NUL that is not counted */
};

struct scene_connection {
    struct peer peer;
    bool open, close_asked;
    bool deaf;              /* its peer acknowledges nothing any more */
    uint64_t unanswered_ms; /* since when bytes wait for an acknowledgement; 0: none do */
};

struct scene_name {
    char host[256];
    union address address;
};

struct scene_user {
    char user[64], realm[64], password[64];
};

struct scene_lookup {
    char host[256];
    locate_done *done;
    void *again;
    uint16_t port;
    uint8_t transport;
};

struct scene {
    struct host host;
    struct wire wire;
    struct server_config config; /* may be changed before scene_open() */
    struct trunks trunks;
    char trunk_texts[SCENE_TRUNKS][64];
    struct domains *domains; /* domains of the server: example.com and added ones */
    struct scene_user users[SCENE_USERS];
    size_t user_count;
    enum auth_algorithm algorithms[AUTH_ALGORITHMS];
    size_t algorithm_count;
    struct token_keys *keys; /* which outlive a restart of the server */
    struct auth *auth;       /* NULL: there are no users, and nobody is asked for credentials */
    struct server *server;   /* NULL until then */
    struct scene_event *first, **last;
    size_t events;
    struct scene_connection connections[SCENE_CONNECTIONS];
    size_t connection_count;
    struct scene_name names[SCENE_NAMES];
    size_t name_count;
    struct scene_lookup lookups[SCENE_LOOKUPS];
    size_t lookup_count;
    union address refusals[SCENE_REFUSALS];
    size_t refusal_count;
    uint64_t began_ms, now_ms;
    uint32_t seed;
};

/* A scene must not move once created; it is large: keep it on the heap. It serves example.com on 192.0.2.1:5060, UDP
   (listener 0) and TCP (listener 1). */
void scene_create(struct scene *scene);
int scene_open(struct scene *scene); /* the server; as server_new() */
void scene_destroy(struct scene *scene);

/* Ends the server and starts one with the same configuration, without bindings, connections and a policy. Returns as
   scene_open(). */
int scene_restart(struct scene *scene);

/* Milliseconds since the scene began. */
uint64_t scene_time(const struct scene *scene);
/* Milliseconds until something is due: a timer, a name that is looked up. -1: nothing is due. */
int64_t scene_next(const struct scene *scene);
/* Advances the clock by this time; whatever is due happens. No step goes beyond scene_next(). */
void scene_pass(struct scene *scene, uint64_t ms);

/* Opens a connection from this address; 0: too many. */
flow_id scene_connect(struct scene *scene, const union address *address);
/* The peer closes the connection; false if it was closed before. */
bool scene_close(struct scene *scene, flow_id connection);
/* From now on the peer of an open connection acknowledges nothing, as if its cable were cut. */
void scene_deafen(struct scene *scene, flow_id connection);
/* The number of an open connection that the server wants to close; 0: none. */
flow_id scene_unwanted(const struct scene *scene);

/* Adds a trunk before scene_open(). Returns 0, -EINVAL if it is not "ADDRESS" or "ADDRESS/BITS", or -ENOSPC if there
   are too many. */
int scene_trunk(struct scene *scene, const char *cidr);

/* Adds a user, "bob@example.com", before scene_open(): the server then asks for credentials. Returns 0, -EINVAL if the
   user has no domain or something is too long, or -ENOSPC if there are too many. */
int scene_user(struct scene *scene, const char *aor, const char *password);

/* The algorithms of challenges, in this order, before scene_open(). Returns 0, or -EINVAL for another name than
   "MD5", "SHA-256" and "SHA-512-256", or for one too many. */
int scene_add_algorithm(struct scene *scene, const char *name);

/* Sets an option of the server, before scene_open(): "flow-timer", "max-transactions" and "ack-time", as the options of
   `reflow serve`; "check-callers" 1: 3261-16.3.a; "streams" 1: the server may open TCP connections for large requests
   and for responses. Returns 0, or -EINVAL for another name. */
int scene_option(struct scene *scene, const char *name, uint32_t value);

/* Makes the server an edge proxy, before scene_open(): it has neither a domain nor bindings. */
void scene_edge(struct scene *scene);

/* Adds an address to a name: they are tried in this order. -ENOSPC if there are too many. */
int scene_name(struct scene *scene, const char *host, const union address *address);
/* Sets whether the network refuses messages to an address. */
int scene_refuse(struct scene *scene, const union address *address, bool refuse);

/* The oldest event; scene_free() it. NULL: none. */
struct scene_event *scene_take(struct scene *scene);
void scene_free(struct scene_event *event);

#endif
