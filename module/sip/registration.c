// SPDX-License-Identifier: BSD-2-Clause
#include "sip/registration.h"

#include <errno.h>
#include <stdio.h>

#include "core/code.h"
#include "sip/internal.h"

void registration_create(struct registration *registration, const struct host *host, const struct sip_message *request,
                         const struct registration_limits *limits)
{
    memset(registration, 0, offsetof(struct registration, text));
    registration->request = request;
    registration->limits = *limits;
    registration->path.host = host;
    registration->text[0] = '\0';
    registration->fields[0] = '\0';
    registration->supports_outbound = sip_has_option(request, HEADER_SUPPORTED, TEXT("outbound"));
}

void registration_destroy(struct registration *registration)
{
    sip_buffer_destroy(&registration->path);
}

int registration_refuse(struct registration *registration, uint32_t status, const char *phrase)
{
    registration->status = status;
    registration->phrase = phrase;
    return -EBADMSG;
}

int registration_refuse_field(struct registration *registration, const char *header, const char *at, const char *what)
{
    struct sip_fault fault = {0};
    sip_fault_set_header(&fault, registration->request, header, at, what);
    return registration_refuse(registration, SIP_BAD_REQUEST,
                               sip_fault_phrase(&fault, registration->text, sizeof registration->text));
}

/* --- reading the request --- */

static bool is_known_extension(struct text tag)
{
    return text_equal_nocase(tag, TEXT("path")) || text_equal_nocase(tag, TEXT("outbound"));
}

int registration_check_extensions(struct registration *registration)
{
    bool refused = sip_unsupported(registration->request, HEADER_REQUIRE, is_known_extension, registration->fields,
                                   sizeof registration->fields);
    return refused ? registration_refuse(registration, SIP_BAD_EXTENSION, NULL) : 0;
}

/* Why the ith Path value cannot be stored; NULL if it can. */
static const char *fault_of_path(const struct registration *registration, size_t i, struct text value)
{
    if (i == REGISTRATION_PATH_VALUES_MOST)
        return "there are more than 8 values";
    if (value.length > REGISTRATION_PATH_VALUE_MOST)
        return "a value is longer than 1024 bytes";
    if (registration->path.length + value.length > REGISTRATION_PATH_MOST)
        return "the values together are longer than 2048 bytes";
    return NULL;
}

static int read_path(struct registration *registration)
{
    struct sip_value value;
    registration->first_hop = sip_via_count(registration->request) <= 1;
    registration->outbound = registration->first_hop;
    struct sip_values values = sip_values(registration->request, HEADER_PATH);
    for (size_t i = 0; sip_values_next(&values, &value); i++) {
        struct sip_uri uri;
        const char *fault = fault_of_path(registration, i, value.whole);
        if (fault != NULL)
            return registration_refuse_field(registration, "Path", value.whole.at, fault);
        int error = sip_uri_create(&uri, value.uri);
        if (error != 0) {
            sip_uri_destroy(&uri);
            if (error == -ENOMEM)
                return error;
            return registration_refuse_field(registration, "Path", value.whole.at, "the value is not a valid URI");
        }
        if (i == 0)
            registration->outbound = uri.ob;
        sip_uri_destroy(&uri);
        if (i > 0)
            sip_append(&registration->path, TEXT(", "));
        sip_append_unfolded(&registration->path, value.whole);
    }
    return registration->path.failed ? -ENOMEM : 0;
}

static int64_t granted(const struct registration *registration, const struct sip_contact *contact)
{
    int64_t expires = contact->expires;
    if (expires < 0)
        expires = sip_expires(registration->request);
    if (expires < 0)
        expires = registration->limits.expires_default;
    if (registration->limits.lengthens && expires > 0 && expires < registration->limits.expires_least)
        return registration->limits.expires_least;
    return expires > registration->limits.expires_most ? registration->limits.expires_most : expires;
}

/* 3261-10.3.c: check the Contact now, because when it is called later nobody can be told that it is invalid. */
static int check_contact_uri(struct registration *registration, struct text text)
{
    struct sip_uri uri;
    if (text.length > REGISTRATION_URI_MOST)
        return registration_refuse_field(registration, "Contact", text.at, "the URI is longer than 1024 bytes");
    int error = sip_uri_create(&uri, text);
    sip_uri_destroy(&uri);
    if (error == 0 || error == -ENOMEM)
        return error;
    return registration_refuse_field(registration, "Contact", text.at, "the address is not a valid SIP URI");
}

