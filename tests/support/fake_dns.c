// SPDX-License-Identifier: BSD-2-Clause
#include "fake_dns.h"

#include <ctype.h>

enum {
    TYPE_A = FAKE_A,
    TYPE_CNAME = FAKE_CNAME,
    TYPE_AAAA = FAKE_AAAA,
    HEADER = 12,
    REPLY_MOST = 16000,
    LATE_MS = 300
};
enum { UDP_MOST = 512 };

struct query {
    char kind[16];
    char name[256]; /* in lower case, with dots */
    uint16_t type;
    size_t length; /* of header and question */
    uint8_t bytes[300];
    bool tcp;
};

struct reply {
    size_t length;
    uint8_t bytes[REPLY_MOST];
};

static void put(struct reply *reply, const void *bytes, size_t length)
{
    assert_true(reply->length + length <= sizeof reply->bytes);
    memcpy(reply->bytes + reply->length, bytes, length);
    reply->length += length;
}

static void put_16(struct reply *reply, uint16_t number)
{
    const uint8_t bytes[] = {(uint8_t)(number >> 8), (uint8_t)number};
    put(reply, bytes, sizeof bytes);
}

static bool read_query(struct query *query, const uint8_t *bytes, size_t length)
{
    size_t at = HEADER, letters = 0;
    *query = (struct query){0};
    if (length < HEADER + 5 || length > sizeof query->bytes)
        return false;
    while (letters < bytes[HEADER] && letters + 1 < sizeof query->kind && isalpha(bytes[HEADER + 1 + letters])) {
        query->kind[letters] = (char)tolower(bytes[HEADER + 1 + letters]);
        letters++;
    }
    while (at < length && bytes[at] != 0) {
        for (unsigned i = 1; i <= bytes[at] && at + i < length; i++)
            query->name[at - HEADER + i - 1] = (char)tolower(bytes[at + i]);
        query->name[at - HEADER + bytes[at]] = '.';
        at += bytes[at] + 1U;
    }
    if (at > HEADER)
        query->name[at - HEADER - 1] = '\0';
    if (at + 5 > length)
        return false;
    query->type = (uint16_t)(bytes[at + 1] << 8 | bytes[at + 2]);
    query->length = at + 5;
    memcpy(query->bytes, bytes, query->length);
    return true;
}

static bool is_kind(const struct query *query, const char *kind)
{
    return strcmp(query->kind, kind) == 0;
}

static void begin_reply(struct reply *reply, const struct query *query, uint8_t code, bool truncated)
{
    reply->length = 0;
    put(reply, query->bytes, query->length);
    reply->bytes[2] = (uint8_t)(0x81 | (truncated ? 2 : 0));
    reply->bytes[3] = (uint8_t)(0x80 | code);
    memset(reply->bytes + 6, 0, 6);
}

/* `owner` is a name as on the wire; NULL: that of the question. */
static void add_record(struct reply *reply, const char *owner, uint16_t type, uint32_t ttl, const void *data,
                       size_t length)
{
    if (owner != NULL)
        put(reply, owner, strlen(owner) + 1);
    else
        put_16(reply, 0xC000 | HEADER);
    put_16(reply, type);
    put_16(reply, 1);
    put_16(reply, (uint16_t)(ttl >> 16));
    put_16(reply, (uint16_t)ttl);
    put_16(reply, (uint16_t)length);
    put(reply, data, length);
    reply->bytes[7]++;
}

static void add_address(struct reply *reply, const struct query *query, const char *owner, uint32_t ttl, uint8_t last)
{
    const uint8_t four[4] = {192, 0, 2, last}, six[16] = {0x20, 0x01, 0x0D, 0xB8, [15] = last};
    if (query->type == TYPE_AAAA)
        add_record(reply, owner, TYPE_AAAA, ttl, six, sizeof six);
    else
        add_record(reply, owner, TYPE_A, ttl, four, sizeof four);
}

static const char one_name[] = "\003one\007example", other_name[] = "\005other\007example";

static void add_alias(struct reply *reply, const char *owner, uint32_t ttl, const char *to)
{
    add_record(reply, owner, TYPE_CNAME, ttl, to, strlen(to) + 1);
}

