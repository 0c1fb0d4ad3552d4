// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <stdio.h>

#include "core/code.h"
#include "sip/internal.h"
#include "sip/rewrite.h"

/* The messages that a proxy sends: the received bytes with lines added or removed. Added lines come directly after
   the start line, and so before any other value of their header. */

static void append_line(struct sip_buffer *out, struct text name, struct text value)
{
    sip_append(out, name);
    sip_append(out, TEXT(": "));
    sip_append(out, value);
    sip_append(out, TEXT("\r\n"));
}

static void append_number_line(struct sip_buffer *out, struct text name, uint64_t number)
{
    sip_append(out, name);
    sip_append(out, TEXT(": "));
    sip_append_number(out, number);
    sip_append(out, TEXT("\r\n"));
}

static int finish(const struct sip_buffer *out)
{
    return out->failed ? -ENOMEM : 0;
}

/* Appends Content-Length if the datagram had none (a stream needs it), the empty line, and the body. */
static void append_end(const struct sip_message *message, struct sip_buffer *out)
{
    if (sip_field(message, HEADER_CONTENT_LENGTH, 0) == NULL)
        append_number_line(out, TEXT("Content-Length"), sip_body(message).length);
    sip_append(out, TEXT("\r\n"));
    sip_append(out, sip_body(message));
}

/* The values of a field after the first `count`; {NULL, 0} if there are no more. *count is reduced by the values
   found. */
static struct text after_values(struct text value, unsigned *count)
{
    struct text rest = value, one;
    while (*count > 0 && sip_next_value(&rest, &one))
        --*count;
    return sip_trim(rest);
}

static bool ends_line(char c)
{
    return c == '\r' || c == '\n' || c == '\0';
}

static bool is_within_line(const char *bytes, size_t length)
{
    return length == 0 || (memchr(bytes, '\r', length) == NULL && memchr(bytes, '\n', length) == NULL &&
                           memchr(bytes, '\0', length) == NULL);
}

/* From `start` on, replaces folds, single CR and LF, and NULs by spaces; a malformed message may have any of them. */
static void unfold(struct sip_buffer *out, size_t start)
{
    if (out->failed || is_within_line(out->bytes + start, out->length - start))
        return;
    for (size_t i = start; i < out->length; i++)
        if (ends_line(out->bytes[i]))
            out->bytes[i] = ' ';
}

/* Appends a field without its first values; nothing if none is left. */
static void append_less(const struct sip_field *field, unsigned *dropped, struct sip_buffer *out)
{
    if (*dropped == 0) {
        sip_append(out, field->line);
        return;
    }
    struct text rest = after_values(field->value, dropped);
    if (rest.length > 0)
        append_line(out, field->name, rest);
}

static bool is_replaced(struct text name, bool received, bool rport)
{
    return (received && text_equal_nocase(name, TEXT("received"))) || (rport && text_equal_nocase(name, TEXT("rport")));
}

/* Copies the parameters except for those that are set. From a parameter that cannot be parsed on, the rest is copied
   as it is. */
static void append_via_parameters(struct sip_buffer *out, struct text parameters, bool received, bool rport)
{
    struct text before = parameters, name, value;
    const char *what = NULL;
    while (sip_next_parameter(&parameters, &name, &value, &what)) {
        if (!is_replaced(name, received, rport))
            sip_append(out, sip_trim(sip_between(before.at, parameters.at)));
        before = parameters;
    }
    if (what != NULL)
        sip_append(out, before);
}

/* Sets received= and the value of rport (RFC 3261 18.2.1, RFC 3581 4) in one Via value. */
static void append_via_value(struct sip_buffer *out, struct text value, struct text received, uint32_t rport)
{
    const char *end = value.at + value.length, *semicolon = memchr(value.at, ';', value.length);
    struct text parameters = sip_between(semicolon != NULL ? semicolon : end, end);
    bool set_rport = rport != 0 && sip_parameter(parameters, TEXT("rport"), NULL);
    sip_append(out, sip_trim(sip_between(value.at, parameters.at)));
    append_via_parameters(out, parameters, received.length > 0, set_rport);
    if (received.length > 0) {
        sip_append(out, TEXT(";received="));
        sip_append(out, received);
    }
    if (set_rport) {
        sip_append(out, TEXT(";rport="));
        sip_append_number(out, rport);
    }
}

