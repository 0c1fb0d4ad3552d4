// SPDX-License-Identifier: BSD-2-Clause
#include "cli/test/scene.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/plain_host.h"
#include "call/response_context.h"
#include "flow/token.h"

enum { BEGIN_MS = 1000000, BEGIN_S = 1700000000 };

/* --- the host --- */

static uint64_t now_ms(void *context)
{
    return ((struct scene *)context)->now_ms;
}

static int64_t wall_s(void *context)
{
    const struct scene *scene = context;
    return BEGIN_S + (int64_t)((scene->now_ms - scene->began_ms) / 1000);
}

static uint32_t random_number(void *context)
{
    struct scene *scene = context;
    scene->seed = scene->seed * 1664525U + 1013904223U;
    return scene->seed ^ (scene->seed >> 16);
}

/* --- what happened --- */

static struct scene_event *add_event(struct scene *scene, enum scene_kind kind, const char *bytes, size_t length)
{
    struct scene_event *event = scene->events < SCENE_EVENTS ? calloc(1, sizeof *event + length + 1) : NULL;
    if (event == NULL)
        return NULL;
    event->kind = (uint8_t)kind;
    event->at_ms = scene_time(scene);
    event->length = length;
    if (length > 0)
        memcpy(event->bytes, bytes, length);
    *scene->last = event;
    scene->last = &event->next;
    scene->events++;
    return event;
}

static void log_event(void *context, enum log_level level, const char *line)
{
    struct scene_event *event = add_event(context, SCENE_LOGGED, line, strlen(line));
    if (event != NULL)
        event->level = level;
}

static void decided_event(void *context, const struct decided *decided)
{
    struct text call_id = sip_call_id(decided->request);
    struct scene_event *event = add_event(context, SCENE_DECIDED, decided->target.at, decided->target.length);
    if (event == NULL)
        return;
    event->decided.decision = *decided->decision;
    event->decided.facts = *decided->facts;
    event->decided.outcome = decided->outcome;
    event->decided.refused = decided->refused;
    event->decided.verdict = decided->verdict;
    snprintf(event->decided.call_id, sizeof event->decided.call_id, "%.*s", (int)call_id.length, call_id.at);
}

struct scene_event *scene_take(struct scene *scene)
{
    struct scene_event *event = scene->first;
    if (event == NULL)
        return NULL;
    scene->first = event->next;
    scene->events--;
    if (scene->first == NULL)
        scene->last = &scene->first;
    return event;
}

void scene_free(struct scene_event *event)
{
    free(event);
}

/* --- the network --- */

static struct scene_connection *connection_of(struct scene *scene, flow_id number)
{
    bool known = number >= 1 && number <= scene->connection_count;
    return known && scene->connections[number - 1].open ? &scene->connections[number - 1] : NULL;
}

static flow_id open_connection(struct scene *scene, const struct peer *peer)
{
    if (scene->connection_count == SCENE_CONNECTIONS)
        return 0;
    struct scene_connection *connection = &scene->connections[scene->connection_count++];
    *connection = (struct scene_connection){.peer = *peer, .open = true};
    connection->peer.connection = scene->connection_count;
    return scene->connection_count;
}

static flow_id connection_to(struct scene *scene, const struct peer *peer)
{
    for (size_t i = 0; i < scene->connection_count; i++) {
        if (scene->connections[i].open && address_equal(&scene->connections[i].peer.address, &peer->address))
            return i + 1;
    }
    return open_connection(scene, peer);
}

static size_t find_refusal(const struct scene *scene, const union address *address)
{
    size_t i = 0;
    while (i < scene->refusal_count && !address_equal(&scene->refusals[i], address))
        i++;
    return i;
}

static void note_sent(struct scene *scene, flow_id number)
{
    struct scene_connection *connection = connection_of(scene, number);
    if (connection != NULL && connection->deaf && connection->unanswered_ms == 0)
        connection->unanswered_ms = scene->now_ms;
}

