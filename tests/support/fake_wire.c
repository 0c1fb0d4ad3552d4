// SPDX-License-Identifier: BSD-2-Clause
#include "fake_wire.h"

#include <errno.h>

static struct fake_connection *connection_of(struct fake_wire *wire, flow_id number)
{
    bool known = number >= 1 && number <= wire->connection_count;
    return known && wire->connections[number - 1].open ? &wire->connections[number - 1] : NULL;
}

static flow_id open_connection(struct fake_wire *wire, const struct peer *peer)
{
    assert_true(wire->connection_count < FAKE_CONNECTIONS);
    struct fake_connection *connection = &wire->connections[wire->connection_count++];
    *connection = (struct fake_connection){.peer = *peer, .open = true};
    connection->peer.connection = wire->connection_count;
    return wire->connection_count;
}

static flow_id connection_to(struct fake_wire *wire, const struct peer *peer)
{
    for (size_t i = 0; i < wire->connection_count; i++) {
        const struct fake_connection *known = &wire->connections[i];
        if (known->open && known->peer.listener == peer->listener &&
            address_equal(&known->peer.address, &peer->address))
            return i + 1;
    }
    return open_connection(wire, peer);
}

static int refusal_of(const struct fake_wire *wire, const struct peer *peer)
{
    for (size_t i = 0; i < FAKE_REFUSALS; i++) {
        if (wire->refusals[i].error != 0 && wire->refusals[i].flow == peer_flow(peer))
            return wire->refusals[i].error;
    }
    return 0;
}

static int fake_send(void *context, struct peer *peer, const char *bytes, size_t length)
{
    struct fake_wire *wire = context;
    assert_true(length > 0);
    if (peer->transport == TRANSPORT_TCP && peer->connection == 0)
        peer->connection = connection_to(wire, peer);
    int refused = refusal_of(wire, peer);
    if (refused != 0)
        return refused;
    if (peer->transport != TRANSPORT_UDP && connection_of(wire, peer->connection) == NULL)
        return -EPIPE;
    struct sent *sent = calloc(1, sizeof *sent + length + 1);
    assert_non_null(sent);
    sent->peer = *peer;
    sent->at_ms = wire->fake->now_ms;
    sent->length = length;
    memcpy(sent->bytes, bytes, length);
    *wire->last = sent;
    wire->last = &sent->next;
    sent->older = wire->all;
    wire->all = sent;
    return 0;
}

/* Over TLS a connection for each call: none is taken for another's domain. */
static int fake_connect(void *context, struct peer *peer, struct text domain)
{
    struct fake_wire *wire = context;
    if (wire->connect_error != 0)
        return wire->connect_error;
    peer->connection = domain.length > 0 ? open_connection(wire, peer) : connection_to(wire, peer);
    struct fake_connection *made = connection_of(wire, peer->connection);
    snprintf(made->domain, sizeof made->domain, "%.*s", (int)domain.length, domain.at);
    return 0;
}

static int fake_reopen(void *context, struct peer *peer, struct text domain)
{
    struct fake_wire *wire = context;
    wire->reopened++;
    if (wire->reopen_error != 0)
        return wire->reopen_error;
    if (peer->transport == TRANSPORT_TLS)
        return fake_connect(context, peer, domain);
    peer->connection = connection_to(wire, peer);
    return 0;
}

static uint32_t fake_path_mtu(void *context, const struct peer *peer)
{
    (void)peer;
    return ((struct fake_wire *)context)->path_mtu;
}

static void fake_close(void *context, flow_id connection)
{
    struct fake_connection *known = connection_of(context, connection);
    if (known != NULL)
        known->close_asked = true;
}

static int fake_acks(void *context, flow_id connection, struct ack_sample *sample)
{
    const struct fake_connection *known = connection_of(context, connection);
    if (known == NULL)
        return -ENOTCONN;
    *sample = known->acks;
    return 0;
}

static void fake_abort(void *context, flow_id connection)
{
    struct fake_connection *known = connection_of(context, connection);
    assert_non_null(known);
    known->aborted = true;
    known->open = false;
}

