// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>

#include "sip/internal.h"

/* 0 to 1 in thousandths, or -1 for anything else. Devices omit the zero before the point, and write more decimals
   than the three of the grammar, which are truncated. */
static int read_q(struct text text)
{
    size_t i = 0, digits = 0;
    int q = 0, place = 100;
    if (text.length > 0 && (text.at[0] == '0' || text.at[0] == '1')) {
        q = (text.at[i++] - '0') * 1000;
        digits++;
    }
    if (i < text.length && text.at[i++] != '.')
        return -1;
    for (; i < text.length; i++, place /= 10, digits++) {
        if (text.at[i] < '0' || text.at[i] > '9' || (q >= 1000 && text.at[i] != '0'))
            return -1;
        q += (text.at[i] - '0') * place;
    }
    return digits > 0 ? q : -1;
}

/* A malformed value counts as an hour (RFC 3261 20.10), a number that is too large as the largest. */
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

/* Each of these returns a sentence if the value is out of range, or differs from an earlier value in the same
   Contact. */

static const char *read_q_parameter(struct sip_contact *contact, struct text value)
{
    int q = read_q(value);
    if (q < 0)
        return "q is not a number from 0 to 1";
    if (contact->q >= 0 && contact->q != q)
        return "q is there twice with different values";
    contact->q = q;
    return NULL;
}

static const char *read_expires_parameter(struct sip_contact *contact, struct text value)
{
    int64_t expires = read_expires(value);
    if (contact->expires >= 0 && contact->expires != expires)
        return "expires is there twice with different values";
    contact->expires = expires;
    return NULL;
}

static const char *read_reg_id_parameter(struct sip_contact *contact, struct text value)
{
    uint64_t number = 0;
    if (!sip_digits(value, &number) || number == 0 || number > INT32_MAX)
        return "reg-id is not a number from 1 to 2147483647";
    if (contact->reg_id != 0 && contact->reg_id != number)
        return "reg-id is there twice with different values";
    contact->reg_id = (uint32_t)number;
    return NULL;
}

static const char *read_instance_parameter(struct sip_contact *contact, struct text value)
{
    struct text instance = without_angles(value);
    if (instance.length == 0)
        return "the instance-id is empty";
    for (size_t i = 0; i < instance.length; i++)
        if ((unsigned char)instance.at[i] < ' ' || instance.at[i] == 0x7f)
            return "the instance-id has line ends or control characters";
    if (contact->instance.length > 0 && !text_equal(contact->instance, instance))
        return "+sip.instance is there twice with different values";
    contact->instance = instance;
    return NULL;
}

static const char *read_one(struct sip_contact *contact, struct text name, struct text value)
{
    if (text_equal_nocase(name, TEXT("q")))
        return read_q_parameter(contact, value);
    if (text_equal_nocase(name, TEXT("expires")))
        return read_expires_parameter(contact, value);
    if (text_equal_nocase(name, TEXT("reg-id")))
        return read_reg_id_parameter(contact, value);
    if (text_equal_nocase(name, TEXT("+sip.instance")))
        return read_instance_parameter(contact, value);
    return NULL;
}

static bool read_parameters(struct sip_contact *contact, const struct sip_value *value, const char **what)
{
    struct text rest = value->parameters, name, content;
    *contact = (struct sip_contact){.value = *value, .expires = -1, .q = -1, .rest = rest, .fault_at = rest.at};
    *what = NULL;
    while (*what == NULL && sip_next_parameter(&rest, &name, &content, what)) {
        *what = read_one(contact, name, content);
        contact->fault_at = name.at;
    }
    return *what == NULL;
}

/* A value that was cut has an address. Only where something is wrong, all of it is read again for the first fault: the
   address, the syntax of the parameters, then their values. */
int sip_contact_read(const struct sip_value *value, struct sip_contact *contact, const char **what)
{
    struct sip_address address;
    if (read_parameters(contact, value, what) && (value->uri.length > 0 || text_equal(value->whole, TEXT("*"))))
        return 0;
    int result = sip_address_read(value->whole, &address, what);
    contact->fault_at = address.fault_at;
    if (result != 0)
        return result;
    const struct sip_value cut = {value->whole, address.uri, address.parameters};
    return read_parameters(contact, &cut, what) ? 0 : -EBADMSG;
}