static int wire_send(void *context, struct peer *peer, const char *bytes, size_t length)
{
    struct scene *scene = context;
    if (find_refusal(scene, &peer->address) < scene->refusal_count)
        return -ECONNREFUSED;
    if (transport_connects(peer->transport)) {
        if (peer->connection == 0)
            peer->connection = connection_to(scene, peer);
        if (connection_of(scene, peer->connection) == NULL)
            return -EPIPE;
    }
    struct scene_event *event = add_event(scene, SCENE_SENT, bytes, length);
    if (event == NULL)
        return -ENOBUFS;
    event->peer = *peer;
    note_sent(scene, peer->connection);
    return 0;
}

/* TCP alone: there is no certificate that could prove a domain. */
static int wire_connect(void *context, struct peer *peer, struct text domain)
{
    (void)domain;
    struct scene *scene = context;
    if (peer->transport != TRANSPORT_TCP)
        return -ENOTSUP;
    if (find_refusal(scene, &peer->address) < scene->refusal_count)
        return -ECONNREFUSED;
    peer->connection = connection_to(scene, peer);
    return peer->connection != 0 ? 0 : -EMFILE;
}

/* A segment without an acknowledgement is sent again after 1, 2, 4 ... times COPY_MS, as Linux does on a fast path. */
static int wire_acks(void *context, flow_id number, struct ack_sample *sample)
{
    enum { COPY_MS = 200, ROUND_TRIP_US = 20000 };
    struct scene *scene = context;
    const struct scene_connection *connection = connection_of(scene, number);
    if (connection == NULL)
        return -EPIPE;
    *sample = (struct ack_sample){.srtt_us = ROUND_TRIP_US};
    if (connection->unanswered_ms == 0)
        return 0;
    uint64_t elapsed = scene->now_ms - connection->unanswered_ms, last = 0;
    for (uint64_t copy = COPY_MS; copy <= elapsed; copy *= 2) {
        sample->retransmitted++;
        last = copy;
    }
    sample->in_flight = 1;
    sample->last_sent_ms = (uint32_t)(elapsed - last);
    return 0;
}

static void wire_close(void *context, flow_id number)
{
    struct scene_connection *connection = connection_of(context, number);
    if (connection != NULL)
        connection->close_asked = true;
}

static bool wire_connection(void *context, flow_id number, struct peer *peer)
{
    const struct scene_connection *connection = connection_of(context, number);
    if (connection != NULL)
        *peer = connection->peer;
    return connection != NULL;
}

static void set_port(union address *address, uint16_t port)
{
    if (address->any.sa_family == AF_INET6)
        address->v6.sin6_port = htons(port);
    else
        address->v4.sin_port = htons(port);
}

static int wire_locate(void *context, const struct peer *source, const struct locate_query *query, locate_done *done,
                       void *again)
{
    (void)source;
    struct scene *scene = context;
    if (scene->lookup_count == SCENE_LOOKUPS)
        return -EAGAIN;
    struct scene_lookup *lookup = &scene->lookups[scene->lookup_count++];
    *lookup = (struct scene_lookup){.done = done, .again = again, .transport = (uint8_t)locate_transport(query)};
    lookup->port = query->port != 0 ? query->port : transport_port(lookup->transport);
    snprintf(lookup->host, sizeof lookup->host, "%s", query->host);
    return 0;
}

static size_t find_places(const struct scene *scene, const struct scene_lookup *lookup,
                          struct place places[SCENE_ADDRESSES])
{
    size_t count = 0;
    for (size_t i = 0; i < scene->name_count && count < SCENE_ADDRESSES; i++) {
        if (strcasecmp(scene->names[i].host, lookup->host) != 0)
            continue;
        places[count] = (struct place){.address = scene->names[i].address, .transport = lookup->transport};
        set_port(&places[count++].address, lookup->port);
    }
    return count;
}

static void answer_lookups(struct scene *scene)
{
    while (scene->lookup_count > 0) {
        struct scene_lookup lookup = scene->lookups[0];
        scene->lookup_count--;
        memmove(scene->lookups, scene->lookups + 1, scene->lookup_count * sizeof lookup);
        struct place places[SCENE_ADDRESSES];
        lookup.done(lookup.again, places, find_places(scene, &lookup, places));
    }
}

flow_id scene_connect(struct scene *scene, const union address *address)
{
    const struct peer peer = {.transport = TRANSPORT_TCP, .listener = 1, .address = *address};
    return open_connection(scene, &peer);
}