static bool fake_connection(void *context, flow_id number, struct peer *peer)
{
    struct fake_wire *wire = context;
    const struct fake_connection *known = connection_of(wire, number);
    if (known != NULL)
        *peer = known->peer;
    else if (number >= 1 && number <= wire->connection_count && wire->connections[number - 1].unopened)
        *peer = wire->connections[number - 1].peer;
    return known != NULL;
}

static bool fake_ping(void *context, flow_id number, bool *answered)
{
    struct fake_connection *known = connection_of(context, number);
    if (known == NULL)
        return false;
    *answered = known->pings == 0 || !known->silent;
    known->pings++;
    return true;
}

static int fake_locate(void *context, const struct peer *source, const struct locate_query *query, locate_done *done,
                       void *again)
{
    struct fake_wire *wire = context;
    if (wire->locate_error != 0)
        return wire->locate_error;
    assert_true(wire->lookup_count < FAKE_LOOKUPS);
    struct fake_lookup *lookup = &wire->lookups[wire->lookup_count++];
    *lookup = (struct fake_lookup){.source = *source, .query = *query, .done = done, .again = again};
    snprintf(lookup->host, sizeof lookup->host, "%s", query->host);
    return 0;
}

void fake_wire_create(struct fake_wire *wire, struct fake_host *fake)
{
    *wire = (struct fake_wire){.fake = fake, .last = &wire->first};
    wire->wire = (struct wire){.context = wire,
                               .send = fake_send,
                               .connect = fake_connect,
                               .reopen = fake_reopen,
                               .path_mtu = fake_path_mtu,
                               .close = fake_close,
                               .acks = fake_acks,
                               .abort = fake_abort,
                               .connection = fake_connection,
                               .ping = fake_ping,
                               .locate = fake_locate};
}

static void answer_lookup(struct fake_lookup *lookup, const struct place *places, size_t count)
{
    locate_done *done = lookup->done;
    lookup->done = NULL;
    done(lookup->again, places, count);
}

void fake_wire_answer_all(struct fake_wire *wire)
{
    for (size_t i = 0; i < wire->lookup_count; i++) {
        if (wire->lookups[i].done != NULL)
            answer_lookup(&wire->lookups[i], NULL, 0);
    }
}

void fake_wire_destroy(struct fake_wire *wire)
{
    while (wire->all != NULL) {
        struct sent *sent = wire->all;
        wire->all = sent->older;
        free(sent);
    }
}

static union address loopback(uint16_t port)
{
    union address address;
    assert_true(address_read(TEXT("127.0.0.1"), port, &address));
    return address;
}

struct peer fake_udp(uint16_t port)
{
    return (struct peer){.transport = TRANSPORT_UDP, .address = loopback(port)};
}

struct peer fake_stream(struct fake_wire *wire, enum transport transport, uint8_t listener, uint16_t port)
{
    struct peer peer = {.transport = (uint8_t)transport, .listener = listener, .address = loopback(port)};
    peer.connection = open_connection(wire, &peer);
    return peer;
}

struct peer fake_stream_from(struct fake_wire *wire, enum transport transport, uint8_t listener, const char *host,
                             uint16_t port)
{
    struct peer peer = {.transport = (uint8_t)transport, .listener = listener};
    assert_true(address_read(text_of(host), port, &peer.address));
    peer.connection = open_connection(wire, &peer);
    return peer;
}

struct peer fake_tcp(struct fake_wire *wire, uint16_t port)
{
    return fake_stream(wire, TRANSPORT_TCP, 1, port);
}

void fake_wire_acks(struct fake_wire *wire, const struct peer *peer, struct ack_sample sample)
{
    struct fake_connection *known = connection_of(wire, peer->connection);
    assert_non_null(known);
    known->acks = sample;
}

bool fake_wire_is_aborted(const struct fake_wire *wire, const struct peer *peer)
{
    return wire->connections[peer->connection - 1].aborted;
}

void fake_wire_close(struct fake_wire *wire, flow_id connection)
{
    struct fake_connection *known = connection_of(wire, connection);
    assert_non_null(known);
    known->open = false;
}

