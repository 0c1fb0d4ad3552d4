// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>

#include "core/code.h"
#include "sip/frame.h"
#include "sip/internal.h"

static const char MISSING[] = "the header field is missing";

/* field NULL: the field is missing. */
static void fault_in(struct sip_message *message, const char *header, const struct sip_field *field,
                     struct sip_fault *fault, const char *what)
{
    const char *at = field != NULL ? field->line.at : message->bytes.at;
    sip_fault_set_header(fault, message, header, at, what);
}

/* Header fields that must not occur twice, because it would be unclear which one counts (RFC 3261 8.1.1, 18.3). */
static const char *name_of_single(enum sip_header header)
{
    switch (header) {
    case HEADER_CALL_ID:
        return "Call-ID";
    case HEADER_CSEQ:
        return "CSeq";
    case HEADER_FROM:
        return "From";
    case HEADER_TO:
        return "To";
    case HEADER_MAX_FORWARDS:
        return "Max-Forwards";
    case HEADER_CONTENT_LENGTH:
        return "Content-Length";
    default:
        return NULL;
    }
}

static void check_single(struct sip_message *message, struct sip_fault *fault)
{
    unsigned seen[HEADER_COUNT] = {0};
    for (size_t i = 0; message->repeated != 0 && i < message->field_count; i++) {
        const struct sip_field *field = &message->fields[i];
        const char *name = name_of_single((enum sip_header)field->id);
        if (name != NULL && seen[field->id]++ > 0)
            fault_in(message, name, field, fault, "the header field is there twice");
    }
}

static void check_via(struct sip_message *message, struct sip_fault *fault)
{
    const struct sip_field *field = sip_field(message, HEADER_VIA, 0);
    const char *what = MISSING;
    if (field != NULL) {
        struct text rest = field->value, value;
        what = "the topmost value is empty";
        if (sip_next_value(&rest, &value) && value.length > 0)
            what = sip_via_read(value, &message->via);
    }
    if (what != NULL)
        fault_in(message, "Via", field, fault, what);
}

static void check_address(struct sip_message *message, enum sip_header header, struct text *uri, struct text *tag,
                          struct sip_fault *fault)
{
    const struct sip_field *field = sip_field(message, header, 0);
    const char *name = name_of_single(header), *what = MISSING;
    struct sip_address address;
    if (field == NULL) {
        fault_in(message, name, NULL, fault, what);
    } else if (sip_from_to_read(field->value, &address, &what) != 0) {
        sip_fault_set_header(fault, message, name, address.fault_at, what);
    } else {
        *uri = address.uri;
        *tag = address.tag;
    }
}

static void check_call_id(struct sip_message *message, struct sip_fault *fault)
{
    const struct sip_field *field = sip_field(message, HEADER_CALL_ID, 0);
    if (field == NULL) {
        fault_in(message, "Call-ID", NULL, fault, MISSING);
        return;
    }
    message->call_id = field->value;
    if (field->value.length == 0)
        fault_in(message, "Call-ID", field, fault, "the value is empty");
    for (size_t i = 0; i < field->value.length; i++)
        if ((unsigned char)field->value.at[i] <= ' ')
            fault_in(message, "Call-ID", field, fault, "the value has white space or control characters");
}

static const char *read_cseq(struct sip_message *message, struct text value)
{
    const char *at = value.at, *end = value.at + value.length;
    uint64_t number = 0;
    while (at < end && *at >= '0' && *at <= '9')
        at++;
    if (!sip_digits(sip_between(value.at, at), &number) || at == end || !sip_is_space(*at))
        return "the value does not begin with a number";
    if (number > INT32_MAX)
        return "the number is not below 2^31";
    message->cseq = (uint32_t)number;
    message->cseq_method = sip_trim(sip_between(at, end));
    if (!sip_is_token(message->cseq_method))
        return "the value has no method";
    if (!message->request)
        message->method_id = (uint8_t)method_find(message->cseq_method.at, message->cseq_method.length);
    else if (!text_equal(message->cseq_method, message->method))
        return "the method differs from the method of the request";
    return NULL;
}

static void check_cseq(struct sip_message *message, struct sip_fault *fault)
{
    const struct sip_field *field = sip_field(message, HEADER_CSEQ, 0);
    const char *what = field != NULL ? read_cseq(message, field->value) : MISSING;
    if (what != NULL)
        fault_in(message, "CSeq", field, fault, what);
}

static void check_max_forwards(struct sip_message *message, struct sip_fault *fault)
{
    const struct sip_field *field = sip_field(message, HEADER_MAX_FORWARDS, 0);
    uint64_t value = 0;
    message->max_forwards = -1;
    if (field == NULL)
        return;
    if (sip_digits(field->value, &value) && value <= 255)
        message->max_forwards = (int)value;
    else if (message->request)
        fault_in(message, "Max-Forwards", field, fault, "the value is not a number from 0 to 255");
}

/* Without Content-Length, white space at the end of a datagram or a WebSocket message would count as a body. */
static void check_body(struct sip_message *message)
{
    size_t padding = sip_padding_length(message->body.at, message->body.length);
    if (padding == message->body.length && sip_field(message, HEADER_CONTENT_TYPE, 0) == NULL) {
        message->bytes.length -= padding;
        message->body.length = 0;
    }
}

/* Bytes behind the body are not part of the message (RFC 3261 18.3). */
static void check_content_length(struct sip_message *message, struct sip_fault *fault)
{
    const struct sip_field *field = sip_field(message, HEADER_CONTENT_LENGTH, 0);
    uint64_t value = 0;
    if (field == NULL) {
        check_body(message);
        return;
    }
    if (!sip_digits(field->value, &value)) {
        fault_in(message, "Content-Length", field, fault, "the value is not a number");
    } else if (value > message->body.length) {
        fault_in(message, "Content-Length", field, fault, "the value exceeds the bytes of the body");
    } else {
        message->bytes.length -= message->body.length - (size_t)value;
        message->body.length = (size_t)value;
    }
}

static void check_request_uri(struct sip_message *message, struct sip_fault *fault)
{
    struct sip_uri_parts parts;
    if (message->request_uri.length == 0)
        return;
    if (sip_uri_cut(message->request_uri, &parts) == -EBADMSG)
        sip_fault_set(fault, message, message->request_uri.at, SIP_BAD_REQUEST, "the Request-URI is not a valid URI");
    else if (parts.has_headers)
        sip_fault_set(fault, message, parts.headers.at, SIP_BAD_REQUEST, "the Request-URI has headers");
}

void sip_check(struct sip_message *message, struct sip_fault *fault)
{
    check_single(message, fault);
    if (message->request)
        check_request_uri(message, fault);
    check_via(message, fault);
    check_address(message, HEADER_FROM, &message->from_uri, &message->from_tag, fault);
    check_address(message, HEADER_TO, &message->to_uri, &message->to_tag, fault);
    check_call_id(message, fault);
    check_cseq(message, fault);
    check_max_forwards(message, fault);
    check_content_length(message, fault);
}