bool scene_close(struct scene *scene, flow_id number)
{
    struct scene_connection *connection = connection_of(scene, number);
    if (connection == NULL)
        return false;
    connection->open = false;
    server_flow_down(scene->server, number, "closed");
    return true;
}

void scene_deafen(struct scene *scene, flow_id number)
{
    struct scene_connection *connection = connection_of(scene, number);
    if (connection != NULL)
        connection->deaf = true;
}

flow_id scene_unwanted(const struct scene *scene)
{
    for (size_t i = 0; i < scene->connection_count; i++) {
        if (scene->connections[i].open && scene->connections[i].close_asked)
            return i + 1;
    }
    return 0;
}

int scene_trunk(struct scene *scene, const char *cidr)
{
    struct trunks *trunks = &scene->trunks;
    size_t count = trunks->address_count;
    if (count == SCENE_TRUNKS)
        return -ENOSPC;
    if (strlen(cidr) >= sizeof scene->trunk_texts[0] || !cidr_read(text_of(cidr), &trunks->addresses[count].cidr))
        return -EINVAL;
    snprintf(scene->trunk_texts[count], sizeof scene->trunk_texts[0], "%s", cidr);
    trunks->addresses[count].text = text_of(scene->trunk_texts[count]);
    trunks->address_count++;
    return 0;
}

int scene_user(struct scene *scene, const char *aor, const char *password)
{
    const char *at = strchr(aor, '@');
    if (scene->user_count == SCENE_USERS)
        return -ENOSPC;
    struct scene_user *user = &scene->users[scene->user_count];
    if (at == NULL || at == aor || at[1] == '\0' || (size_t)(at - aor) >= sizeof user->user ||
        strlen(at + 1) >= sizeof user->realm || strlen(password) >= sizeof user->password)
        return -EINVAL;
    snprintf(user->user, sizeof user->user, "%.*s", (int)(at - aor), aor);
    snprintf(user->realm, sizeof user->realm, "%s", at + 1);
    snprintf(user->password, sizeof user->password, "%s", password);
    scene->user_count++;
    return 0;
}

static int find_user(void *context, struct text name, struct text realm, enum auth_algorithm algorithm,
                     char ha1[HA1_SIZE])
{
    const struct scene *scene = context;
    for (size_t i = 0; i < scene->user_count; i++) {
        const struct scene_user *user = &scene->users[i];
        const struct text parts[] = {text_of(user->user), text_of(user->realm), text_of(user->password)};
        if (text_equal(name, parts[0]) && text_equal(realm, parts[1]))
            return digest_hex_joined(auth_digest(algorithm), parts, 3, ha1) ? 1 : -ENOTSUP;
    }
    return 0;
}

int scene_add_algorithm(struct scene *scene, const char *name)
{
    for (unsigned i = 0; i < AUTH_ALGORITHMS && scene->algorithm_count < AUTH_ALGORITHMS; i++) {
        if (strcmp(name, auth_algorithm_name((enum auth_algorithm)i)) != 0)
            continue;
        scene->algorithms[scene->algorithm_count++] = (enum auth_algorithm)i;
        return 0;
    }
    return -EINVAL;
}

static int open_auth(struct scene *scene)
{
    struct auth_config config = {.host = &scene->host,
                                 .find = find_user,
                                 .find_context = scene,
                                 .algorithms = {AUTH_SHA256},
                                 .algorithm_count = 1};
    if (scene->algorithm_count > 0) {
        memcpy(config.algorithms, scene->algorithms, sizeof config.algorithms);
        config.algorithm_count = scene->algorithm_count;
    }
    int error = scene->user_count > 0 ? auth_new(&scene->auth, &config) : 0;
    scene->config.auth = scene->auth;
    return error;
}

int scene_option(struct scene *scene, const char *name, uint32_t value)
{
    struct server_config *config = &scene->config;
    if (strcmp(name, "flow-timer") == 0)
        config->flow_timer = value;
    else if (strcmp(name, "max-transactions") == 0)
        config->transactions_most = value;
    else if (strcmp(name, "ack-time") == 0)
        config->ack_ms = value;
    else if (strcmp(name, "check-callers") == 0)
        config->checks_callers = value != 0;
    else if (strcmp(name, "streams") == 0)
        scene->wire.connect = scene->wire.reopen = value != 0 ? wire_connect : NULL;
    else
        return -EINVAL;
    return 0;
}

