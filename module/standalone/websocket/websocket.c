// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/websocket/websocket.h"

#include <http_parser.h>
#include <stdio.h>
#include <wslay/wslay.h>

#include "base/memory.h"

/* libwslay stores each frame of an unfinished message in two blocks. */
enum { FRAME_COST = 96 };

struct websocket {
    const struct host *host;
    struct websocket_events events;
    struct websocket_request *request; /* NULL: it has been read */
    wslay_event_context_ptr frames;    /* NULL: not open yet */
    struct text unread;                /* the unread part of the bytes given to websocket_put() */
    size_t held;
    uint32_t message_most;
    bool in_message, ending;
};

/* --- libwslay's --- */

static ssize_t on_recv(wslay_event_context_ptr frames, uint8_t *out, size_t most, int flags, void *user)
{
    struct websocket *websocket = user;
    size_t length = websocket->unread.length < most ? websocket->unread.length : most;
    (void)flags;
    if (length == 0) {
        wslay_event_set_error(frames, WSLAY_ERR_WOULDBLOCK);
        return -1;
    }
    memcpy(out, websocket->unread.at, length);
    websocket->unread = (struct text){websocket->unread.at + length, websocket->unread.length - length};
    return (ssize_t)length;
}

static ssize_t on_send(wslay_event_context_ptr frames, const uint8_t *bytes, size_t length, int flags, void *user)
{
    struct websocket *websocket = user;
    (void)frames, (void)flags;
    websocket->events.send(websocket->events.context, (const char *)bytes, length);
    return (ssize_t)length;
}

static void on_frame_start(wslay_event_context_ptr frames, const struct wslay_event_on_frame_recv_start_arg *frame,
                           void *user)
{
    struct websocket *websocket = user;
    (void)frames;
    if (wslay_is_ctrl_frame(frame->opcode))
        return;
    websocket->held += FRAME_COST + frame->payload_length;
    if (websocket->in_message)
        return;
    websocket->in_message = true;
    websocket->events.began(websocket->events.context);
}

static void on_message(wslay_event_context_ptr frames, const struct wslay_event_on_msg_recv_arg *message, void *user)
{
    struct websocket *websocket = user;
    (void)frames;
    if (message->opcode == WSLAY_PING) {
        websocket->events.pinged(websocket->events.context);
    } else if (message->opcode == WSLAY_TEXT_FRAME || message->opcode == WSLAY_BINARY_FRAME) {
        websocket->in_message = false;
        websocket->held = 0;
        if (!websocket->ending)
            websocket->events.message(websocket->events.context, (const char *)message->msg, message->msg_length);
    }
}

static const struct wslay_event_callbacks callbacks = {.recv_callback = on_recv,
                                                       .send_callback = on_send,
                                                       .on_frame_recv_start_callback = on_frame_start,
                                                       .on_msg_recv_callback = on_message};

/* --- */

struct websocket *websocket_new(const struct host *host, const struct websocket_events *events,
                                const struct origins *origins, uint32_t message_most)
{
    struct websocket *websocket = memory_new(host, sizeof *websocket);
    if (websocket == NULL)
        return NULL;
    *websocket = (struct websocket){.host = host, .events = *events, .message_most = message_most};
    websocket->request = websocket_request_new(host, origins);
    if (websocket->request == NULL) {
        websocket_delete(websocket);
        return NULL;
    }
    return websocket;
}

void websocket_delete(struct websocket *websocket)
{
    if (websocket == NULL)
        return;
    websocket_request_delete(websocket->request);
    if (websocket->frames != NULL)
        wslay_event_context_free(websocket->frames);
    memory_delete(websocket->host, websocket, sizeof *websocket);
}

static void write_line(struct websocket *websocket, const char *text)
{
    websocket->events.send(websocket->events.context, text, strlen(text));
}

static enum websocket_outcome refuse(struct websocket *websocket, unsigned status)
{
    char head[256];
    snprintf(head, sizeof head, "HTTP/1.1 %u %s\r\n%s%sConnection: close\r\nContent-Length: 0\r\n\r\n", status,
             http_status_str((enum http_status)status),
             status == HTTP_STATUS_UPGRADE_REQUIRED ? "Sec-WebSocket-Version: 13\r\n" : "",
             status == HTTP_STATUS_METHOD_NOT_ALLOWED ? "Allow: GET\r\n" : "");
    write_line(websocket, head);
    return status == HTTP_STATUS_FORBIDDEN ? WEBSOCKET_FORBIDDEN : WEBSOCKET_REFUSED;
}

