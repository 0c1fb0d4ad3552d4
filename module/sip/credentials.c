// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>

#include "base/utf8.h"
#include "sip/credentials.h"
#include "sip/internal.h"

/* --- the list of parameters --- */

static void note(const char **what, const char *fault)
{
    if (*what == NULL)
        *what = fault;
}

/* Returns the byte after the value, or NULL if a quote is not closed. */
static const char *cut_value(const char *at, const char *end, struct text *value, const char **what)
{
    const char *start = at;
    if (at < end && *at == '"') {
        const char *closed = sip_skip_quoted(at, end);
        if (closed == NULL)
            note(what, "a quoted value is not closed");
        else
            *value = sip_between(start + 1, closed - 1);
        return closed;
    }
    while (at < end && *at != ',' && !sip_is_space(*at)) {
        if (*at == '"')
            note(what, "there is a quote inside a value");
        at++;
    }
    *value = sip_between(start, at);
    return at;
}

/* Takes the next name=value. Empty elements of the list are skipped. Returns false at the end, or if the rest cannot be
   read. */
static bool next_parameter(struct text *rest, struct text *name, struct text *value, const char **what)
{
    const char *at = rest->at, *end = rest->at + rest->length;
    while (at < end && (*at == ',' || sip_is_space(*at)))
        at++;
    if (at == end)
        return false;
    const char *name_end = sip_token_end(at, end), *equals = sip_skip_space(name_end, end);
    *name = sip_between(at, name_end);
    if (name->length == 0 || equals == end || *equals != '=') {
        note(what, name->length == 0 ? "a parameter has no name" : "a parameter has no value");
        return false;
    }
    at = cut_value(sip_skip_space(equals + 1, end), end, value, what);
    if (at == NULL)
        return false;
    at = sip_skip_space(at, end);
    if (at < end && *at != ',') {
        note(what, "a parameter is followed by something other than a comma");
        return false;
    }
    *rest = sip_between(at, end);
    return true;
}

/* --- the parameters --- */

static struct text *find_parameter(struct sip_credentials *credentials, struct text name)
{
#define PARAMETER(name, member)                                                                                        \
    {                                                                                                                  \
        {(name), sizeof(name) - 1}, offsetof(struct sip_credentials, member)                                           \
    }
    static const struct {
        struct text name;
        size_t at;
    } parameters[] = {PARAMETER("username", username),
                      PARAMETER("username*", username),
                      PARAMETER("realm", realm),
                      PARAMETER("nonce", nonce),
                      PARAMETER("uri", uri),
                      PARAMETER("response", response),
                      PARAMETER("algorithm", algorithm),
                      PARAMETER("cnonce", cnonce),
                      PARAMETER("nc", nc),
                      PARAMETER("qop", qop)};
#undef PARAMETER
    for (size_t i = 0; i < sizeof parameters / sizeof parameters[0]; i++) {
        if (text_equal_nocase(parameters[i].name, name))
            return (struct text *)(void *)((char *)credentials + parameters[i].at);
    }
    return NULL;
}

/* This server offers no hashed usernames (RFC 7616 3.4.4), and could not find the user of one. */
static void check_userhash(struct text value, const char **what)
{
    if (text_equal_nocase(value, TEXT("true")))
        note(what, "userhash is not supported");
    else if (!text_equal_nocase(value, TEXT("false")))
        note(what, "userhash is neither true nor false");
}

/* Of a doubled parameter, the first value is kept, to show whose credentials they are. */
static void set_parameter(struct sip_credentials *credentials, struct text name, struct text value, const char **what)
{
    struct text *known = find_parameter(credentials, name);
    if (text_equal_nocase(name, TEXT("userhash")))
        check_userhash(value, what);
    if (known == NULL)
        return;
    if (known->at != NULL) {
        note(what, "a parameter is there twice");
        return;
    }
    *known = value;
    if (known == &credentials->username)
        credentials->username_is_ext = name.at[name.length - 1] == '*';
}

static void check_missing(const struct sip_credentials *credentials, const char **what)
{
    if (credentials->username.at == NULL)
        note(what, "the username is missing");
    if (credentials->realm.at == NULL)
        note(what, "the realm is missing");
    if (credentials->nonce.at == NULL)
        note(what, "the nonce is missing");
    if (credentials->uri.at == NULL)
        note(what, "the uri is missing");
    if (credentials->response.at == NULL)
        note(what, "the response is missing");
}