/* Only the CRLF at its end ends the line. */
static bool is_one_line(struct text line)
{
    size_t length = line.length;
    return length >= 2 && memchr(line.at, '\r', length) == line.at + length - 2 &&
           memchr(line.at, '\n', length) == line.at + length - 1 && memchr(line.at, '\0', length) == NULL;
}

void sip_append_field(struct sip_buffer *out, const struct sip_field *field)
{
    size_t start = out->length;
    if (is_one_line(field->line)) {
        sip_append(out, field->line);
        return;
    }
    sip_append(out, field->name);
    sip_append(out, TEXT(": "));
    sip_append(out, field->value);
    unfold(out, start);
    sip_append(out, TEXT("\r\n"));
}

void sip_append_unfolded(struct sip_buffer *out, struct text text)
{
    size_t start = out->length;
    sip_append(out, text);
    unfold(out, start);
}

bool sip_unsupported(const struct sip_message *request, enum sip_header header, bool (*is_known)(struct text tag),
                     char *out, size_t size)
{
    struct sip_values values = sip_values(request, header);
    struct sip_value value;
    size_t length = 0;
    bool any = false;
    out[0] = '\0';
    while (sip_values_next(&values, &value)) {
        if (value.whole.length == 0 || is_known(value.whole))
            continue;
        any = true;
        if (!sip_is_token(value.whole) || value.whole.length > SIP_OPTION_MOST ||
            length + value.whole.length + sizeof "Unsupported: \r\n" > size)
            continue;
        length -= length > 0 ? 2 : 0; /* without the CRLF at its end */
        length += (size_t)snprintf(out + length, size - length, "%s%.*s\r\n",
                                   length > 0 ? ", " : "Unsupported: ", (int)value.whole.length, value.whole.at);
    }
    return any;
}

static void append_top_via(struct sip_buffer *out, const struct sip_field *field, struct text received, uint32_t rport)
{
    size_t start = out->length;
    struct text rest = field->value, top = {0};
    sip_append(out, field->name);
    sip_append(out, TEXT(": "));
    if (sip_next_value(&rest, &top) && top.length > 0)
        append_via_value(out, top, received, rport);
    if (rest.length > 0) {
        sip_append(out, TEXT(", "));
        sip_append(out, sip_trim(rest));
    }
    unfold(out, start);
    sip_append(out, TEXT("\r\n"));
}

static void append_request_uri(struct sip_buffer *out, struct text uri)
{
    size_t start = out->length;
    sip_append(out, uri);
    if (!out->failed)
        out->length = start + sip_uri_strip(out->bytes + start, uri.length);
}

static void append_request_line(struct sip_buffer *out, struct text method, struct text uri)
{
    sip_append(out, method);
    sip_append(out, TEXT(" "));
    append_request_uri(out, uri);
    sip_append(out, TEXT(" SIP/2.0\r\n"));
}

/* Appends the lines that come before all received ones. */
static void append_own_lines(const struct sip_message *request, const struct sip_forward *forward,
                             struct sip_buffer *out)
{
    if (forward->via.length > 0)
        append_line(out, TEXT("Via"), forward->via);
    if (forward->record_route.length > 0)
        append_line(out, TEXT("Record-Route"), forward->record_route);
    if (forward->path.length > 0)
        append_line(out, TEXT("Path"), forward->path);
    if (forward->route.length > 0)
        append_line(out, TEXT("Route"), forward->route);
    if (forward->max_forwards >= 0 && sip_field(request, HEADER_MAX_FORWARDS, 0) == NULL)
        append_number_line(out, TEXT("Max-Forwards"), (uint64_t)forward->max_forwards);
    if (forward->max_breadth > 0)
        append_number_line(out, TEXT("Max-Breadth"), forward->max_breadth);
}

