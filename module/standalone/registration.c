// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/registrar_private.h"

#include <errno.h>
#include <stdio.h>

/* What a REGISTER asks for, and whether it may be done (RFC 3261 section 10.3, RFC 5626 section 6, RFC 3327). */

int registration_refuse(struct registration *registration, uint32_t status, const char *phrase)
{
    registration->status = status;
    registration->phrase = phrase;
    return -EBADMSG;
}

bool registration_is_flow(const struct registration *registration, const struct sip_contact *contact)
{
    return registration->outbound && contact->reg_id != 0 && contact->instance.length > 0;
}

static int check_extensions(struct registration *registration)
{
    const struct sip_field *field;
    for (size_t i = 0; (field = sip_field(registration->request, HEADER_REQUIRE, i)) != NULL; i++) {
        struct text rest = field->value;
        while (rest.length > 0) {
            const char *comma = memchr(rest.at, ',', rest.length);
            struct text tag = {rest.at, comma != NULL ? (size_t)(comma - rest.at) : rest.length};
            rest.at += tag.length + (comma != NULL);
            rest.length -= tag.length + (comma != NULL);
            for (; tag.length > 0 && (*tag.at == ' ' || *tag.at == '\t'); tag.at++, tag.length--)
                ;
            while (tag.length > 0 && (tag.at[tag.length - 1] == ' ' || tag.at[tag.length - 1] == '\t'))
                tag.length--;
            if (tag.length == 0 || text_equal_nocase(tag, TEXT("path")) || text_equal_nocase(tag, TEXT("outbound")))
                continue;
            snprintf(registration->fields, sizeof registration->fields, "Unsupported: %.*s\r\n",
                     (int)(tag.length < 96 ? tag.length : 96), tag.at);
            return registration_refuse(registration, SIP_BAD_EXTENSION, NULL);
        }
    }
    return 0;
}

static int read_aor(struct registration *registration)
{
    struct sip_uri uri;
    int error = sip_uri_create(&uri, sip_to_uri(registration->request));
    if (error != 0 || !text_equal_nocase(uri.scheme, TEXT("sip")))
        error = registration_refuse(registration, SIP_UNSUPPORTED_URI_SCHEME, NULL);
    else if (uri.user.length == 0 || !server_is_own_domain(registration->server, &uri))
        error = registration_refuse(registration, SIP_NOT_FOUND, NULL);
    else {
        int length = sip_uri_aor(&uri, registration->aor, sizeof registration->aor);
        registration->aor_text = (struct text){registration->aor, length > 0 ? (size_t)length : 0};
        error = length > 0 ? 0 : registration_refuse(registration, SIP_BAD_REQUEST, "Address of record too long");
    }
    sip_uri_destroy(&uri);
    return error;
}

static int read_path(struct registration *registration)
{
    struct sip_value value;
    registration->path.host = registration->server->config.host;
    registration->first_hop = sip_via_count(registration->request) <= 1;
    registration->outbound = registration->first_hop;
    for (size_t i = 0; sip_value(registration->request, HEADER_PATH, i, &value); i++) {
        struct sip_uri uri;
        if (sip_uri_create(&uri, value.uri) != 0) {
            sip_uri_destroy(&uri);
            return registration_refuse(registration, SIP_BAD_REQUEST, "Malformed Path");
        }
        if (i == 0)
            registration->outbound = uri.ob;
        sip_uri_destroy(&uri);
        if (i > 0)
            sip_append(&registration->path, TEXT(", "));
        sip_append(&registration->path, value.whole);
    }
    return registration->path.failed ? -ENOMEM : 0;
}

static int64_t granted(const struct registration *registration, const struct sip_contact *contact)
{
    const struct server_config *config = &registration->server->config;
    int64_t expires = contact->expires;
    if (expires < 0)
        expires = sip_expires(registration->request);
    if (expires < 0)
        expires = config->expires;
    return expires > config->expires_most ? config->expires_most : expires;
}

static int read_contact(struct registration *registration, const struct sip_value *value)
{
    const struct server_config *config = &registration->server->config;
    struct sip_contact *contact = &registration->contacts[registration->count];
    const char *what = NULL;
    if (text_equal(value->uri, TEXT("*"))) {
        registration->star = true;
        return 0;
    }
    if (registration->count == CONTACTS_MOST)
        return registration_refuse(registration, SIP_BAD_REQUEST, "Too many Contacts");
    if (sip_contact_read(value, contact, &what) != 0)
        return registration_refuse(registration, SIP_BAD_REQUEST, what);
    int64_t expires = granted(registration, contact);
    if (expires > 0 && expires < config->expires_least) {
        snprintf(registration->fields, sizeof registration->fields, "Min-Expires: %u\r\n", config->expires_least);
        return registration_refuse(registration, SIP_INTERVAL_TOO_BRIEF, NULL);
    }
    registration->expires[registration->count++] = expires;
    return 0;
}