void scene_edge(struct scene *scene)
{
    scene->config.edge = true;
    scene->config.domains = NULL;
}

int scene_name(struct scene *scene, const char *host, const union address *address)
{
    if (scene->name_count == SCENE_NAMES || strlen(host) >= sizeof scene->names[0].host)
        return -ENOSPC;
    struct scene_name *name = &scene->names[scene->name_count++];
    snprintf(name->host, sizeof name->host, "%s", host);
    name->address = *address;
    return 0;
}

int scene_refuse(struct scene *scene, const union address *address, bool refuse)
{
    size_t at = find_refusal(scene, address);
    bool refused = at < scene->refusal_count;
    if (refuse && !refused) {
        if (at == SCENE_REFUSALS)
            return -ENOSPC;
        scene->refusals[scene->refusal_count++] = *address;
    } else if (!refuse && refused) {
        scene->refusals[at] = scene->refusals[--scene->refusal_count];
    }
    return 0;
}

/* --- life and time --- */

void scene_create(struct scene *scene)
{
    memset(scene, 0, sizeof *scene);
    scene->last = &scene->first;
    scene->began_ms = scene->now_ms = BEGIN_MS;
    scene->seed = 1;
    scene->host = (struct host){.context = scene,
                                .now_ms = now_ms,
                                .wall_s = wall_s,
                                .allocate = plain_allocate,
                                .random = random_number,
                                .log = log_event};
    scene->wire = (struct wire){.context = scene,
                                .send = wire_send,
                                .close = wire_close,
                                .acks = wire_acks,
                                .abort = wire_close,
                                .connection = wire_connection,
                                .locate = wire_locate};
    scene->config =
        (struct server_config){.host = &scene->host,
                               .wire = &scene->wire,
                               .listeners = {{TRANSPORT_UDP, 5060, "192.0.2.1"}, {TRANSPORT_TCP, 5060, "192.0.2.1"}},
                               .listener_count = 2,
                               .rest_silent = REST_SILENT_STANDARD_S,
                               .decided = decided_event,
                               .decided_context = scene};
    if (domains_new(&scene->domains, &scene->host) == 0)
        domains_add(scene->domains, TEXT("example.com"));
    scene->config.domains = scene->domains;
    scene->config.trunks = &scene->trunks;
}

int scene_open(struct scene *scene)
{
    char why[160];
    int error = domains_have(scene->domains, TEXT("example.com")) ? open_auth(scene) : -ENOMEM;
    if (error == 0)
        error = token_keys_open(&scene->keys, &scene->host, NULL, why, sizeof why);
    scene->config.token_keys = scene->keys;
    return error == 0 ? server_new(&scene->server, &scene->config) : error;
}

int scene_restart(struct scene *scene)
{
    answer_lookups(scene);
    server_delete(scene->server);
    scene->server = NULL;
    for (size_t i = 0; i < scene->connection_count; i++)
        scene->connections[i].open = false;
    return server_new(&scene->server, &scene->config);
}

void scene_destroy(struct scene *scene)
{
    struct scene_event *event;
    answer_lookups(scene);
    server_delete(scene->server);
    scene->server = NULL;
    auth_delete(scene->auth);
    token_keys_close(scene->keys);
    domains_delete(scene->domains);
    while ((event = scene_take(scene)) != NULL)
        scene_free(event);
}

uint64_t scene_time(const struct scene *scene)
{
    return scene->now_ms - scene->began_ms;
}

int64_t scene_next(const struct scene *scene)
{
    if (scene->server == NULL)
        return -1;
    return scene->lookup_count > 0 ? 0 : timers_next(server_timers(scene->server));
}

void scene_pass(struct scene *scene, uint64_t ms)
{
    scene->now_ms += ms;
    if (scene->server == NULL)
        return;
    answer_lookups(scene);
    timers_run(server_timers(scene->server));
}
