// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>

#include "sip/internal.h"

const char *sip_skip_quoted(const char *at, const char *end)
{
    const char *quote = at + 1 < end ? memchr(at + 1, '"', (size_t)(end - at - 1)) : NULL;
    if (quote == NULL)
        return NULL;
    if (memchr(at, '\\', (size_t)(quote - at)) == NULL)
        return quote + 1;
    for (at++; at < end; at++) {
        if (*at == '\\')
            at++;
        else if (*at == '"')
            return at + 1;
    }
    return NULL;
}

/* Only then does a comma not end a value for certain. */
static bool has_quote_or_bracket(const char *at, const char *end)
{
    const size_t length = (size_t)(end - at);
    return memchr(at, '"', length) != NULL || memchr(at, '<', length) != NULL;
}

bool sip_next_value(struct text *rest, struct text *value)
{
    if (rest->length == 0)
        return false;
    const char *at = rest->at, *end = rest->at + rest->length;
    const char *comma = memchr(at, ',', rest->length), *stop = comma != NULL ? comma : end;
    bool bracket = false;
    if (comma == NULL || !has_quote_or_bracket(at, stop))
        at = stop;
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

/* The value after "=": a quoted string, or the text up to the next white space or semicolon. */
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
    return at;
}

bool sip_next_parameter(struct text *rest, struct text *name, struct text *value, const char **what)
{
    if (rest->length == 0)
        return false;
    const char *end = rest->at + rest->length;
    const char *at = sip_skip_space(rest->at, end);
    *rest = sip_between(at, end);
    if (at == end)
        return false;
    const char *start = *at == ';' ? sip_skip_space(at + 1, end) : at;
    const char *name_end = sip_token_end(start, end);
    *name = sip_between(start, name_end);
    *value = (struct text){0};
    if (*at != ';' || name_end == start) {
        *what = "a parameter has no name";
        return false;
    }
    at = sip_skip_space(name_end, end);
    if (at < end && *at == '=')
        at = sip_skip_space(parameter_value(sip_skip_space(at + 1, end), end, value, what), end);
    if (at < end && *at != ';')
        *what = "a parameter is followed by something other than a semicolon";
    *rest = sip_between(at, end);
    return *what == NULL;
}

/* Skips a semicolon that is followed by another one, or by the end. */
static bool skip_empty_parameter(struct text *rest)
{
    if (rest->length == 0 || *rest->at != ';')
        return false;
    const char *end = rest->at + rest->length, *next = sip_skip_space(rest->at + 1, end);
    if (next < end && *next != ';')
        return false;
    *rest = sip_between(next, end);
    return true;
}

bool sip_parameter(struct text parameters, struct text name, struct text *value)
{
    struct text found, content;
    const char *what = NULL;
    for (;;) {
        while (sip_next_parameter(&parameters, &found, &content, &what)) {
            if (!text_equal_nocase(found, name))
                continue;
            if (value != NULL)
                *value = content;
            return true;
        }
        if (!skip_empty_parameter(&parameters))
            return false;
        what = NULL;
    }
}

/* The "<" after a display name, which may be anything; quoted text is skipped. NULL if there is none, or, with
 *what, if a quote at *fault_at is not closed. */
static const char *find_bracket(const char *at, const char *end, const char **fault_at, const char **what)
{
    while (at < end && *at != '<') {
        const char *next = *at == '"' ? sip_skip_quoted(at, end) : at + 1;
        if (next == NULL) {
            *fault_at = at;
            *what = "a quoted string is not closed";
            return NULL;
        }
        at = next;
    }
    return at < end ? at : NULL;
}

/* The end of an address without < >: its parameters belong to the header field (RFC 3261 20). A NUL is written as a
   space, so it ends the address, too. */
static const char *bare_end(const char *at, const char *end)
{
    while (at < end && *at != ';' && *at != ',' && *at != '\0' && !sip_is_space(*at))
        at++;
    return at;
}

/* "scheme:" and something behind it. */
static bool has_scheme(struct text uri)
{
    const char *colon = uri.length > 0 ? memchr(uri.at, ':', uri.length) : NULL;
    return colon != NULL && colon != uri.at && colon + 1 != uri.at + uri.length;
}

static int address_fault(struct sip_address *address, const char *at, const char **what, const char *text)
{
    address->fault_at = at;
    *what = text;
    return -EBADMSG;
}

