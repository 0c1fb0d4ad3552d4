// SPDX-License-Identifier: BSD-2-Clause
#include "call/rest_name.h"

#include "base/transport.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

struct name {
    struct text host; /* without brackets */
    struct text port; /* with the colon; may be empty */
    bool is_v6;
};

/* "[2001:db8::1]:5060", "[2001:db8::1]", "2001:db8::1", "192.0.2.1:5060", "host:5060", "host" */
static struct name name_read(struct text whole)
{
    const char *end = whole.at + whole.length;
    const char *colon = memchr(whole.at, ':', whole.length);
    const char *close = whole.at[0] == '[' ? memchr(whole.at, ']', whole.length) : NULL;
    if (close != NULL)
        return (struct name){
            {whole.at + 1, (size_t)(close - whole.at - 1)}, {close + 1, (size_t)(end - close - 1)}, true};
    if (colon == NULL || memchr(colon + 1, ':', (size_t)(end - colon - 1)) != NULL)
        return (struct name){whole, {end, 0}, colon != NULL};
    return (struct name){{whole.at, (size_t)(colon - whole.at)}, {colon, (size_t)(end - colon)}, false};
}

/* 5954-4.a: IPv6 addresses are compared by value. */
static void host_write(const struct name *name, char out[REST_NAME_MOST + 1])
{
    struct in6_addr address;
    snprintf(out, REST_NAME_MOST + 1, "%.*s", (int)name->host.length, name->host.at);
    if (name->is_v6 && inet_pton(AF_INET6, out, &address) == 1)
        inet_ntop(AF_INET6, &address, out, REST_NAME_MOST + 1);
    for (char *at = out; *at != '\0'; at++)
        *at = (char)tolower((unsigned char)*at);
}

static size_t name_write(const struct name *name, char out[REST_NAME_MOST + 1])
{
    char host[REST_NAME_MOST + 1];
    host_write(name, host);
    int length = snprintf(out, REST_NAME_MOST + 1, name->is_v6 ? "[%s]%.*s" : "%s%.*s", host, (int)name->port.length,
                          name->port.at);
    return length > 0 && length <= REST_NAME_MOST ? (size_t)length : 0;
}

size_t rest_name_write(struct text name, char out[REST_NAME_MOST + 1])
{
    if (name.length == 0 || name.length > REST_NAME_MOST)
        return 0;
    const struct name read = name_read(name);
    return name_write(&read, out);
}

size_t silent_name_write(const char *transport, struct text destination, char out[REST_NAME_MOST + 1])
{
    char name[REST_NAME_MOST + 1];
    size_t length = rest_name_write(destination, name), word = strlen(transport);
    if (length == 0 || word + 1 + length > REST_NAME_MOST)
        return 0;
    memcpy(out, transport, word);
    out[word] = ':';
    memcpy(out + word + 1, name, length);
    length += word + 1;
    out[length] = '\0';
    return length;
}

/* The nearest hop of Path as "host:port". Returns the word of its transport; NULL if it is not at the source. */
static const char *path_hop(const struct sip_message *request, struct text source, char out[REST_NAME_MOST + 1])
{
    struct sip_value path;
    struct sip_uri uri;
    enum transport transport = TRANSPORT_UDP;
    if (!sip_value(request, HEADER_PATH, 0, &path) || sip_uri_create(&uri, path.uri) != 0)
        return NULL;
    bool secure = text_equal_nocase(uri.scheme, TEXT("sips"));
    bool known = uri.transport.length == 0 || transport_of_word(uri.transport, &transport);
    if (secure)
        transport = TRANSPORT_TLS;
    unsigned port = uri.port != 0 ? uri.port : transport_port(transport);
    bool at_source = known && sip_host_equal(uri.host, source);
    snprintf(out, REST_NAME_MOST + 1, memchr(source.at, ':', source.length) != NULL ? "[%.*s]:%u" : "%.*s:%u",
             (int)source.length, source.at, port);
    sip_uri_destroy(&uri);
    return at_source ? transport_word(transport) : NULL;
}

void silent_names_end(const struct sip_message *request, const struct request_source *source,
                      void (*end)(void *context, struct text name), void *context)
{
    char address[ADDRESS_TEXT_MOST], hop[REST_NAME_MOST + 1], name[REST_NAME_MOST + 1];
    size_t length = address_text(source->address, source->length, source->port, address, sizeof address);
    const struct text own = {address, length};
    end(context, (struct text){name, silent_name_write(source->transport, own, name)});
    const char *transport = path_hop(request, name_read(own).host, hop);
    if (transport != NULL)
        end(context, (struct text){name, silent_name_write(transport, (struct text){hop, strlen(hop)}, name)});
}

bool rest_holds(const struct rest_destination *destination, bool (*is_on)(void *context, struct text name),
                void *context)
{
    char name[REST_NAME_MOST + 1], port[16];
    struct name names[4];
    size_t count = 0;
    if (destination->address.length > 0) {
        names[count++] = name_read(destination->address);
        names[count] = names[0];
        names[count++].port.length = 0;
    }
    if (destination->host.length > 0 && destination->host.length <= REST_NAME_MOST) {
        int length = snprintf(port, sizeof port, ":%u", destination->port);
        names[count] = name_read(destination->host);
        names[count++].port.length = 0;
        names[count] = names[count - 1];
        names[count++].port = (struct text){port, (size_t)length};
    }
    for (size_t i = 0; i < count; i++) {
        size_t length = name_write(&names[i], name);
        if (length > 0 && is_on(context, (struct text){name, length}))
            return true;
    }
    return false;
}