static enum websocket_outcome open_frames(struct websocket *websocket)
{
    char head[256], accept[WEBSOCKET_ACCEPT];
    if (wslay_event_context_server_init(&websocket->frames, &callbacks, websocket) != 0)
        return refuse(websocket, HTTP_STATUS_SERVICE_UNAVAILABLE);
    wslay_event_config_set_max_recv_msg_length(websocket->frames, websocket->message_most);
    websocket_request_accept(websocket->request, accept);
    snprintf(head, sizeof head,
             "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
             "Sec-WebSocket-Accept: %s\r\nSec-WebSocket-Protocol: sip\r\n\r\n",
             accept);
    websocket_request_delete(websocket->request);
    websocket->request = NULL;
    write_line(websocket, head);
    return WEBSOCKET_OK;
}

static enum websocket_outcome read_request(struct websocket *websocket)
{
    size_t used;
    unsigned status = websocket_request_read(websocket->request, websocket->unread.at, websocket->unread.length, &used);
    websocket->unread = (struct text){websocket->unread.at + used, websocket->unread.length - used};
    if (status == 0)
        return WEBSOCKET_OK;
    if (status != HTTP_STATUS_SWITCHING_PROTOCOLS)
        return refuse(websocket, status);
    return open_frames(websocket);
}

static bool flush(struct websocket *websocket)
{
    return wslay_event_send(websocket->frames) == 0;
}

/* libwslay answers pings, closing and protocol errors with frames that must be sent. */
static enum websocket_outcome read_frames(struct websocket *websocket)
{
    bool fine = wslay_event_recv(websocket->frames) == 0;
    fine = flush(websocket) && fine;
    if (wslay_event_get_close_received(websocket->frames))
        return WEBSOCKET_CLOSED;
    return fine && !wslay_event_get_close_sent(websocket->frames) ? WEBSOCKET_OK : WEBSOCKET_BROKEN;
}

enum websocket_outcome websocket_put(struct websocket *websocket, const char *bytes, size_t length)
{
    enum websocket_outcome outcome = WEBSOCKET_OK;
    websocket->unread = (struct text){bytes, length};
    if (websocket->request != NULL)
        outcome = read_request(websocket);
    if (outcome == WEBSOCKET_OK && websocket->frames != NULL && websocket->unread.length > 0)
        outcome = read_frames(websocket);
    return outcome;
}

static bool send_message(struct websocket *websocket, uint8_t opcode, const char *bytes, size_t length)
{
    const struct wslay_event_msg message = {.opcode = opcode, .msg = (const uint8_t *)bytes, .msg_length = length};
    if (websocket->frames == NULL || websocket->ending)
        return false;
    return wslay_event_queue_msg(websocket->frames, &message) == 0 && flush(websocket);
}

static bool is_utf8(const char *bytes, size_t length)
{
    const unsigned char *at = (const unsigned char *)bytes, *end = at + length;
    while (at < end) {
        unsigned lead = *at++;
        unsigned more = lead < 0x80 ? 0 : lead >= 0xC2 && lead < 0xE0 ? 1 : lead >= 0xE0 && lead < 0xF0 ? 2 : 3;
        bool bad = lead >= 0x80 && (lead < 0xC2 || lead > 0xF4);
        if (bad || (size_t)(end - at) < more)
            return false;
        /* An overlong form, half of a surrogate pair, or beyond the last character. */
        if ((lead == 0xE0 && at[0] < 0xA0) || (lead == 0xED && at[0] > 0x9F) || (lead == 0xF0 && at[0] < 0x90) ||
            (lead == 0xF4 && at[0] > 0x8F))
            return false;
        for (; more > 0; more--) {
            if ((*at++ & 0xC0) != 0x80)
                return false;
        }
    }
    return true;
}

/* The body of a SIP message may have bytes that are not UTF-8, which a text message must not; binary is always
   allowed. */
bool websocket_send(struct websocket *websocket, const char *bytes, size_t length)
{
    return send_message(websocket, is_utf8(bytes, length) ? WSLAY_TEXT_FRAME : WSLAY_BINARY_FRAME, bytes, length);
}

bool websocket_ping(struct websocket *websocket)
{
    return send_message(websocket, WSLAY_PING, NULL, 0);
}

void websocket_end(struct websocket *websocket)
{
    if (websocket->frames == NULL || websocket->ending)
        return;
    websocket->ending = true;
    if (wslay_event_queue_close(websocket->frames, WSLAY_CODE_GOING_AWAY, NULL, 0) == 0)
        flush(websocket);
}

bool websocket_is_open(const struct websocket *websocket)
{
    return websocket->frames != NULL;
}

struct text websocket_origin(const struct websocket *websocket)
{
    return websocket->request != NULL ? websocket_request_origin(websocket->request) : (struct text){NULL, 0};
}

size_t websocket_held(const struct websocket *websocket)
{
    return websocket->held;
}

bool websocket_is_unfinished(const struct websocket *websocket)
{
    return websocket->request != NULL || websocket->in_message;
}
