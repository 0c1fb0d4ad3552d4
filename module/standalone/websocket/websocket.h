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
 * The serving side of WebSocket (RFC 6455) with the subprotocol "sip" (RFC 7118): one SIP message in each WebSocket
 * message, text or binary. Frames are libwslay's, the opening request is read by http_parser. No sockets here: bytes go
 * in and come out.
 */

struct websocket;

struct websocket_events {
    void *context;
    void (*send)(void *context, const char *bytes, size_t length); /* to the network, at once */
    void (*began)(void *context); /* the first frame of a message is there, in part at least */
    /* A whole message; a keep-alive (CRLFCRLF) is one too. */
    void (*message)(void *context, const char *bytes, size_t length);
    void (*pinged)(void *context); /* it has been answered */
};

enum websocket_outcome {
    WEBSOCKET_OK,
    WEBSOCKET_CLOSED,    /* in good order */
    WEBSOCKET_REFUSED,   /* the opening request is not one for us; it has been answered */
    WEBSOCKET_FORBIDDEN, /* its origin is not allowed; it has been answered with 403 */
    WEBSOCKET_BROKEN     /* against the protocol, or over the limit; the other side has been told */
};

/* origins: borrowed, of the pages that may open it; a client that names no origin is no page. message_most: bytes of a
   message. NULL where memory is short. */
struct websocket *websocket_new(const struct host *host, const struct websocket_events *events,
                                const struct origins *origins, uint32_t message_most);
void websocket_delete(struct websocket *websocket); /* NULL is fine; not from within an event */

/* Bytes from the network. Anything but WEBSOCKET_OK: close the connection. */
enum websocket_outcome websocket_put(struct websocket *websocket, const char *bytes, size_t length);

/* Has the opening request been accepted? */
bool websocket_is_open(const struct websocket *websocket);

/* The origin that the opening request named, after WEBSOCKET_FORBIDDEN; as long as the websocket. */
struct text websocket_origin(const struct websocket *websocket);

/* False where it is not open or memory is short. */
bool websocket_send(struct websocket *websocket, const char *bytes, size_t length);
bool websocket_ping(struct websocket *websocket);
void websocket_end(struct websocket *websocket); /* tells the other side: going away */

/* The opening request, or a message, has begun and is not whole. */
bool websocket_is_unfinished(const struct websocket *websocket);

/* Bytes of memory that the frames of an unfinished message take, with their bookkeeping. */
size_t websocket_held(const struct websocket *websocket);

/* --- the opening request, for websocket.c --- */

struct websocket_request;

enum { WEBSOCKET_ACCEPT = 29 }; /* of Sec-WebSocket-Accept, with a NUL */

struct websocket_request *websocket_request_new(const struct host *host, const struct origins *origins);
void websocket_request_delete(struct websocket_request *request);

/* Read on. 0: not yet whole; 101: it is, *used bytes belong to it; else the status of HTTP to refuse it with. */
unsigned websocket_request_read(struct websocket_request *request, const char *bytes, size_t length, size_t *used);
struct text websocket_request_origin(const struct websocket_request *request);
void websocket_request_accept(const struct websocket_request *request, char accept[WEBSOCKET_ACCEPT]);

#endif
