// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/websocket/websocket.h"

#include <http_parser.h>
#include <openssl/evp.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"

/* The client's opening request (RFC 6455 4.2.1), which must offer the subprotocol "sip" (RFC 7118 4.1). */

enum {
    HTTP_SWITCHING = HTTP_STATUS_SWITCHING_PROTOCOLS,
    REQUEST_MOST = 16384, /* bytes of the whole request */
    NAME_MOST = 32,
    KEY_LENGTH = 24 /* 16 bytes in base64 */
};

/* The fields that are read, in the order of `field_names`. */
enum field { FIELD_UPGRADE, FIELD_CONNECTION, FIELD_VERSION, FIELD_KEY, FIELD_PROTOCOL, FIELD_ORIGIN, FIELD_COUNT };

static const char *const field_names[] = {
    "Upgrade", "Connection", "Sec-WebSocket-Version", "Sec-WebSocket-Key", "Sec-WebSocket-Protocol", "Origin"};

struct value {
    char text[ORIGIN_LENGTH_MOST]; /* with the values of further lines, separated by commas */
    size_t length;
    bool present, too_long;
};

struct websocket_request {
    const struct host *host;
    http_parser parser;
    size_t length;
    char name[NAME_MOST];
    size_t name_length;
    bool in_value, whole;
    const struct origins *origins;
    struct value fields[FIELD_COUNT];
};

static struct value *field_of(struct websocket_request *request)
{
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        if (strlen(field_names[i]) == request->name_length &&
            strncasecmp(field_names[i], request->name, request->name_length) == 0)
            return &request->fields[i];
    }
    return NULL;
}

/* A name that does not fit is not one of these fields. */
static int on_name(http_parser *parser, const char *at, size_t length)
{
    struct websocket_request *request = parser->data;
    if (request->in_value)
        request->name_length = 0;
    request->in_value = false;
    for (size_t i = 0; i < length; i++, request->name_length++) {
        if (request->name_length < NAME_MOST)
            request->name[request->name_length] = at[i];
    }
    return 0;
}

static void append(struct value *value, const char *at, size_t length)
{
    if (value->length + length > sizeof value->text) {
        value->too_long = true;
        return;
    }
    memcpy(value->text + value->length, at, length);
    value->length += length;
}

static int on_value(http_parser *parser, const char *at, size_t length)
{
    struct websocket_request *request = parser->data;
    struct value *value = field_of(request);
    bool begins = !request->in_value;
    request->in_value = true;
    if (value == NULL)
        return 0;
    if (begins && value->present)
        append(value, ",", 1);
    value->present = true;
    append(value, at, length);
    return 0;
}

/* 2: there is no body, whatever the fields say. */
static int on_headers(http_parser *parser)
{
    struct websocket_request *request = parser->data;
    request->whole = true;
    return 2;
}

static const http_parser_settings settings = {
    .on_header_field = on_name, .on_header_value = on_value, .on_headers_complete = on_headers};

struct websocket_request *websocket_request_new(const struct host *host, const struct origins *origins)
{
    struct websocket_request *request = memory_new(host, sizeof *request);
    if (request == NULL)
        return NULL;
    request->host = host;
    request->origins = origins;
    http_parser_init(&request->parser, HTTP_REQUEST);
    request->parser.data = request;
    return request;
}

void websocket_request_delete(struct websocket_request *request)
{
    if (request != NULL)
        memory_delete(request->host, request, sizeof *request);
}

static struct text trimmed(struct text text)
{
    while (text.length > 0 && (text.at[0] == ' ' || text.at[0] == '\t')) {
        text.at++;
        text.length--;
    }
    while (text.length > 0 && (text.at[text.length - 1] == ' ' || text.at[text.length - 1] == '\t'))
        text.length--;
    return text;
}

/* Returns whether the comma-separated list has this token. */
static bool has_token(const struct value *value, struct text token)
{
    struct text rest = {value->text, value->length};
    while (rest.length > 0) {
        const char *comma = memchr(rest.at, ',', rest.length);
        size_t length = comma != NULL ? (size_t)(comma - rest.at) : rest.length;
        if (text_equal_nocase(trimmed((struct text){rest.at, length}), token))
            return true;
        length += comma != NULL;
        rest = (struct text){rest.at + length, rest.length - length};
    }
    return false;
}