static int read_contact(struct registration *registration, const struct sip_value *value)
{
    struct sip_contact *contact = &registration->contacts[registration->count];
    const char *what = NULL;
    if (text_equal(value->uri, TEXT("*"))) {
        registration->star = true;
        return 0;
    }
    if (registration->count == REGISTRATION_CONTACTS_MOST)
        return registration_refuse_field(registration, "Contact", value->whole.at, "there are more than 32 addresses");
    if (sip_contact_read(value, contact, &what) != 0)
        return registration_refuse_field(registration, "Contact", contact->fault_at, what);
    int error = check_contact_uri(registration, contact->value.uri);
    if (error != 0)
        return error;
    if (value->parameters.length > REGISTRATION_PARAMETERS_MOST)
        return registration_refuse_field(registration, "Contact", value->parameters.at,
                                         "the parameters are longer than 2048 bytes");
    int64_t expires = granted(registration, contact);
    if (expires > 0 && expires < registration->limits.expires_least) {
        snprintf(registration->fields, sizeof registration->fields, "Min-Expires: %u\r\n",
                 registration->limits.expires_least);
        return registration_refuse(registration, SIP_INTERVAL_TOO_BRIEF, NULL);
    }
    registration->keys[registration->count] = 0;
    registration->expires[registration->count++] = expires;
    return 0;
}

static int read_contacts(struct registration *registration)
{
    struct sip_values values = sip_values(registration->request, HEADER_CONTACT);
    struct sip_value value;
    const struct sip_field *field;
    size_t i, at = 0;
    while ((field = sip_field_next(registration->request, HEADER_CONTACT, &at)) != NULL) {
        if (field->value.length == 0)
            return registration_refuse_field(registration, "Contact", field->line.at, "the value is empty");
    }
    for (i = 0; sip_values_next(&values, &value); i++) {
        int error = read_contact(registration, &value);
        if (error != 0)
            return error;
    }
    if (registration->star && (i > 1 || sip_expires(registration->request) != 0))
        return registration_refuse_field(registration, "Contact", NULL, "* is only allowed alone and with Expires: 0");
    return 0;
}

/* 5626-6.b and 6.d. */
static int check_flows(struct registration *registration)
{
    size_t living = 0;
    bool reg_id = false, wanted = false;
    for (size_t i = 0; i < registration->count; i++) {
        living += registration->expires[i] > 0;
        reg_id |= registration->contacts[i].reg_id != 0;
        wanted |= registration->contacts[i].reg_id != 0 && registration->contacts[i].instance.length > 0;
    }
    if (living > 1 && reg_id)
        return registration_refuse_field(registration, "Contact", NULL,
                                         "with reg-id only one address may be registered");
    if (wanted && !registration->outbound && registration->supports_outbound)
        return registration_refuse(registration, SIP_FIRST_HOP_LACKS_OUTBOUND_SUPPORT, NULL);
    return 0;
}

static int check_expires(struct registration *registration)
{
    const struct sip_field *field = sip_field(registration->request, HEADER_EXPIRES, 0);
    if (field != NULL && sip_expires(registration->request) < 0)
        return registration_refuse_field(registration, "Expires", field->value.at, "the value is not a number");
    return 0;
}

int registration_read(struct registration *registration)
{
    static int (*const steps[])(struct registration *) = {check_expires, read_path, read_contacts, check_flows};
    int error = 0;
    for (size_t i = 0; error == 0 && i < sizeof steps / sizeof steps[0]; i++)
        error = steps[i](registration);
    return error;
}

uint32_t registration_key(struct registration *registration, size_t nth)
{
    uint32_t *key = &registration->keys[nth];
    if (*key == 0)
        *key = sip_uri_key(registration->contacts[nth].value.uri);
    return *key;
}