static bool is_consumed(const struct sip_field *field, const struct sip_forward *forward)
{
    return field->id == HEADER_PROXY_AUTHORIZATION && forward->consumes != NULL &&
           forward->consumes(forward->consumes_context, field);
}

int sip_forward_request(const struct sip_message *request, const struct sip_forward *forward, struct sip_buffer *out)
{
    const struct sip_field *field, *top = sip_field(request, HEADER_VIA, 0);
    unsigned routes = forward->routes_dropped;
    append_request_line(out, sip_method_text(request),
                        forward->request_uri.length > 0 ? forward->request_uri : sip_request_uri(request));
    append_own_lines(request, forward, out);
    for (size_t i = 0; (field = sip_field_at(request, i)) != NULL; i++) {
        if (field == top && (forward->received.length > 0 || forward->rport != 0))
            append_top_via(out, field, forward->received, forward->rport);
        else if (field->id == HEADER_ROUTE)
            append_less(field, &routes, out);
        else if (field->id == HEADER_MAX_FORWARDS && forward->max_forwards >= 0)
            append_number_line(out, field->name, (uint64_t)forward->max_forwards);
        else if ((field->id != HEADER_MAX_BREADTH || forward->max_breadth == 0) && !is_consumed(field, forward))
            sip_append(out, field->line);
    }
    append_end(request, out);
    return finish(out);
}

static void append_status_line(struct sip_buffer *out, uint32_t status, struct text phrase)
{
    sip_append(out, TEXT("SIP/2.0 "));
    sip_append_number(out, status);
    sip_append(out, TEXT(" "));
    sip_append(out, phrase);
    sip_append(out, TEXT("\r\n"));
}

/* All values are in the first field. */
static void append_record_route(const struct sip_message *response, const struct sip_field *field, struct text values,
                                struct sip_buffer *out)
{
    if (field == sip_field(response, HEADER_RECORD_ROUTE, 0))
        append_line(out, TEXT("Record-Route"), values);
}

int sip_forward_response(const struct sip_message *response, const struct sip_upward *upward, struct sip_buffer *out)
{
    const struct sip_field *field;
    unsigned vias = 1;
    bool changed = upward->status != 0 && upward->status != sip_status(response);
    append_status_line(out, changed ? upward->status : sip_status(response),
                       changed ? text_of(code_phrase(upward->status)) : sip_phrase(response));
    for (size_t i = 0; (field = sip_field_at(response, i)) != NULL; i++) {
        if (field->id == HEADER_VIA)
            append_less(field, &vias, out);
        else if (field->id == HEADER_RECORD_ROUTE && upward->record_route.length > 0)
            append_record_route(response, field, upward->record_route, out);
        else if (field->id == HEADER_OTHER || field->id != upward->left_out)
            sip_append(out, field->line);
    }
    sip_append(out, upward->fields);
    append_end(response, out);
    return finish(out);
}

static void append_all(struct sip_buffer *out, const struct sip_message *message, enum sip_header header)
{
    const struct sip_field *field;
    for (size_t at = 0; (field = sip_field_next(message, header, &at)) != NULL;)
        sip_append_field(out, field);
}

static void append_first(struct sip_buffer *out, const struct sip_message *message, enum sip_header header)
{
    const struct sip_field *field = sip_field(message, header, 0);
    if (field != NULL)
        sip_append_field(out, field);
}

/* Copies Via in order. A topmost one that could not be parsed is unchanged, because the place for the parameters is
   unknown. */
static void append_vias(struct sip_buffer *out, const struct sip_message *request, const struct sip_answer *answer)
{
    const struct sip_field *field;
    const struct sip_field *top = sip_field(request, HEADER_VIA, 0);
    for (size_t at = 0; (field = sip_field_next(request, HEADER_VIA, &at)) != NULL;) {
        if (field == top && sip_top_via(request) != NULL && (answer->received.length > 0 || answer->rport != 0))
            append_top_via(out, field, answer->received, answer->rport);
        else
            sip_append_field(out, field);
    }
}

