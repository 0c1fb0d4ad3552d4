// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sip/frame.h"
#include "sip/internal.h"
#include "sip/registration.h"
#include "sip/rewrite.h"
#include "sip_corpus.h"

static uint32_t draw(uint32_t *seed, size_t below)
{
    *seed = *seed * 1664525U + 1013904223U;
    return below > 0 ? (*seed >> 8) % (uint32_t)below : 0;
}

/* Bytes that mean something to a parser are likelier than others. */
static char draw_byte(uint32_t *seed)
{
    static const char TELLING[] = "\r\n\t \"<>;:,=@?%&[]()\\/*0129SIPsip.\0\x80\xff";
    return draw(seed, 3) != 0 ? TELLING[draw(seed, sizeof TELLING - 1)] : (char)draw(seed, 256);
}

static size_t splice(char *bytes, size_t length, size_t capacity, struct text piece, size_t at, size_t gone)
{
    if (gone > length - at)
        gone = length - at;
    if (length - gone + piece.length > capacity)
        return length;
    memmove(bytes + at + piece.length, bytes + at + gone, length - at - gone);
    if (piece.length > 0)
        memmove(bytes + at, piece.at, piece.length);
    return length - gone + piece.length;
}

/* Some of `other`, up to a line or so. */
static struct text draw_piece(struct text other, uint32_t *seed)
{
    size_t start = draw(seed, other.length), most = other.length - start;
    return (struct text){other.at + start, draw(seed, most < 120 ? most + 1 : 120)};
}

size_t sip_mutate(char *bytes, size_t length, size_t capacity, struct text other, uint32_t *seed)
{
    for (uint32_t times = 1 + draw(seed, 4); times > 0; times--) {
        size_t at = draw(seed, length + 1);
        char c = draw_byte(seed);
        switch (draw(seed, 6)) {
        case 0:
            if (at < length)
                bytes[at] = c;
            break;
        case 1:
            length = splice(bytes, length, capacity, (struct text){&c, 1}, at, 0);
            break;
        case 2:
            length = splice(bytes, length, capacity, (struct text){0}, at, 1 + draw(seed, 30));
            break;
        case 3:
            length = splice(bytes, length, capacity, draw_piece(other, seed), at, draw(seed, 30));
            break;
        case 4:
            if (at < length)
                bytes[at] ^= (char)(1 << draw(seed, 8));
            break;
        default:
            for (uint32_t more = draw(seed, 20); more > 0; more--)
                length = splice(bytes, length, capacity, (struct text){&c, 1}, at, 0);
        }
    }
    return length;
}

/* A SIP URI equals itself, and stays one in a request line, where nothing more is left to remove. */
static const char *read_uri(struct text text)
{
    char out[512];
    struct sip_uri uri;
    size_t length = text.length < sizeof out ? text.length : 0;
    int error = sip_uri_create(&uri, text);
    sip_uri_destroy(&uri);
    sip_uri_key(text);
    if (error != 0)
        return NULL;
    if (!sip_uri_equal(text, text))
        return "a URI does not equal itself";
    if (length == 0)
        return NULL;
    memcpy(out, text.at, length);
    length = sip_uri_strip(out, length);
    error = sip_uri_create(&uri, (struct text){out, length});
    sip_uri_destroy(&uri);
    if ((error != 0 && error != -ENOMEM) || sip_uri_strip(out, length) != length)
        return "a URI in a request line is no URI";
    return NULL;
}

static const char *read_values(const struct sip_message *message)
{
    char out[512];
    for (int header = 0; header < HEADER_COUNT; header++) {
        struct sip_values values = sip_values(message, (enum sip_header)header);
        struct sip_value value, again;
        for (size_t i = 0; i < 8 && sip_values_next(&values, &value); i++) {
            struct sip_contact contact;
            struct sip_uri uri;
            const char *what = NULL;
            if (!sip_value(message, (enum sip_header)header, i, &again) || !text_equal(value.whole, again.whole))
                return "sip_value and sip_values_next differ";
            if (sip_contact_read(&value, &contact, &what) != 0 && what == NULL)
                return "a malformed Contact has no sentence";
            sip_parameter(value.parameters, TEXT("expires"), NULL);
            if (sip_uri_create(&uri, value.uri) == 0 &&
                sip_uri_aor(&uri, AOR_CASE_SENSITIVE, out, sizeof out) > (int)sizeof out)
                return "an AOR is longer than its buffer";
            sip_uri_destroy(&uri);
            const char *problem = read_uri(value.uri);
            if (problem != NULL)
                return problem;
        }
        sip_has_option(message, (enum sip_header)header, TEXT("outbound"));
    }
    return NULL;
}