/* 16 bytes in base64: 22 characters, of which the last has four bits to no use, and "==". */
static bool is_key(const struct value *value)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    struct text key = trimmed((struct text){value->text, value->length});
    if (key.length != KEY_LENGTH || key.at[22] != '=' || key.at[23] != '=')
        return false;
    for (size_t i = 0; i < 22; i++) {
        if (key.at[i] == '\0' || strchr(digits, key.at[i]) == NULL)
            return false;
    }
    return true;
}

/* Checks the mandatory fields. */
static bool is_too_long(const struct websocket_request *request)
{
    for (size_t i = 0; i < FIELD_ORIGIN; i++) {
        if (request->fields[i].too_long)
            return true;
    }
    return false;
}

/* RFC 6455 4.2.2: browsers always name the origin of the page, other clients need not. */
static bool has_good_origin(const struct websocket_request *request)
{
    const struct value *origin = &request->fields[FIELD_ORIGIN];
    if (!origin->present || request->origins == NULL || request->origins->count == 0)
        return true;
    return !origin->too_long && origins_have(request->origins, trimmed((struct text){origin->text, origin->length}));
}

struct text websocket_request_origin(const struct websocket_request *request)
{
    const struct value *origin = &request->fields[FIELD_ORIGIN];
    return trimmed((struct text){origin->text, origin->length});
}

static unsigned judge(const struct websocket_request *request)
{
    const struct value *fields = request->fields;
    const http_parser *parser = &request->parser;
    if (parser->method != HTTP_GET)
        return HTTP_STATUS_METHOD_NOT_ALLOWED;
    if (parser->http_major != 1 || parser->http_minor < 1 || is_too_long(request) || !is_key(&fields[FIELD_KEY]))
        return HTTP_STATUS_BAD_REQUEST;
    if (!has_token(&fields[FIELD_UPGRADE], TEXT("websocket")) || !has_token(&fields[FIELD_CONNECTION], TEXT("upgrade")))
        return HTTP_STATUS_BAD_REQUEST;
    if (!has_token(&fields[FIELD_VERSION], TEXT("13")))
        return HTTP_STATUS_UPGRADE_REQUIRED;
    if (!has_token(&fields[FIELD_PROTOCOL], TEXT("sip")))
        return HTTP_STATUS_BAD_REQUEST;
    return has_good_origin(request) ? HTTP_SWITCHING : HTTP_STATUS_FORBIDDEN;
}

unsigned websocket_request_read(struct websocket_request *request, const char *bytes, size_t length, size_t *used)
{
    size_t room = REQUEST_MOST - request->length;
    size_t taken = length < room ? length : room;
    *used = http_parser_execute(&request->parser, &settings, bytes, taken);
    request->length += *used;
    if (request->whole)
        return judge(request);
    if (HTTP_PARSER_ERRNO(&request->parser) != HPE_OK)
        return HTTP_STATUS_BAD_REQUEST;
    return taken < length ? HTTP_STATUS_REQUEST_HEADER_FIELDS_TOO_LARGE : 0;
}

void websocket_request_accept(const struct websocket_request *request, char accept[WEBSOCKET_ACCEPT])
{
    static const char tail[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    unsigned char digest[EVP_MAX_MD_SIZE];
    char joined[KEY_LENGTH + sizeof tail];
    const struct value *value = &request->fields[FIELD_KEY];
    struct text key = trimmed((struct text){value->text, value->length});
    memcpy(joined, key.at, KEY_LENGTH);
    memcpy(joined + KEY_LENGTH, tail, sizeof tail);
    accept[0] = '\0';
    unsigned length = 0;
    if (EVP_Digest(joined, KEY_LENGTH + sizeof tail - 1, digest, &length, EVP_sha1(), NULL) == 1)
        EVP_EncodeBlock((unsigned char *)accept, digest, (int)length);
}
