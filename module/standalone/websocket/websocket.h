// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_WEBSOCKET_H
#define REFLOW_STANDALONE_WEBSOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/host.h"
#include "core/text.h"
#include "standalone/websocket/origins.h"

/*
 * The server side of WebSocket (RFC 6455) with the subprotocol "sip" (RFC 7118): one SIP message in each WebSocket
 * message, text or binary. libwslay handles frames, and http_parser reads the opening request. There are no sockets
 * here: the caller passes the bytes of the network in both directions.
 */

struct websocket;

struct websocket_events {
    void *context;
    void (*send)(void *context, const char *bytes, size_t length); /* writes to the network at once */
    void (*began)(void *context); /* the first frame of a message has begun to arrive */
    /* A complete message; a keep-alive (CRLFCRLF) is one too. */
    void (*message)(void *context, const char *bytes, size_t length);
    void (*pinged)(void *context); /* it has been answered */
};

enum websocket_outcome {
    WEBSOCKET_OK,
    WEBSOCKET_CLOSED,    /* closed properly */
    WEBSOCKET_REFUSED,   /* the opening request is not acceptable; it has been answered */
    WEBSOCKET_FORBIDDEN, /* its origin is not allowed; it has been answered with 403 */
    WEBSOCKET_BROKEN     /* a protocol error, or over the limit; the peer has been informed */
};

/* origins: borrowed, those whose pages are allowed; a client without an origin is not a web page. message_most:
   bytes of a message. Returns NULL without memory. */
struct websocket *websocket_new(const struct host *host, const struct websocket_events *events,
                                const struct origins *origins, uint32_t message_most);
void websocket_delete(struct websocket *websocket); /* NULL is fine; not from within an event */

/* Bytes from the network. Anything but WEBSOCKET_OK: close the connection. */
enum websocket_outcome websocket_put(struct websocket *websocket, const char *bytes, size_t length);

/* Returns whether the opening request was accepted. */
bool websocket_is_open(const struct websocket *websocket);

/* The origin of the opening request, after WEBSOCKET_FORBIDDEN; valid as long as the websocket. */
struct text websocket_origin(const struct websocket *websocket);

/* Returns false if it is not open, or without memory. */
bool websocket_send(struct websocket *websocket, const char *bytes, size_t length);
bool websocket_ping(struct websocket *websocket);
void websocket_end(struct websocket *websocket); /* sends the close status "going away" */

/* True while the opening request or a message is incomplete. */
bool websocket_is_unfinished(const struct websocket *websocket);

/* Bytes of memory that the frames of an unfinished message use, including overhead. */
size_t websocket_held(const struct websocket *websocket);

/* --- the opening request, for websocket.c --- */

struct websocket_request;

enum { WEBSOCKET_ACCEPT = 29 }; /* of Sec-WebSocket-Accept, with a NUL */

struct websocket_request *websocket_request_new(const struct host *host, const struct origins *origins);
void websocket_request_delete(struct websocket_request *request);

/* Reads more bytes. Returns 0: incomplete; 101: complete, with *used bytes; otherwise the HTTP status of the
   refusal. */
unsigned websocket_request_read(struct websocket_request *request, const char *bytes, size_t length, size_t *used);
struct text websocket_request_origin(const struct websocket_request *request);
void websocket_request_accept(const struct websocket_request *request, char accept[WEBSOCKET_ACCEPT]);

#endif
