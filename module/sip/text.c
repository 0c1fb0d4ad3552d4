// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <stdlib.h>

#include "sip/internal.h"

/* One bit for each ASCII character. */
typedef uint32_t character_set[4];

static const character_set TOKEN = {0x00000000U, 0x03ff6ca2U, 0x87fffffeU, 0x47ffffffU};
static const character_set URI = {0x00000000U, 0xaffffffaU, 0xffffffffU, 0x7fffffffU};
static const character_set UNRESERVED = {0x00000000U, 0x03ff6782U, 0x87fffffeU, 0x47fffffeU};
static const character_set USER = {0x00000000U, 0xabffffd2U, 0x87fffffeU, 0x47fffffeU};
static const character_set HOST = {0x00000000U, 0x03ff6000U, 0x87fffffeU, 0x07fffffeU};
static const character_set RESERVED = {0x00000000U, 0xac009850U, 0x00000001U, 0x00000000U};

static inline bool in_set(const character_set set, char c)
{
    unsigned char byte = (unsigned char)c;
    return byte < 128 && (set[byte >> 5] >> (byte & 31) & 1) != 0;
}

bool sip_is_token_char(char c)
{
    return in_set(TOKEN, c);
}

/* Wider than the grammar: devices send '#' and the like without escape, and nothing here is hurt by it. */
bool sip_is_uri_char(char c)
{
    return in_set(URI, c);
}

bool sip_is_unreserved(char c)
{
    return in_set(UNRESERVED, c);
}

bool sip_is_user_char(char c)
{
    return in_set(USER, c);
}

bool sip_is_host_char(char c)
{
    return in_set(HOST, c);
}

bool sip_is_reserved(char c)
{
    return in_set(RESERVED, c);
}

int sip_hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = sip_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

const char *sip_token_end(const char *at, const char *end)
{
    while (at < end && in_set(TOKEN, *at))
        at++;
    return at;
}

bool sip_is_token(struct text text)
{
    return text.length > 0 && sip_token_end(text.at, text.at + text.length) == text.at + text.length;
}

struct text sip_trim(struct text text)
{
    while (text.length > 0 && sip_is_space(text.at[0])) {
        text.at++;
        text.length--;
    }
    while (text.length > 0 && sip_is_space(text.at[text.length - 1]))
        text.length--;
    return text;
}

bool sip_digits(struct text text, uint64_t *value)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < text.length; i++) {
        if (text.at[i] < '0' || text.at[i] > '9')
            return false;
        if (sum < (uint64_t)1 << 40)
            sum = sum * 10 + (uint64_t)(text.at[i] - '0');
    }
    *value = sum;
    return text.length > 0;
}

int sip_copy_create(struct sip_copy *copy, struct text text)
{
    copy->large = NULL;
    if (text.length >= sizeof copy->small) {
        copy->large = malloc(text.length + 1);
        if (copy->large == NULL)
            return -ENOMEM;
    }
    copy->at = copy->large != NULL ? copy->large : copy->small;
    char *to = copy->at;
    for (size_t i = 0; i < text.length; i++) {
        char c = text.at[i];
        if (c == '\0')
            return -EBADMSG;
        if (!sip_is_space(c))
            *to++ = c;
        else if (to == copy->at || to[-1] != ' ')
            *to++ = ' ';
    }
    *to = '\0';
    return 0;
}

void sip_copy_destroy(struct sip_copy *copy)
{
    free(copy->large);
    copy->large = NULL;
}
