// SPDX-License-Identifier: GPL-2.0-or-later
#include "kamailio/base/ksr.h"

#include "kamailio/base/save_aor.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>

#include "kamailio/base/module_config.h"
#include "sip/message.h"

/* The AOR under which usrloc has the record: the same as Kamailio's own registrar computes with the same
   case_sensitive, so that both find it. Only an IPv6 address has one spelling here (5954-4.a), where Kamailio's
   registrar takes the one of the request. */

enum { HOST_MOST = 256 };

struct aor_writer {
    char *at;
    size_t size, length;
};

static void put(struct aor_writer *writer, char c)
{
    if (writer->length < writer->size)
        writer->at[writer->length] = c;
    writer->length++;
}

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Escapes of visible characters are decoded; others, which the registrar refuses, stay in lower case. -1: an invalid
   escape. */
static int put_user(struct aor_writer *writer, const str *escaped)
{
    for (int i = 0; i < escaped->len; i++) {
        if (escaped->s[i] != '%') {
            put(writer, escaped->s[i]);
            continue;
        }
        int high = i + 2 < escaped->len ? hex(escaped->s[i + 1]) : -1,
            low = i + 2 < escaped->len ? hex(escaped->s[i + 2]) : -1;
        if (high < 0 || low < 0)
            return -1;
        char c = (char)(high << 4 | low);
        if (c > ' ' && c < 0x7f) {
            put(writer, c);
        } else {
            put(writer, '%');
            put(writer, "0123456789abcdef"[high]);
            put(writer, "0123456789abcdef"[low]);
        }
        i += 2;
    }
    return 0;
}

/* Kamailio leaves the brackets of an IPv6 address in the host. One that contains an IPv4 address is that address. */
int aor_host(const str *host, char *out, size_t size)
{
    char spelled[64];
    const bool ipv6 = host->len > 0 && host->s[0] == '[';
    const int plain = ipv6 ? sip_host_write((struct text){host->s, (size_t)host->len}, spelled, sizeof spelled) : -1;
    const bool remains = plain > 0 && memchr(spelled, ':', (size_t)plain) != NULL;
    const int length = plain > 0 ? snprintf(out, size, remains ? "[%.*s]" : "%.*s", plain, spelled)
                                 : snprintf(out, size, "%.*s", host->len, host->s);
    if (length < 0 || (size_t)length >= size)
        return -1;
    for (int i = 0; i < length; i++)
        out[i] = (char)tolower((unsigned char)out[i]);
    return length;
}

int aor_of_parsed_uri(const struct ksr_sip_uri *uri, char *out, size_t size)
{
    struct aor_writer writer = {.at = out, .size = size};
    if (uri->user.len <= 0 || put_user(&writer, &uri->user) < 0)
        return -1;
    if (ul.use_domain) {
        char host[HOST_MOST];
        const int length = aor_host(&uri->host, host, sizeof host);
        put(&writer, '@');
        for (int i = 0; i < length; i++)
            put(&writer, host[i]);
        if (length < 0)
            return -1;
    }
    if (writer.length > size)
        return -1;
    sip_aor_fold(module_config.aor_case, out, writer.length);
    return (int)writer.length;
}

int aor_of_uri(const str *uri, char *out, size_t size)
{
    struct ksr_sip_uri parsed;
    return parse_uri(uri->s, uri->len, &parsed) < 0 ? -1 : aor_of_parsed_uri(&parsed, out, size);
}
