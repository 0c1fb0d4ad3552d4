// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>

#include "sip/internal.h"

const char *sip_skip_quoted(const char *at, const char *end)
{
    for (at++; at < end; at++) {
        if (*at == '\\')
            at++;
        else if (*at == '"')
            return at + 1;
    }
    return NULL;
}

static const char *skip_space(const char *at, const char *end)
{
    while (at < end && sip_is_space(*at))
        at++;
    return at;
}

bool sip_next_value(struct text *rest, struct text *value)
{
    if (rest->length == 0)
        return false;
    const char *at = rest->at, *end = rest->at + rest->length;
    bool bracket = false;
    if (memchr(at, ',', rest->length) == NULL)
        at = end;
    while (at < end && (*at != ',' || bracket)) {
        if (*at == '"' && !bracket) {
            const char *closed = sip_skip_quoted(at, end);
            at = closed != NULL ? closed : end;
            continue;
        }
        if (*at == '<')
            bracket = true;
        else if (*at == '>')
            bracket = false;
        at++;
    }
    *value = sip_trim(sip_between(rest->at, at));
    *rest = at < end ? sip_between(at + 1, end) : (struct text){0};
    return true;
}

/* A value behind "=": a quoted string, or what stands up to the next white space or semicolon. */
static const char *parameter_value(const char *at, const char *end, struct text *value, const char **what)
{
    const char *start = at;
    if (at < end && *at == '"') {
        const char *closed = sip_skip_quoted(at, end);
        if (closed == NULL)
            *what = "a quoted parameter value is not closed";
        at = closed != NULL ? closed : end;
        *value = sip_between(start + 1, closed != NULL ? at - 1 : at);
        return at;
    }
    while (at < end && *at != ';' && !sip_is_space(*at) && *at != '"' && *at != ',')
        at++;
    *value = sip_between(start, at);
    if (value->length == 0)
        *what = "a parameter has an equals sign and no value";
    return at;
}

bool sip_next_parameter(struct text *rest, struct text *name, struct text *value, const char **what)
{
    if (rest->length == 0)
        return false;
    const char *end = rest->at + rest->length;
    const char *at = skip_space(rest->at, end);
    if (at == end)
        return false;
    const char *start = *at == ';' ? skip_space(at + 1, end) : at;
    const char *name_end = sip_token_end(start, end);
    *name = sip_between(start, name_end);
    *value = (struct text){0};
    if (*at != ';' || name_end == start) {
        *what = "a parameter has no name";
        return false;
    }
    at = skip_space(name_end, end);
    if (at < end && *at == '=')
        at = skip_space(parameter_value(skip_space(at + 1, end), end, value, what), end);
    if (at < end && *at != ';')
        *what = "a parameter is followed by something other than a semicolon";
    *rest = sip_between(at, end);
    return *what == NULL;
}

bool sip_parameter(struct text parameters, struct text name, struct text *value)
{
    struct text found, content;
    const char *what = NULL;
    while (sip_next_parameter(&parameters, &found, &content, &what)) {
        if (!text_equal_nocase(found, name))
            continue;
        if (value != NULL)
            *value = content;
        return true;
    }
    return false;
}

/* The display name before "<": nothing, a quoted string, or words. Returns where "<" should be, NULL with *what. */
static const char *skip_display_name(const char *at, const char *end, const char **what)
{
    if (at < end && *at == '"') {
        at = sip_skip_quoted(at, end);
        if (at == NULL) {
            *what = "a quoted string is not closed";
            return NULL;
        }
        at = skip_space(at, end);
        if (at == end || *at != '<')
            *what = "a display name is not followed by an address in < >";
        return *what == NULL ? at : NULL;
    }
    const char *bracket = memchr(at, '<', (size_t)(end - at));
    for (const char *c = at; bracket != NULL && c < bracket; c++)
        if (!sip_is(*c, CHARACTER_TOKEN) && !sip_is_space(*c) && (unsigned char)*c < 0x80)
            *what = "a display name with special characters is not quoted";
    return *what == NULL ? bracket : NULL;
}

/* "scheme:" and then nothing that ends an address. */
static bool is_address(struct text uri)
{
    const char *colon = uri.length > 0 ? memchr(uri.at, ':', uri.length) : NULL;
    if (colon == NULL || colon == uri.at || colon + 1 == uri.at + uri.length)
        return false;
    for (size_t i = 0; i < uri.length; i++)
        if (!sip_is(uri.at[i], CHARACTER_URI))
            return false;
    return true;
}

