// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>

#include "core/code.h"
#include "sip/internal.h"

static void fault_at(struct sip_message *message, const struct sip_field *field, struct sip_fault *fault,
                     const char *what)
{
    const char *at = field != NULL ? field->line.at : message->bytes.at;
    sip_fault_set(fault, message, at, SIP_BAD_REQUEST, what);
}

/* Two of these leave open which one counts (RFC 3261 8.1.1, 18.3). */
static void check_single(struct sip_message *message, struct sip_fault *fault)
{
    unsigned seen[HEADER_COUNT] = {0};
    for (size_t i = 0; i < message->field_count; i++) {
        const struct sip_field *field = &message->fields[i];
        if (seen[field->id]++ == 0)
            continue;
        if (field->id == HEADER_CALL_ID || field->id == HEADER_CSEQ)
            fault_at(message, field, fault, "Call-ID or CSeq is there twice");
        else if (field->id == HEADER_FROM || field->id == HEADER_TO)
            fault_at(message, field, fault, "From or To is there twice");
        else if (field->id == HEADER_MAX_FORWARDS || field->id == HEADER_CONTENT_LENGTH)
            fault_at(message, field, fault, "Max-Forwards or Content-Length is there twice");
    }
}

static int check_via(struct sip_message *message, struct sip_fault *fault)
{
    const struct sip_field *field = sip_field(message, HEADER_VIA, 0);
    const char *what = "Via is missing";
    int result = -EBADMSG;
    if (field != NULL) {
        struct text rest = field->value, value;
        what = "the topmost Via is empty";
        if (sip_next_value(&rest, &value) && value.length > 0)
            result = sip_via_read(message, value, &what);
    }
    if (result == -EBADMSG)
        fault_at(message, field, fault, what);
    return result == -ENOMEM ? result : 0;
}

static void check_address(struct sip_message *message, enum sip_header header, struct text *uri, struct text *tag,
                          struct sip_fault *fault)
{
    const struct sip_field *field = sip_field(message, header, 0);
    struct sip_address address;
    const char *what = header == HEADER_FROM ? "From is missing" : "To is missing";
    if (field != NULL && sip_address_read(field->value, &address, &what) == 0) {
        *uri = address.uri;
        *tag = address.tag;
        return;
    }
    fault_at(message, field, fault, what);
}

static void check_call_id(struct sip_message *message, struct sip_fault *fault)
{
    const struct sip_field *field = sip_field(message, HEADER_CALL_ID, 0);
    if (field == NULL) {
        fault_at(message, field, fault, "Call-ID is missing");
        return;
    }
    message->call_id = field->value;
    if (field->value.length == 0)
        fault_at(message, field, fault, "Call-ID is empty");
    for (size_t i = 0; i < field->value.length; i++)
        if ((unsigned char)field->value.at[i] <= ' ')
            fault_at(message, field, fault, "Call-ID has white space or control characters inside");
}

static const char *read_cseq(struct sip_message *message, struct text value)
{
    const char *at = value.at, *end = value.at + value.length;
    uint64_t number = 0;
    while (at < end && *at >= '0' && *at <= '9')
        at++;
    if (!sip_digits(sip_between(value.at, at), &number) || at == end || !sip_is_space(*at))
        return "CSeq does not begin with a number";
    if (number > INT32_MAX)
        return "the CSeq number is not below 2^31";
    message->cseq = (uint32_t)number;
    message->cseq_method = sip_trim(sip_between(at, end));
    if (!sip_is_token(message->cseq_method))
        return "CSeq has no method";
    if (!message->request)
        message->method_id = (uint8_t)method_find(message->cseq_method.at, message->cseq_method.length);
    else if (!text_equal(message->cseq_method, message->method))
        return "the CSeq method differs from the request's";
    return NULL;
}

static void check_cseq(struct sip_message *message, struct sip_fault *fault)
{
    const struct sip_field *field = sip_field(message, HEADER_CSEQ, 0);
    const char *what = field != NULL ? read_cseq(message, field->value) : "CSeq is missing";
    if (what != NULL)
        fault_at(message, field, fault, what);
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
        fault_at(message, field, fault, "Max-Forwards is not a number from 0 to 255");
}

/* What lies beyond the body is no part of the message (RFC 3261 18.3). */
static void check_content_length(struct sip_message *message, struct sip_fault *fault)
{
    const struct sip_field *field = sip_field(message, HEADER_CONTENT_LENGTH, 0);
    uint64_t value = 0;
    if (field == NULL)
        return;
    if (!sip_digits(field->value, &value)) {
        fault_at(message, field, fault, "Content-Length is not a number");
    } else if (value > message->body.length) {
        fault_at(message, field, fault, "Content-Length is above the bytes that came");
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
        sip_fault_set(fault, message, message->request_uri.at, SIP_BAD_REQUEST, "the Request-URI is malformed");
    else if (parts.has_headers)
        sip_fault_set(fault, message, parts.headers.at, SIP_BAD_REQUEST, "the Request-URI has headers");
}

/* A registrar acts on these; for other elements and methods they are somebody else's (RFC 3261 16.3 step 1). */
static void check_registration(struct sip_message *message, struct sip_fault *fault)
{
    const struct sip_field *expires = sip_field(message, HEADER_EXPIRES, 0);
    struct sip_contact contact;
    struct sip_values contacts = sip_values(message, HEADER_CONTACT);
    struct sip_value value;
    uint64_t seconds = 0;
    const char *what = NULL;
    if (expires != NULL && !sip_digits(expires->value, &seconds))
        fault_at(message, expires, fault, "Expires is not a number");
    const struct sip_field *field;
    for (size_t i = 0; (field = sip_field(message, HEADER_CONTACT, i)) != NULL; i++)
        if (field->value.length == 0)
            fault_at(message, field, fault, "Contact is empty");
    while (sip_values_next(&contacts, &value))
        if (sip_contact_read(&value, &contact, &what) != 0)
            sip_fault_set(fault, message, value.whole.at, SIP_BAD_REQUEST, what);
}

int sip_check(struct sip_message *message, struct sip_fault *fault)
{
    check_single(message, fault);
    if (message->request)
        check_request_uri(message, fault);
    int result = check_via(message, fault);
    check_address(message, HEADER_FROM, &message->from_uri, &message->from_tag, fault);
    check_address(message, HEADER_TO, &message->to_uri, &message->to_tag, fault);
    check_call_id(message, fault);
    check_cseq(message, fault);
    check_max_forwards(message, fault);
    check_content_length(message, fault);
    if (message->request && message->method_id == METHOD_REGISTER)
        check_registration(message, fault);
    return result;
}