static void add_broken(struct reply *reply, const struct query *query)
{
    static const uint8_t garbage[40] = {0xFF, 0xFE, 0x80, 0x41, 0x3F, 0x00, 0xC0};
    uint16_t itself = (uint16_t)(0xC000 | reply->length);
    reply->bytes[7] = 1;
    if (is_kind(query, "pointer"))
        put_16(reply, itself);
    if (!is_kind(query, "header"))
        put(reply, garbage, sizeof garbage);
}

/* Those whose records are not the plain ones. */
static bool write_odd(struct reply *reply, const struct query *query)
{
    if (is_kind(query, "owner")) {
        add_address(reply, query, other_name, 600, 1);
    } else if (is_kind(query, "alias")) {
        add_alias(reply, NULL, 2, one_name);
        add_address(reply, query, one_name, 600, 1);
    } else if (is_kind(query, "circle")) {
        add_alias(reply, NULL, 600, one_name);
        add_alias(reply, one_name, 600, other_name);
        add_alias(reply, other_name, 600, one_name);
    } else if (is_kind(query, "pointer") || is_kind(query, "garbage") || is_kind(query, "header")) {
        add_broken(reply, query);
    } else {
        return false;
    }
    return true;
}

static bool has_address(const struct query *query)
{
    bool six = query->type == TYPE_AAAA;
    if (!six && query->type != TYPE_A)
        return false;
    if (is_kind(query, "missing") || is_kind(query, "empty") || is_kind(query, "failing") || is_kind(query, "cut"))
        return false;
    return is_kind(query, "six") ? six : is_kind(query, "short") || is_kind(query, "half") ? !six : true;
}

static void write_records(struct reply *reply, const struct query *query)
{
    bool truncated = !query->tcp && (is_kind(query, "many") || is_kind(query, "cut"));
    uint8_t code = is_kind(query, "missing") ? 3 : is_kind(query, "failing") ? 2 : 0;
    begin_reply(reply, query, code, truncated);
    if (truncated || write_odd(reply, query) || !has_address(query))
        return;
    for (int i = 1; i <= (is_kind(query, "many") ? 20 : 1); i++)
        add_address(reply, query, NULL, is_kind(query, "short") ? 1 : 600, (uint8_t)i);
}

static void write_reply(struct reply *reply, const struct query *query)
{
    write_records(reply, query);
    if (is_kind(query, "id"))
        reply->bytes[1] ^= 1;
    if (is_kind(query, "question"))
        reply->bytes[HEADER + 1] ^= 1;
}

/* --- the zone --- */

static void put_name(struct reply *reply, const char *name)
{
    while (*name != '\0') {
        uint8_t length = (uint8_t)strcspn(name, ".");
        put(reply, &length, 1);
        put(reply, name, length);
        name += length + (name[length] == '.');
    }
    put(reply, "", 1);
}

static void put_string(struct reply *reply, const char *text)
{
    uint8_t length = (uint8_t)strlen(text);
    put(reply, &length, 1);
    put(reply, text, length);
}

static void put_address(struct reply *reply, const struct fake_record *record)
{
    union address address;
    assert_true(address_read(text_of(record->target), 0, &address));
    if (record->type == FAKE_AAAA)
        put(reply, &address.v6.sin6_addr, 16);
    else
        put(reply, &address.v4.sin_addr, 4);
}

static void put_data(struct reply *reply, const struct fake_record *record)
{
    if (record->type == FAKE_A || record->type == FAKE_AAAA) {
        put_address(reply, record);
        return;
    }
    if (record->type == FAKE_SRV || record->type == FAKE_NAPTR) {
        put_16(reply, record->priority);
        put_16(reply, record->weight);
    }
    if (record->type == FAKE_SRV)
        put_16(reply, record->port);
    if (record->type == FAKE_NAPTR) {
        put_string(reply, record->flags != NULL ? record->flags : "s");
        put_string(reply, record->service);
        put_string(reply, record->expression != NULL ? record->expression : "");
    }
    put_name(reply, record->target);
}

static void put_zone_record(struct reply *reply, const struct fake_record *record)
{
    struct reply data = {0};
    put_data(&data, record);
    put_name(reply, record->name);
    put_16(reply, record->type);
    put_16(reply, 1);
    put_16(reply, (uint16_t)(record->ttl >> 16));
    put_16(reply, (uint16_t)record->ttl);
    put_16(reply, (uint16_t)data.length);
    put(reply, data.bytes, data.length);
    reply->bytes[7]++;
}