int registration_check_size(struct registration *registration, size_t standing)
{
    size_t size = standing;
    bool adds = false;
    for (size_t i = 0; i < registration->count; i++) {
        adds |= registration->expires[i] > 0;
        if (registration->expires[i] > 0)
            size += registration->contacts[i].value.uri.length + registration->contacts[i].value.parameters.length +
                    registration->path.length + sip_call_id(registration->request).length;
    }
    return !adds || size <= REGISTRATION_AOR_MOST
               ? 0
               : registration_refuse(registration, SIP_FORBIDDEN,
                                     "Forbidden: Contact, Path: the bindings would take more than 65536 bytes");
}

bool registration_is_flow(const struct registration *registration, size_t nth)
{
    const struct sip_contact *contact = &registration->contacts[nth];
    return registration->outbound && contact->reg_id != 0 && contact->instance.length > 0;
}

bool registration_applied(const struct registration *registration)
{
    for (size_t i = 0; i < registration->count; i++) {
        if (registration->expires[i] > 0 && registration_is_flow(registration, i))
            return true;
    }
    return false;
}

struct text registration_parameters(const struct sip_contact *contact, char *out, size_t size)
{
    static const char *const own[] = {"+sip.instance", "reg-id", "expires", "q"};
    struct text rest = contact->value.parameters;
    size_t length = 0;
    while (rest.length > 0) {
        size_t end = 1;
        bool quoted = false, known = false;
        for (; end < rest.length && (quoted || rest.at[end] != ';'); end++) {
            if (quoted && rest.at[end] == '\\' && end + 1 < rest.length)
                end++;
            else if (rest.at[end] == '"')
                quoted = !quoted;
        }
        struct text one = {rest.at, end};
        for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
            known |= sip_parameter(one, text_of(own[i]), NULL);
        if (!known && length + end < size) {
            memcpy(out + length, rest.at, end);
            length += end;
        }
        rest = (struct text){rest.at + end, rest.length - end};
    }
    for (size_t i = 0; i < length; i++) /* it becomes part of a line, which it must not end */
        out[i] = out[i] == '\r' || out[i] == '\n' || out[i] == '\0' ? ' ' : out[i];
    return (struct text){out, length};
}

void registration_facts(const struct registration *registration, struct facts *facts)
{
    *facts = (struct facts){.method = METHOD_REGISTER, .supports_outbound = registration->supports_outbound};
    for (size_t i = 0; i < registration->count; i++) {
        if (registration->contacts[i].reg_id != 0)
            facts->reg_id = registration->contacts[i].reg_id;
    }
}

/* --- the 2xx --- */

void registration_list(const struct registered_contact *contact, struct sip_buffer *fields)
{
    char q[16];
    sip_append(fields, TEXT("Contact: <"));
    sip_append(fields, contact->uri);
    sip_append(fields, TEXT(">"));
    if (contact->instance.length > 0) {
        sip_append(fields, TEXT(";+sip.instance=\"<"));
        sip_append(fields, contact->instance);
        sip_append(fields, TEXT(">\""));
    }
    if (contact->reg_id != 0) {
        sip_append(fields, TEXT(";reg-id="));
        sip_append_number(fields, contact->reg_id);
    }
    if (contact->q >= 0 && contact->q < 1000) {
        snprintf(q, sizeof q, ";q=0.%03d", contact->q);
        sip_append(fields, text_of(q));
    }
    sip_append(fields, contact->parameters);
    sip_append(fields, TEXT(";expires="));
    sip_append_number(fields, contact->expires);
    sip_append(fields, TEXT("\r\n"));
}

static void confirm_path(const struct registration *registration, struct sip_buffer *fields)
{
    if (registration->path.length == 0 || !sip_has_option(registration->request, HEADER_SUPPORTED, TEXT("path")))
        return;
    sip_append(fields, TEXT("Path: "));
    sip_append(fields, (struct text){registration->path.bytes, registration->path.length});
    sip_append(fields, TEXT("\r\n"));
}

void registration_confirm(const struct registration *registration, uint32_t flow_timer, struct sip_buffer *fields)
{
    confirm_path(registration, fields);
    sip_append(fields, TEXT("Supported: path, outbound\r\n"));
    if (!registration->supports_outbound || !registration_applied(registration))
        return;
    sip_append(fields, TEXT("Require: outbound\r\n"));
    if (flow_timer == 0 || !registration->first_hop)
        return;
    sip_append(fields, TEXT("Flow-Timer: "));
    sip_append_number(fields, flow_timer);
    sip_append(fields, TEXT("\r\n"));
}