int sip_credentials_read(struct text value, struct sip_credentials *credentials, const char **what)
{
    const char *end = value.at + value.length, *at = sip_token_end(value.at, end);
    struct text scheme = sip_between(value.at, at), rest = sip_between(at, end), name, content;
    *what = NULL;
    *credentials = (struct sip_credentials){.digest = text_equal_nocase(scheme, TEXT("Digest"))};
    if (scheme.length == 0)
        note(what, "there is no authentication scheme");
    if (!credentials->digest)
        return *what == NULL ? 0 : -EBADMSG;
    if (rest.length > 0 && !sip_is_space(*rest.at))
        note(what, "the authentication scheme is not followed by a space");
    while (next_parameter(&rest, &name, &content, what))
        set_parameter(credentials, name, content, what);
    check_missing(credentials, what);
    return *what == NULL ? 0 : -EBADMSG;
}

/* --- the username --- */

/* The next byte of a quoted string without its escapes; advances *i. */
static char next_quoted(struct text text, size_t *i)
{
    if (text.at[*i] == '\\' && *i + 1 < text.length)
        ++*i;
    return text.at[(*i)++];
}

bool sip_quoted_equal(struct text quoted, struct text text)
{
    size_t i = 0, k = 0;
    while (i < quoted.length && k < text.length) {
        if (next_quoted(quoted, &i) != text.at[k++])
            return false;
    }
    return i == quoted.length && k == text.length;
}

static int unquote(struct text text, char *out, size_t size)
{
    size_t length = 0;
    for (size_t i = 0; i < text.length; length++) {
        char c = next_quoted(text, &i);
        if (length == size)
            return -ENOSPC;
        out[length] = c;
    }
    return (int)length;
}

/* The part after UTF-8'language' of RFC 8187 3.2; {NULL, 0} for another encoding. */
static struct text ext_value(struct text text)
{
    static const struct text charset = {"UTF-8'", 6};
    const char *end = text.at + text.length;
    if (text.length < charset.length || !text_equal_nocase((struct text){text.at, charset.length}, charset))
        return (struct text){NULL, 0};
    const char *quote = memchr(text.at + charset.length, '\'', text.length - charset.length);
    return quote != NULL ? sip_between(quote + 1, end) : (struct text){NULL, 0};
}

static bool is_utf8(struct text text)
{
    uint32_t code;
    size_t length = 1;
    while (text.length > 0 && (length = utf8_decode(text, &code)) > 0)
        text = (struct text){text.at + length, text.length - length};
    return length > 0;
}

/* -EBADMSG for a broken escape. */
static int decode_percent(struct text text, char *out, size_t size)
{
    size_t length = 0;
    for (size_t i = 0; i < text.length; i++, length++) {
        char c = text.at[i];
        if (length == size)
            return -ENOSPC;
        if (c == '%') {
            if (i + 2 >= text.length || sip_hex(text.at[i + 1]) < 0 || sip_hex(text.at[i + 2]) < 0)
                return -EBADMSG;
            c = (char)(sip_hex(text.at[i + 1]) << 4 | sip_hex(text.at[i + 2]));
            i += 2;
        }
        out[length] = c;
    }
    return (int)length;
}

static int decode_ext(struct text text, char *out, size_t size)
{
    struct text value = ext_value(text);
    int length = value.at != NULL ? decode_percent(value, out, size) : -EBADMSG;
    return length >= 0 && !is_utf8((struct text){out, (size_t)length}) ? -EBADMSG : length;
}

static bool has_control(struct text text)
{
    for (size_t i = 0; i < text.length; i++) {
        unsigned char c = (unsigned char)text.at[i];
        if (c < ' ' || c == 0x7f)
            return true;
    }
    return false;
}

int sip_credentials_username(const struct sip_credentials *credentials, char *out, size_t size, const char **what)
{
    struct text name = credentials->username;
    int length = credentials->username_is_ext ? decode_ext(name, out, size) : unquote(name, out, size);
    if (length == -EBADMSG)
        *what = "the value of username* is not UTF-8 in the encoding of RFC 8187";
    else if (length == 0)
        *what = "the username is empty";
    else if (length > 0 && has_control((struct text){out, (size_t)length}))
        *what = "the username has control characters";
    else
        return length;
    return -EBADMSG;
}