static void put_soa(struct reply *reply, const struct fake_dns *dns)
{
    const uint32_t numbers[] = {1, 2, 3, 4, dns->soa_minimum};
    put_16(reply, 0xC000 | HEADER);
    put_16(reply, FAKE_SOA);
    put_16(reply, 1);
    put_16(reply, (uint16_t)(dns->soa_ttl >> 16));
    put_16(reply, (uint16_t)dns->soa_ttl);
    put_16(reply, 2 + sizeof numbers);
    put(reply, "\0\0", 2);
    for (size_t i = 0; i < 5; i++) {
        put_16(reply, (uint16_t)(numbers[i] >> 16));
        put_16(reply, (uint16_t)numbers[i]);
    }
    reply->bytes[9] = 1;
}

/* A host with records has a zone for its services, too. */
static bool is_below(const char *name, const char *host)
{
    while (*name == '_' && strchr(name, '.') != NULL)
        name = strchr(name, '.') + 1;
    return strcmp(name, host) == 0;
}

/* The fault of the records in the zone becomes the kind of the query. Returns whether the zone has the name. */
static bool zone_has(const struct fake_dns *dns, struct query *query)
{
    bool has = false;
    for (size_t i = 0; i < dns->zone_count; i++) {
        const struct fake_record *record = &dns->zone[i];
        if (strcmp(record->name, query->name) != 0 && !is_below(query->name, record->name))
            continue;
        has = true;
        if (record->fault == NULL)
            strcpy(query->kind, "zone");
    }
    for (size_t i = 0; i < dns->zone_count; i++) {
        const struct fake_record *record = &dns->zone[i];
        if (record->fault != NULL && record->type == query->type && strcmp(record->name, query->name) == 0) {
            snprintf(query->kind, sizeof query->kind, "%s", record->fault);
            return false;
        }
    }
    return has;
}

static void write_zone_reply(const struct fake_dns *dns, struct reply *reply, const struct query *query)
{
    const char *name = query->name;
    begin_reply(reply, query, 0, false);
    for (size_t i = 0; i < dns->zone_count; i++) {
        const struct fake_record *record = &dns->zone[i];
        if (strcmp(record->name, name) != 0 || record->fault != NULL ||
            (record->type != query->type && record->type != FAKE_CNAME))
            continue;
        put_zone_record(reply, record);
        if (record->type == FAKE_CNAME)
            name = record->target;
    }
    if (reply->bytes[7] == 0 && dns->soa_ttl != 0)
        put_soa(reply, dns);
    if (!query->tcp && reply->length > UDP_MOST)
        begin_reply(reply, query, 0, true);
}

static bool is_silent(const struct query *query)
{
    return is_kind(query, "silent") || (is_kind(query, "half") && query->type == TYPE_AAAA);
}

/* --- UDP --- */

struct late {
    uv_timer_t timer;
    struct fake_dns *dns;
    struct sockaddr_in to;
    struct reply reply;
};

static void send_reply(struct fake_dns *dns, const struct reply *reply, const struct sockaddr *to)
{
    uv_buf_t buffer = uv_buf_init((char *)(size_t)reply->bytes, (unsigned)reply->length);
    if (!uv_is_closing((uv_handle_t *)&dns->udp))
        uv_udp_try_send(&dns->udp, &buffer, 1, to);
}

static void on_late_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void on_late(uv_timer_t *timer)
{
    struct late *late = timer->data;
    send_reply(late->dns, &late->reply, (const struct sockaddr *)&late->to);
    uv_close((uv_handle_t *)timer, on_late_closed);
}

static void send_late(struct fake_dns *dns, const struct reply *reply, const struct sockaddr *to)
{
    struct late *late = calloc(1, sizeof *late);
    assert_non_null(late);
    late->dns = dns;
    late->reply = *reply;
    memcpy(&late->to, to, sizeof late->to);
    uv_timer_init(dns->udp.loop, &late->timer);
    late->timer.data = late;
    uv_timer_start(&late->timer, on_late, LATE_MS, 0);
}

static void on_allocate(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    static char bytes[REPLY_MOST];
    (void)handle;
    (void)suggested;
    *buffer = uv_buf_init(bytes, sizeof bytes);
}