static const char *read_all(const struct sip_message *message)
{
    struct facts facts = {0};
    const struct sip_via *via = sip_top_via(message);
    size_t sum = sip_bytes(message).length + sip_body(message).length + sip_phrase(message).length;
    if (via == NULL || via->host.length == 0 || via->transport.length == 0 || via->port > 65535)
        return "a message without a topmost Via was let through";
    if (sip_call_id(message).length == 0 || sip_cseq(message) > INT32_MAX || sip_from_uri(message).length == 0 ||
        sip_to_uri(message).length == 0 || sip_via_count(message) == 0)
        return "a message without what every message has was let through";
    if (!sip_is_request(message) && (sip_status(message) < 100 || sip_status(message) > 699))
        return "a status out of range was let through";
    if (sip_is_request(message) && sip_request_target(message) == NULL)
        return "a Request-URI that cannot be parsed was let through";
    if (sip_expires(message) > UINT32_MAX || sip_retry_after(message) > UINT32_MAX || sip_min_se(message) > UINT32_MAX)
        return "a number of seconds is not clamped";
    sip_facts(message, &facts);
    for (size_t i = 0; i < message->field_count; i++)
        sum += sip_field_at(message, i)->line.length;
    return sum <= 2 * sip_bytes(message).length ? read_values(message) : "fields overlap";
}

static const char *read_again(const struct host *host, const struct sip_buffer *out, const char *complaint)
{
    struct sip_message *again = NULL;
    struct sip_fault fault;
    int result = sip_message_new(&again, host, out->bytes, out->length, NULL, &fault);
    sip_message_delete(again);
    return result == 0 || result == -EMSGSIZE || result == -ENOMEM ? NULL : complaint;
}

static const char *send_request(const struct host *host, const struct sip_message *request, struct sip_buffer *out)
{
    struct sip_forward forward = {.request_uri = TEXT("sip:bob@192.0.2.9:5060"),
                                  .via = TEXT("SIP/2.0/TCP proxy.example.net;branch=z9hG4bKnew"),
                                  .record_route = TEXT("<sip:proxy.example.net;lr>"),
                                  .routes_dropped = 1,
                                  .max_forwards = 69,
                                  .received = TEXT("192.0.2.77"),
                                  .rport = 40000};
    sip_buffer_clear(out);
    if (sip_forward_request(request, &forward, out) != 0)
        return NULL;
    const char *problem = read_again(host, out, "a forwarded request cannot be read");
    if (problem != NULL)
        return problem;
    sip_buffer_clear(out);
    if (sip_method(request) == METHOD_ACK || sip_method(request) == METHOD_CANCEL || sip_cancel(request, out) != 0)
        return NULL;
    return read_again(host, out, "a CANCEL cannot be read");
}

static const char *send_response(const struct host *host, const struct sip_message *response, struct sip_buffer *out)
{
    struct sip_upward upward = {.status = 500, .fields = TEXT("X-Added: 1\r\n")};
    sip_buffer_clear(out);
    if (sip_forward_response(response, &upward, out) != 0 || sip_via_count(response) < 2)
        return NULL;
    struct sip_value second;
    /* The second Via was not looked at; it has to be good only to be read as the first. */
    if (!sip_value(response, HEADER_VIA, 1, &second))
        return "a Via got lost";
    struct sip_message *again = NULL;
    struct sip_fault fault;
    int result = sip_message_new(&again, host, out->bytes, out->length, NULL, &fault);
    sip_message_delete(again);
    return result == 0 || result == -ENOMEM || (fault.header != NULL && strcmp(fault.header, "Via") == 0)
               ? NULL
               : "a forwarded response cannot be read";
}

/* No line end but CRLF goes out, whatever came in. */
static const char *check_lines(const struct sip_buffer *out)
{
    for (size_t i = 0; i < out->length; i++) {
        bool carriage = i > 0 && out->bytes[i - 1] == '\r';
        if ((out->bytes[i] == '\n') != carriage)
            return "an answer has a line end that is not CRLF";
    }
    return NULL;
}