void fake_wire_leave_unopened(struct fake_wire *wire, flow_id connection)
{
    fake_wire_close(wire, connection);
    wire->connections[connection - 1].unopened = true;
}

void fake_wire_refuse(struct fake_wire *wire, const struct peer *peer, int error)
{
    flow_id flow = peer_flow(peer);
    size_t place = 0, spare = FAKE_REFUSALS;
    while (place < FAKE_REFUSALS && wire->refusals[place].flow != flow) {
        if (wire->refusals[place].error == 0 && spare == FAKE_REFUSALS)
            spare = place;
        place++;
    }
    if (place == FAKE_REFUSALS)
        place = spare;
    assert_true(place < FAKE_REFUSALS);
    wire->refusals[place] = (struct fake_refusal){.flow = flow, .error = error};
}

static struct fake_lookup *oldest_lookup(struct fake_wire *wire, const char *host)
{
    size_t i = 0;
    while (i < wire->lookup_count && wire->lookups[i].done == NULL)
        i++;
    if (i == wire->lookup_count)
        fail_msg("%s was not looked up", host);
    assert_string_equal(wire->lookups[i].host, host);
    return &wire->lookups[i];
}

struct place fake_place(enum transport transport, uint16_t port)
{
    return (struct place){.address = loopback(port), .transport = (uint8_t)transport};
}

void fake_wire_locate(struct fake_wire *wire, const char *host, const struct place *places, size_t count)
{
    answer_lookup(oldest_lookup(wire, host), places, count);
}

void fake_wire_resolve(struct fake_wire *wire, const char *host, const uint16_t *ports)
{
    struct fake_lookup *lookup = oldest_lookup(wire, host);
    struct place places[PLACES_MOST];
    size_t count = 0;
    for (; ports[count] != 0; count++)
        places[count] = fake_place(locate_transport(&lookup->query), ports[count]);
    answer_lookup(lookup, places, count);
}

struct sent *fake_wire_take(struct fake_wire *wire)
{
    struct sent *sent = wire->first;
    if (sent == NULL)
        return NULL;
    wire->first = sent->next;
    if (wire->first == NULL)
        wire->last = &wire->first;
    return sent;
}

/* The line after this one, NULL at the empty line that ends the header. */
static const char *next_line(const char *line)
{
    const char *end = strstr(line, "\r\n");
    return end != NULL && strncmp(end, "\r\n\r\n", 4) != 0 ? end + 2 : NULL;
}

static const char *find_field(const char *line, const char *name)
{
    size_t length = strlen(name);
    while ((line = next_line(line)) != NULL) {
        if (strncasecmp(line, name, length) == 0 && line[length] == ':')
            return line;
    }
    return NULL;
}

const char *sent_header(struct sent *sent, const char *name, unsigned nth)
{
    const char *line = find_field(sent->bytes, name);
    for (; line != NULL && nth > 0; nth--)
        line = find_field(line, name);
    if (line == NULL)
        return "";
    const char *value = line + strlen(name) + 1;
    value += strspn(value, " \t");
    size_t length = strcspn(value, "\r");
    assert_true(sent->used + length + 1 <= sizeof sent->scratch);
    char *out = sent->scratch + sent->used;
    memcpy(out, value, length);
    out[length] = '\0';
    sent->used += length + 1;
    return out;
}

unsigned sent_count(const struct sent *sent, const char *name)
{
    unsigned count = 0;
    for (const char *line = sent->bytes; (line = find_field(line, name)) != NULL; count++)
        ;
    return count;
}

bool sent_starts(const struct sent *sent, const char *start)
{
    return strncmp(sent->bytes, start, strlen(start)) == 0;
}

unsigned sent_status(const struct sent *sent)
{
    return sent_starts(sent, "SIP/2.0 ") ? (unsigned)strtoul(sent->bytes + 8, NULL, 10) : 0;
}

uint16_t sent_port(const struct sent *sent)
{
    return address_port(&sent->peer.address);
}
