// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <osipparser2/osip_const.h>
#include <osipparser2/osip_port.h>
#include <stdlib.h>

#include "sip/internal.h"

/* enum character_class bits for each byte; those from 0x80 are of no class. */
/* clang-format off */
const uint8_t sip_class[256] = {
       0,    0,    0,    0,    0,    0,    0,    0,    0, 0x40, 0x40,    0,    0, 0x40,    0,    0,
       0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,
    0x40, 0x0f,    0, 0x02, 0x2a, 0x03, 0x2a, 0x0f, 0x0e, 0x0e, 0x0f, 0x2b, 0x2a, 0x1f, 0x1f, 0x2a,
    0x9f, 0x9f, 0x9f, 0x9f, 0x9f, 0x9f, 0x9f, 0x9f, 0x9f, 0x9f, 0x22, 0x2a,    0, 0x2a,    0, 0x2a,
    0x22, 0x1f, 0x1f, 0x1f, 0x1f, 0x1f, 0x1f, 0x1f, 0x1f, 0x1f, 0x1f, 0x1f, 0x1f, 0x1f, 0x1f, 0x1f,
    0x1f, 0x1f, 0x1f, 0x1f, 0x1f, 0x1f, 0x1f, 0x1f, 0x1f, 0x1f, 0x1f, 0x02, 0x02, 0x02, 0x02, 0x1f,
    0x03, 0x1f, 0x1f, 0x1f, 0x1f, 0x1f, 0x1f, 0x1f, 0x1f, 0x1f, 0x1f, 0x1f, 0x1f, 0x1f, 0x1f, 0x1f,
    0x1f, 0x1f, 0x1f, 0x1f, 0x1f, 0x1f, 0x1f, 0x1f, 0x1f, 0x1f, 0x1f, 0x02, 0x02, 0x02, 0x0f,    0,
};
/* clang-format on */

int sip_hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = sip_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

const char *sip_token_end(const char *at, const char *end)
{
    while (at < end && sip_is(*at, CHARACTER_TOKEN))
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
        copy->large = osip_malloc(text.length + 1);
        if (copy->large == NULL)
            return -ENOMEM;
    }
    copy->at = copy->large != NULL ? copy->large : copy->small;
    char *to = copy->at;
    for (size_t i = 0; i < text.length; i++) {
        char c = text.at[i];
        if ((unsigned char)c > ' ') {
            *to++ = c;
            continue;
        }
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
    osip_free(copy->large);
    copy->large = NULL;
}

int sip_osip_error(int result)
{
    if (result == OSIP_SUCCESS)
        return 0;
    return result == OSIP_NOMEM ? -ENOMEM : -EBADMSG;
}
