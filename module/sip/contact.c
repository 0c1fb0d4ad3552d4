// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>

#include "sip/internal.h"

/* "0" to "1" with up to three decimals, in thousandths; -1: something else. */
static int read_q(struct text text)
{
    if (text.length == 0 || text.length > 5 || (text.at[0] != '0' && text.at[0] != '1'))
        return -1;
    if (text.length > 1 && text.at[1] != '.')
        return -1;
    int q = (text.at[0] - '0') * 1000, place = 100;
    for (size_t i = 2; i < text.length; i++, place /= 10) {
        if (text.at[i] < '0' || text.at[i] > '9')
            return -1;
        q += (text.at[i] - '0') * place;
    }
    return q <= 1000 ? q : -1;
}

/* Malformed counts as an hour (RFC 3261 20.10), a number too large as the largest. */
static int64_t read_expires(struct text text)
{
    uint64_t seconds = 0;
    if (!sip_digits(text, &seconds))
        return MAX_EXPIRES_MALFORMED;
    return seconds < SIP_NUMBER_MAX ? (int64_t)seconds : (int64_t)SIP_NUMBER_MAX;
}

static struct text without_angles(struct text text)
{
    text = sip_trim(text);
    if (text.length >= 2 && text.at[0] == '<' && text.at[text.length - 1] == '>')
        return (struct text){text.at + 1, text.length - 2};
    return text;
}

/* One parameter; a sentence where it is out of range or there a second time. */
static const char *read_one(struct sip_contact *contact, struct text name, struct text value)
{
    uint64_t number = 0;
    if (text_equal_nocase(name, TEXT("q"))) {
        if (contact->q >= 0 || (contact->q = read_q(value)) < 0)
            return "q is not a number from 0 to 1 with at most three decimals";
    } else if (text_equal_nocase(name, TEXT("expires"))) {
        if (contact->expires >= 0)
            return "a Contact has expires twice";
        contact->expires = read_expires(value);
    } else if (text_equal_nocase(name, TEXT("reg-id"))) {
        if (contact->reg_id != 0 || !sip_digits(value, &number) || number == 0 || number > INT32_MAX)
            return "reg-id is not a number from 1 to 2147483647";
        contact->reg_id = (uint32_t)number;
    } else if (text_equal_nocase(name, TEXT("+sip.instance"))) {
        if (contact->instance.length > 0 || without_angles(value).length == 0)
            return "a Contact's instance-id is empty or there twice";
        contact->instance = without_angles(value);
    }
    return NULL;
}

int sip_contact_read(const struct sip_value *value, struct sip_contact *contact, const char **what)
{
    *contact = (struct sip_contact){.value = *value, .expires = -1, .q = -1, .rest = value->parameters};
    *what = NULL;
    if (text_equal(value->whole, TEXT("*")))
        return 0;
    struct sip_address address;
    int result = sip_address_read(value->whole, &address, what);
    if (result != 0)
        return result;
    struct text rest = address.parameters, name, content;
    while (*what == NULL && sip_next_parameter(&rest, &name, &content, what))
        *what = read_one(contact, name, content);
    return *what == NULL ? 0 : -EBADMSG;
}