static int address_cut(struct text value, struct sip_address *address, const char **what)
{
    const char *at = value.at, *end = value.at + value.length;
    if (value.at == NULL || value.length == 0)
        return address_fault(address, at, what, "the value is empty");
    const char *bracket = find_bracket(at, end, &address->fault_at, what);
    if (*what != NULL)
        return -EBADMSG;
    const char *close = bracket != NULL ? memchr(bracket, '>', (size_t)(end - bracket)) : bare_end(at, end);
    if (close == NULL)
        return address_fault(address, bracket, what, "an address is opened by < and not closed");
    address->uri = sip_between(bracket != NULL ? bracket + 1 : at, close);
    address->parameters = sip_trim(sip_between(bracket != NULL ? close + 1 : close, end));
    if (!has_scheme(address->uri))
        return address_fault(address, address->uri.at, what, "the address is not a URI");
    if (address->parameters.length > 0 && *address->parameters.at != ';')
        return address_fault(address, address->parameters.at, what,
                             "the address is followed by something other than parameters");
    return 0;
}

/* A URI without < > cannot have headers (RFC 3261 20). */
static int address_check(struct sip_address *address, bool bare, const char **what)
{
    struct text uri = address->uri;
    const char *question = bare ? memchr(uri.at, '?', uri.length) : NULL;
    if (question != NULL)
        return address_fault(address, question, what, "an address with a question mark is not in < >");
    if (sip_are_all(uri, CHARACTER_URI))
        return 0;
    while (sip_is(*uri.at, CHARACTER_URI))
        uri.at++;
    return address_fault(address, uri.at, what, "the URI has a character that must be escaped");
}

static int address_cut_strictly(struct text value, struct sip_address *address, const char **what)
{
    int result = address_cut(value, address, what);
    return result == 0 ? address_check(address, address->uri.at == value.at, what) : result;
}

int sip_address_read(struct text value, struct sip_address *address, const char **what)
{
    struct text name, content;
    *what = NULL;
    *address = (struct sip_address){0};
    int result = address_cut_strictly(value, address, what);
    if (result != 0)
        return result;
    struct text rest = address->parameters;
    while (sip_next_parameter(&rest, &name, &content, what))
        ;
    address->fault_at = rest.at;
    return *what == NULL ? 0 : -EBADMSG;
}

static struct text without_quotes(struct text text)
{
    if (text.length >= 2 && text.at[0] == '"' && text.at[text.length - 1] == '"')
        return (struct text){text.at + 1, text.length - 2};
    return text;
}

bool sip_tag_read(struct text parameter, struct text *tag)
{
    const char *at = parameter.at + 1, *end = parameter.at + parameter.length;
    const char *equals = at < end ? memchr(at, '=', (size_t)(end - at)) : NULL;
    if (!text_equal_nocase(sip_trim(sip_between(at, equals != NULL ? equals : end)), TEXT("tag")))
        return false;
    *tag = equals != NULL ? without_quotes(sip_trim(sip_between(equals + 1, end))) : (struct text){0};
    return true;
}

bool sip_cut_parameter(struct text *rest, struct text *parameter)
{
    if (rest->length == 0)
        return false;
    const char *at = rest->at + 1, *end = rest->at + rest->length;
    while (at != NULL && at < end && *at != ';')
        at = *at == '"' ? sip_skip_quoted(at, end) : at + 1;
    if (at == NULL)
        return false;
    *parameter = sip_between(rest->at, at);
    *rest = sip_between(at, end);
    return true;
}

static int read_tag(struct sip_address *address, const char **what)
{
    struct text rest = address->parameters, parameter, tag;
    bool found = false;
    while (sip_cut_parameter(&rest, &parameter)) {
        if (!sip_tag_read(parameter, &tag))
            continue;
        if (found && !text_equal(tag, address->tag))
            return address_fault(address, parameter.at, what, "there are two different tags");
        address->tag = tag;
        found = true;
    }
    if (rest.length > 0)
        return address_fault(address, rest.at, what, "a quoted parameter value is not closed");
    return 0;
}

int sip_from_to_read(struct text value, struct sip_address *address, const char **what)
{
    *what = NULL;
    *address = (struct sip_address){0};
    int result = address_cut(value, address, what);
    if (result != 0)
        return result;
    for (size_t i = 0; i < address->uri.length; i++)
        if (sip_is_space(address->uri.at[i]))
            return address_fault(address, address->uri.at + i, what, "the URI has white space in it");
    return read_tag(address, what);
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
    } else if (address_cut_strictly(whole, &address, &what) == 0) {
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
        const struct sip_field *field = sip_field_next(values->message, values->header, &values->field);
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

struct text sip_path_next_hop(struct text path)
{
    struct sip_address address;
    struct text first;
    const char *what = NULL;
    bool fine = sip_next_value(&path, &first) && sip_address_read(first, &address, &what) == 0;
    return fine ? address.uri : (struct text){NULL, 0};
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