/* An empty tag counts as absent; if it were kept, To would have two tags. */
static void append_without_tag(struct sip_buffer *out, struct text value)
{
    struct sip_address address;
    struct text rest, parameter, tag;
    const char *what;
    if (sip_from_to_read(value, &address, &what) != 0 || address.parameters.length == 0) {
        sip_append(out, value);
        return;
    }
    rest = address.parameters;
    sip_append(out, sip_between(value.at, rest.at));
    while (sip_cut_parameter(&rest, &parameter))
        if (!sip_tag_read(parameter, &tag))
            sip_append(out, parameter);
}

static void append_to(struct sip_buffer *out, const struct sip_message *request, struct text tag)
{
    const struct sip_field *field = sip_field(request, HEADER_TO, 0);
    if (field == NULL)
        return;
    if (tag.length == 0 || sip_to_tag(request).length > 0) {
        sip_append_field(out, field);
        return;
    }
    size_t start = out->length;
    sip_append(out, field->name);
    sip_append(out, TEXT(": "));
    append_without_tag(out, field->value);
    unfold(out, start);
    sip_append(out, TEXT(";tag="));
    sip_append(out, tag);
    sip_append(out, TEXT("\r\n"));
}

int sip_answer(const struct sip_message *request, const struct sip_answer *answer, struct sip_buffer *out)
{
    const struct sip_field *timestamp = sip_field_named(request, TEXT("Timestamp"), 0);
    append_status_line(out, answer->status,
                       answer->phrase.length > 0 ? answer->phrase : text_of(code_phrase(answer->status)));
    append_vias(out, request, answer);
    append_first(out, request, HEADER_FROM);
    append_to(out, request, answer->to_tag);
    append_first(out, request, HEADER_CALL_ID);
    append_first(out, request, HEADER_CSEQ);
    if (answer->status == SIP_TRYING && timestamp != NULL)
        sip_append_field(out, timestamp);
    sip_append(out, answer->fields);
    sip_append(out, TEXT("Content-Length: 0\r\n\r\n"));
    return finish(out);
}

/* The common part of ACK and CANCEL: they are sent to where their request was sent, and the topmost Via links them
   to its transaction. */
static int append_hop_request(const struct sip_message *sent, const struct sip_field *to, struct text method,
                              struct sip_buffer *out)
{
    enum { MAX_FORWARDS = 70 };
    struct sip_value via;
    if (!sip_is_request(sent) || to == NULL || !sip_value(sent, HEADER_VIA, 0, &via))
        return -EINVAL;
    append_request_line(out, method, sip_request_uri(sent));
    sip_append(out, TEXT("Via: "));
    sip_append_unfolded(out, via.whole);
    sip_append(out, TEXT("\r\n"));
    append_number_line(out, TEXT("Max-Forwards"), MAX_FORWARDS);
    append_all(out, sent, HEADER_ROUTE);
    append_first(out, sent, HEADER_FROM);
    sip_append_field(out, to);
    append_first(out, sent, HEADER_CALL_ID);
    sip_append(out, TEXT("CSeq: "));
    sip_append_number(out, sip_cseq(sent));
    sip_append(out, TEXT(" "));
    sip_append(out, method);
    sip_append(out, TEXT("\r\nContent-Length: 0\r\n\r\n"));
    return finish(out);
}

int sip_ack(const struct sip_message *invite_sent, const struct sip_message *response, struct sip_buffer *out)
{
    return append_hop_request(invite_sent, sip_field(response, HEADER_TO, 0), TEXT("ACK"), out);
}

int sip_cancel(const struct sip_message *request_sent, struct sip_buffer *out)
{
    return append_hop_request(request_sent, sip_field(request_sent, HEADER_TO, 0), TEXT("CANCEL"), out);
}
