// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <stdlib.h>

#include "plan.h"
#include "sent_check.h"

/*
 * A server with a call in progress, and what two phones, the caller and a stream send to it. An input is one or more
 * messages with the byte 0x1e between them; the first byte of each names its source, and @BRANCH@ in it becomes the
 * branch of the INVITE that the server has sent, so that responses match. Whatever comes in: the server sends only
 * whole messages, and every byte is given back in the end.
 */

enum { SEPARATOR = 0x1e, ALL_ENDS_MS = 400000 };

struct scene {
    struct stage stage;
    struct peer bob, desk, alice, stream;
    char branch[64];
};

static void scene_open(struct scene *scene)
{
    struct stage *stage = &scene->stage;
    stage_create(stage);
    stage_open(stage);
    stage->wire.locate_error = -ENOENT;
    scene->bob = stage_phone(stage, (struct phone){.port = 5080, .instance = "1", .reg_id = 1});
    scene->desk = stage_phone(stage, (struct phone){.port = 5081, .instance = "2", .reg_id = 1, .tcp = true});
    scene->alice = stage_alice();
    scene->stream = fake_tcp(&stage->wire, 5090);
    stage_call(stage, "one");
    struct sent *invite = stage_sent(stage, "INVITE");
    const char *branch = strstr(invite->bytes, ";branch=") + strlen(";branch=");
    snprintf(scene->branch, sizeof scene->branch, "%.*s", (int)strcspn(branch, ";"), branch);
    scene->bob = invite->peer;
    stage_discard(stage);
}

static const struct peer *speaker(const struct scene *scene, char c)
{
    switch (c) {
    case 'a':
        return &scene->alice;
    case 'd':
        return &scene->desk;
    case 's':
        return &scene->stream;
    default:
        return &scene->bob;
    }
}

static const char *check_sent(struct stage *stage)
{
    const char *problem = NULL;
    const struct sent *sent;
    while (problem == NULL && (sent = fake_wire_take(&stage->wire)) != NULL)
        problem = sent_check_frame(sent);
    return problem;
}

static const char *receive(struct scene *scene, struct text part)
{
    static const struct text mark = {"@BRANCH@", 8};
    char *bytes = malloc(part.length + sizeof scene->branch);
    size_t length = part.length, branch = strlen(scene->branch);
    if (bytes == NULL || part.length == 0) {
        free(bytes);
        return NULL;
    }
    memcpy(bytes, part.at, length);
    char *place = memmem(bytes, length, mark.at, mark.length);
    if (place != NULL) {
        memmove(place + branch, place + mark.length, length - (size_t)(place - bytes) - mark.length);
        memcpy(place, scene->branch, branch);
        length += branch - mark.length;
    }
    server_received(scene->stage.server, speaker(scene, bytes[0]), bytes + 1, length - 1);
    free(bytes);
    return check_sent(&scene->stage);
}

static const char *exercise(const char *bytes, size_t length)
{
    static struct scene scene;
    const char *problem = NULL, *end = bytes + length;
    scene_open(&scene);
    while (problem == NULL && bytes < end) {
        const char *stop = memchr(bytes, SEPARATOR, (size_t)(end - bytes));
        stop = stop != NULL ? stop : end;
        problem = receive(&scene, (struct text){bytes, (size_t)(stop - bytes)});
        bytes = stop + 1;
    }
    stage_advance(&scene.stage, ALL_ENDS_MS);
    if (problem == NULL)
        problem = check_sent(&scene.stage);
    stage_discard(&scene.stage);
    stage_destroy(&scene.stage);
    return problem;
}

#define RESPONSE(source, status, fields)                                                                               \
    source "SIP/2.0 " status " Whatever\r\nVia: SIP/2.0/UDP 127.0.0.1:5060;branch=@BRANCH@;rport\r\n"                  \
           "Via: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bK-one-1-INVITE-5070;rport=5070\r\n"                           \
           "From: <sip:alice@example.com>;tag=5070\r\nTo: <sip:bob@example.com>;tag=1\r\nCall-ID: one\r\n"             \
           "CSeq: 1 INVITE\r\n" fields "Content-Length: 0\r\n\r\n"

#define REQUEST(source, method, fields)                                                                                \
    source method " sip:bob@example.com SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bKx;rport\r\n"          \
                  "Max-Forwards: 70\r\nFrom: <sip:alice@example.com>;tag=5070\r\nTo: <sip:bob@example.com>\r\n"        \
                  "Call-ID: two\r\nCSeq: 1 " method "\r\n" fields "Content-Length: 0\r\n\r\n"

static const char *const written[] = {
    RESPONSE("b", "180", ""),
    RESPONSE("b", "183", "Require: 100rel\r\nRSeq: 1\r\n"),
    RESPONSE("b", "200", "Contact: <sip:bob@127.0.0.1:5080>\r\nRecord-Route: <sip:127.0.0.1:5060;lr>\r\n"),
    RESPONSE("b", "302", "Contact: <sip:carol@example.com>;q=0.5, <sip:dave@127.0.0.1:5099>\r\n"),
    RESPONSE("b", "401", "WWW-Authenticate: Digest realm=\"a\",\r\n nonce=\"b\"\r\n"),
    RESPONSE("b", "407", "Proxy-Authenticate: Digest realm=\"a\", nonce=\"b\"\r\n"),
    RESPONSE("b", "430", ""),
    RESPONSE("b", "486", "Warning: 399 x \"a\r\n b\"\r\n"),
    RESPONSE("b", "503", "Retry-After: 10 (a\r\n b);duration=3\r\n"),
    RESPONSE("b", "603", ""),
    RESPONSE("b", "180", "") "\x1e" RESPONSE("b", "200", "") "\x1e" RESPONSE("b", "200", ""),
    RESPONSE("d", "200", ""),
    REQUEST("a", "OPTIONS", "Proxy-Require: a,\r\n b\r\n"),
    REQUEST("s", "MESSAGE", "Route: <sip:127.0.0.1:5060;lr>,\r\n <sip:127.0.0.1:5099>\r\n"),
    REQUEST("s", "REGISTER",
            "Contact: <sip:bob@127.0.0.1:5090>\r\n ;x=\"a\r\n b\"\r\nPath: <sip:127.0.0.1:5091;lr>\r\n"),
};

enum { TEXTS = sizeof written / sizeof written[0] };

static struct text texts[TEXTS];

static void begin(void)
{
    for (size_t i = 0; i < TEXTS; i++)
        texts[i] = text_of(written[i]);
}

const struct fuzz fuzz_target = {texts, TEXTS, begin, exercise};