static const char *send_answer(const struct host *host, const struct sip_message *request, bool whole,
                               struct sip_buffer *out)
{
    struct sip_answer answer = {.status = 400,
                                .phrase = TEXT("Bad Request"),
                                .to_tag = TEXT("as83kd9bs"),
                                .received = TEXT("192.0.2.77"),
                                .rport = 40000};
    sip_buffer_clear(out);
    if (sip_answer(request, &answer, out) != 0)
        return NULL;
    const char *problem = check_lines(out);
    if (problem != NULL || !whole)
        return problem;
    return read_again(host, out, "an answer cannot be read");
}

/* 3261-10.3.c: what a registrar would store can be called, and what it refuses has a phrase of one line. */
static const char *check_registration(const struct registration *registration, int result)
{
    struct sip_uri uri;
    const char *phrase = registration->phrase;
    if (result == -EBADMSG && registration->status < 400)
        return "a REGISTER is refused without a status";
    if (result == -EBADMSG && phrase != NULL &&
        (strlen(phrase) >= SIP_FAULT_SIZE - 1 || strpbrk(phrase, "\r\n") != NULL))
        return "the phrase of a refused REGISTER is too long or no single line";
    for (size_t i = 0; result == 0 && i < registration->count; i++) {
        int error = sip_uri_create(&uri, registration->contacts[i].value.uri);
        sip_uri_destroy(&uri);
        if (error != 0 && error != -ENOMEM)
            return "a Contact was taken that cannot be called";
    }
    return NULL;
}

static const char *read_registration(const struct host *host, const struct sip_message *request)
{
    struct registration registration;
    const struct registration_limits limits = {.expires_default = 3600, .expires_least = 60, .expires_most = 7200};
    registration_create(&registration, host, request, &limits);
    const char *problem = check_registration(&registration, registration_read(&registration));
    registration_destroy(&registration);
    return problem;
}

static const char *use(const struct host *host, const struct sip_message *message, bool whole)
{
    struct sip_buffer out = {.host = host};
    const char *problem = whole ? read_all(message) : NULL;
    if (problem == NULL && whole && sip_is_request(message))
        problem = send_request(host, message, &out);
    if (problem == NULL && whole && sip_is_request(message))
        problem = read_registration(host, message);
    if (problem == NULL && sip_is_request(message))
        problem = send_answer(host, message, whole, &out);
    if (problem == NULL && whole && !sip_is_request(message))
        problem = send_response(host, message, &out);
    sip_buffer_destroy(&out);
    return problem;
}

/* The same bytes in three pieces: what is cut must not depend on how they came. */
static const char *frame(const char *bytes, size_t length)
{
    size_t at_once = 0, resume = 0, piecewise = 0;
    enum frame first = sip_frame(bytes, length, NULL, &resume, &at_once), second = FRAME_MORE;
    resume = 0;
    for (size_t part = 1; part <= 3 && second == FRAME_MORE; part++)
        second = sip_frame(bytes, length * part / 3, NULL, &resume, &piecewise);
    if (at_once > length || piecewise > length)
        return "a frame is longer than its bytes";
    if (first == FRAME_MESSAGE && (second != first || at_once != piecewise))
        return "a message is cut differently when it comes in pieces";
    return NULL;
}

const char *sip_exercise(const struct host *host, const char *bytes, size_t length, uint16_t *status)
{
    struct sip_message *message = NULL;
    struct sip_fault fault = {0};
    const char *problem = frame(bytes, length);
    int result = sip_message_new(&message, host, bytes, length, NULL, &fault);
    *status = fault.status;
    if (problem == NULL && result == 0 && (message == NULL || fault.status != 0))
        problem = "a message without fault is not there";
    if (problem == NULL && result != 0 && result != -ENOMEM && (fault.status < 400 || fault.what == NULL))
        problem = "a fault has no status or no sentence";
    if (problem == NULL && result != 0 && result != -ENOMEM && fault.offset > length)
        problem = "a fault lies behind the bytes";
    if (problem == NULL && message != NULL)
        problem = use(host, message, result == 0);
    sip_message_delete(message);
    return problem;
}