static void on_datagram(uv_udp_t *udp, ssize_t count, const uv_buf_t *buffer, const struct sockaddr *from,
                        unsigned flags)
{
    struct fake_dns *dns = udp->data;
    struct query query;
    struct reply reply;
    (void)flags;
    if (count <= 0 || !read_query(&query, (const uint8_t *)buffer->base, (size_t)count))
        return;
    dns->asked += query.type == TYPE_A;
    dns->asked_srv += query.type == FAKE_SRV;
    dns->asked_naptr += query.type == FAKE_NAPTR;
    bool zoned = zone_has(dns, &query);
    if (is_silent(&query))
        return;
    if (zoned)
        write_zone_reply(dns, &reply, &query);
    else
        write_reply(&reply, &query);
    if (is_kind(&query, "nothing"))
        reply.length = 0;
    if (is_kind(&query, "late"))
        send_late(dns, &reply, from);
    else
        send_reply(dns, &reply, from);
}

/* --- TCP: one query on a connection, which arrives in one piece --- */

static void on_connection_closed(uv_handle_t *handle)
{
    free(handle);
}

static void close_connection(uv_stream_t *stream)
{
    if (!uv_is_closing((uv_handle_t *)stream))
        uv_close((uv_handle_t *)stream, on_connection_closed);
}

static void on_bytes(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer)
{
    struct fake_dns *dns = stream->data;
    struct query query;
    struct reply reply;
    const uint8_t *bytes = (const uint8_t *)buffer->base;
    while (count > 2) {
        ssize_t length = bytes[0] << 8 | bytes[1];
        assert_true(length + 2 <= count);
        assert_true(read_query(&query, bytes + 2, (size_t)length));
        bytes += length + 2;
        count -= length + 2;
        dns->asked_tcp++;
        query.tcp = true;
        if (zone_has(dns, &query))
            write_zone_reply(dns, &reply, &query);
        else
            write_reply(&reply, &query);
        if (is_kind(&query, "cut")) {
            close_connection(stream);
            return;
        }
        uint8_t size[] = {(uint8_t)(reply.length >> 8), (uint8_t)reply.length};
        uv_buf_t buffers[] = {uv_buf_init((char *)size, sizeof size),
                              uv_buf_init((char *)reply.bytes, (unsigned)reply.length)};
        uv_try_write(stream, buffers, 2);
    }
    if (count < 0)
        close_connection(stream);
}

static void on_connection(uv_stream_t *listener, int status)
{
    uv_tcp_t *connection = calloc(1, sizeof *connection);
    assert_non_null(connection);
    assert_int_equal(status, 0);
    uv_tcp_init(listener->loop, connection);
    connection->data = listener->data;
    assert_int_equal(uv_accept(listener, (uv_stream_t *)connection), 0);
    uv_read_start((uv_stream_t *)connection, on_allocate, on_bytes);
}

/* UDP gets a port from the system; another program may have it for TCP. */
static bool open_sockets(struct fake_dns *dns, uv_loop_t *loop)
{
    int size = sizeof dns->address;
    uv_udp_init(loop, &dns->udp);
    uv_tcp_init(loop, &dns->tcp);
    dns->udp.data = dns->tcp.data = dns;
    assert_true(address_read(TEXT("127.0.0.1"), 0, &dns->address));
    assert_int_equal(uv_udp_bind(&dns->udp, &dns->address.any, 0), 0);
    assert_int_equal(uv_udp_getsockname(&dns->udp, &dns->address.any, &size), 0);
    return uv_tcp_bind(&dns->tcp, &dns->address.any, 0) == 0 &&
           uv_listen((uv_stream_t *)&dns->tcp, 16, on_connection) == 0;
}

void fake_dns_create(struct fake_dns *dns, uv_loop_t *loop)
{
    memset(dns, 0, sizeof *dns);
    while (!open_sockets(dns, loop)) {
        fake_dns_close(dns);
        uv_run(loop, UV_RUN_DEFAULT);
    }
    assert_int_equal(uv_udp_recv_start(&dns->udp, on_allocate, on_datagram), 0);
}

void fake_dns_close(struct fake_dns *dns)
{
    uv_close((uv_handle_t *)&dns->udp, NULL);
    uv_close((uv_handle_t *)&dns->tcp, NULL);
}