/* Where an address without < > ends: its parameters are the header's, and it cannot have headers (RFC 3261 20). */
static const char *bare_end(const char *at, const char *end, const char **what)
{
    while (at < end && *at != ';' && *at != ',' && *at != '?' && !sip_is_space(*at))
        at++;
    if (at < end && (*at == '?' || *at == ','))
        *what = "an address with a comma or question mark is not in < >";
    return at;
}

/* All are checked for their form; the tag alone is wanted by every message. */
static int read_parameters(struct sip_address *address, const char **what)
{
    struct text rest = address->parameters, name, value;
    while (sip_next_parameter(&rest, &name, &value, what))
        if (address->tag.length == 0 && text_equal_nocase(name, TEXT("tag")))
            address->tag = value;
    return *what == NULL ? 0 : -EBADMSG;
}

static int address_cut(struct text value, struct sip_address *address, const char **what)
{
    if (value.length == 0) {
        *what = "an address is empty";
        return -EBADMSG;
    }
    const char *at = value.at, *end = value.at + value.length;
    const char *bracket = skip_display_name(at, end, what);
    if (*what != NULL)
        return -EBADMSG;
    if (bracket == NULL) {
        const char *stop = bare_end(at, end, what);
        address->uri = sip_between(at, stop);
        address->parameters = sip_trim(sip_between(stop, end));
    } else {
        const char *close = memchr(bracket, '>', (size_t)(end - bracket));
        if (close == NULL) {
            *what = "an address is opened by < and not closed";
            return -EBADMSG;
        }
        address->uri = sip_between(bracket + 1, close);
        address->parameters = sip_trim(sip_between(close + 1, end));
    }
    return *what == NULL ? 0 : -EBADMSG;
}

int sip_address_read(struct text value, struct sip_address *address, const char **what)
{
    *what = NULL;
    *address = (struct sip_address){0};
    int result = address_cut(value, address, what);
    if (result != 0)
        return result;
    if (!is_address(address->uri)) {
        *what = "an address is not a URI";
        return -EBADMSG;
    }
    return read_parameters(address, what);
}

static bool is_list_of_words(enum sip_header header)
{
    switch (header) {
    case HEADER_CONTACT:
    case HEADER_ROUTE:
    case HEADER_RECORD_ROUTE:
    case HEADER_PATH:
    case HEADER_SERVICE_ROUTE:
    case HEADER_FROM:
    case HEADER_TO:
        return false;
    default:
        return true;
    }
}

static struct sip_value cut_value(enum sip_header header, struct text whole)
{
    struct sip_value value = {.whole = whole};
    struct sip_address address = {0};
    const char *what = NULL;
    if (is_list_of_words(header)) {
        const char *semicolon = whole.length > 0 ? memchr(whole.at, ';', whole.length) : NULL;
        if (semicolon != NULL)
            value.parameters = sip_between(semicolon, whole.at + whole.length);
    } else if (text_equal(whole, TEXT("*"))) {
        value.uri = whole;
    } else if (address_cut(whole, &address, &what) == 0) {
        value.uri = address.uri;
        value.parameters = address.parameters;
    }
    return value;
}

struct sip_values sip_values(const struct sip_message *message, enum sip_header header)
{
    return (struct sip_values){.message = message, .header = header};
}

bool sip_values_next(struct sip_values *values, struct sip_value *value)
{
    struct text whole;
    while (!sip_next_value(&values->rest, &whole)) {
        const struct sip_field *field = sip_field(values->message, values->header, values->field++);
        if (field == NULL)
            return false;
        values->rest = field->value;
    }
    *value = cut_value(values->header, whole);
    return true;
}

bool sip_value(const struct sip_message *message, enum sip_header header, size_t nth, struct sip_value *value)
{
    struct sip_message *cache = (struct sip_message *)message;
    if (cache->cursor.message == NULL || cache->cursor.header != header || nth + 1 < cache->cursor_count) {
        cache->cursor = sip_values(message, header);
        cache->cursor_count = 0;
    }
    while (cache->cursor_count <= nth) {
        if (!sip_values_next(&cache->cursor, &cache->cursor_value)) {
            cache->cursor.message = NULL;
            return false;
        }
        cache->cursor_count++;
    }
    *value = cache->cursor_value;
    return true;
}

bool sip_has_option(const struct sip_message *message, enum sip_header header, struct text option)
{
    struct sip_values values = sip_values(message, header);
    struct sip_value value;
    while (sip_values_next(&values, &value))
        if (text_equal_nocase(value.whole, option))
            return true;
    return false;
}