static int read_contacts(struct registration *registration)
{
    struct sip_value value;
    size_t i;
    for (i = 0; sip_value(registration->request, HEADER_CONTACT, i, &value); i++) {
        int error = read_contact(registration, &value);
        if (error != 0)
            return error;
    }
    if (registration->star && (i > 1 || sip_expires(registration->request) != 0))
        return registration_refuse(registration, SIP_BAD_REQUEST, "Contact: * stands alone and with Expires: 0");
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
        return registration_refuse(registration, SIP_BAD_REQUEST, "More than one Contact beside a reg-id");
    if (wanted && !registration->outbound && registration->supports_outbound)
        return registration_refuse(registration, SIP_FIRST_HOP_LACKS_OUTBOUND_SUPPORT, NULL);
    return 0;
}

/* The store compares Contact URIs byte by byte. */
static int canonical_uris(struct registration *registration)
{
    registration->keys.host = registration->server->config.host;
    size_t ends[CONTACTS_MOST];
    for (size_t i = 0; i < registration->count; i++) {
        char uri[1024];
        struct text text = registration->contacts[i].value.uri;
        int length = sip_uri_canonical(text, uri, sizeof uri);
        sip_append(&registration->keys, length > 0 ? (struct text){uri, (size_t)length} : text);
        ends[i] = registration->keys.length;
    }
    if (registration->keys.failed)
        return -ENOMEM;
    for (size_t i = 0; i < registration->count; i++) {
        size_t start = i > 0 ? ends[i - 1] : 0;
        registration->uris[i] = (struct text){registration->keys.bytes + start, ends[i] - start};
    }
    return 0;
}

const struct binding *registration_known(const struct registration *registration, size_t i)
{
    const struct sip_contact *contact = &registration->contacts[i];
    bool flow = registration_is_flow(registration, contact);
    return binding_find(registration->server->bindings, registration->aor_text, registration->uris[i],
                        flow ? contact->instance : (struct text){NULL, 0}, flow ? contact->reg_id : 0);
}

/* 10.3 step 7: a request that was overtaken by a later one of the same Call-ID changes nothing. */
static int check_order(struct registration *registration, const struct binding *binding)
{
    struct binding_view view;
    if (binding == NULL)
        return 0;
    binding_read(binding, &view);
    if (text_equal(view.call_id, sip_call_id(registration->request)) && view.cseq >= sip_cseq(registration->request))
        return registration_refuse(registration, SIP_SERVER_INTERNAL_ERROR, "CSeq out of order");
    return 0;
}

static int check_orders(struct registration *registration)
{
    int error = 0;
    for (size_t i = 0; error == 0 && i < registration->count; i++)
        error = check_order(registration, registration_known(registration, i));
    const struct binding *binding =
        registration->star ? binding_first(registration->server->bindings, registration->aor_text) : NULL;
    for (; error == 0 && binding != NULL; binding = binding_next(registration->server->bindings, binding))
        error = check_order(registration, binding);
    return error;
}

/* 10.3 step 7: all Contacts or none. What goes makes room for what comes. */
static int check_room(struct registration *registration)
{
    const struct server *server = registration->server;
    const struct binding_limits *limits = &server->config.bindings;
    size_t most = limits->bindings_per_aor != 0 ? limits->bindings_per_aor : 32;
    size_t standing = 0, added = 0, removed = 0;
    const struct binding *binding = binding_first(server->bindings, registration->aor_text);
    for (; binding != NULL; binding = binding_next(server->bindings, binding))
        standing++;
    for (size_t i = 0; i < registration->count; i++) {
        bool known = registration_known(registration, i) != NULL;
        added += registration->expires[i] > 0 && !known;
        removed += registration->expires[i] == 0 && known;
    }
    bool full = limits->bindings != 0 && binding_count(server->bindings) + added > limits->bindings + removed;
    if (added > 0 && (full || standing + added > most + removed))
        return registration_refuse(registration, SIP_FORBIDDEN, "Too Many Bindings");
    return 0;
}

int registration_read(struct registration *registration)
{
    static int (*const steps[])(struct registration *) = {check_extensions, read_aor,       read_path,    read_contacts,
                                                          check_flows,      canonical_uris, check_orders, check_room};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        int error = steps[i](registration);
        if (error != 0)
            return error;
    }
    return 0;
}
