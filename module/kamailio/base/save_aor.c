// SPDX-License-Identifier: GPL-2.0-or-later
#include "kamailio/base/ksr.h"

#include "kamailio/base/save_aor.h"

#include <ctype.h>

#include "kamailio/base/module_config.h"

/* The AOR under which usrloc has the record: the same as Kamailio's own registrar computes, so that both find it. */

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

int aor_of_uri(const str *uri, char *out, size_t size)
{
    struct ksr_sip_uri parsed;
    struct aor_writer writer = {.at = out, .size = size};
    if (parse_uri(uri->s, uri->len, &parsed) < 0 || parsed.user.len <= 0 || put_user(&writer, &parsed.user) < 0)
        return -1;
    if (ul.use_domain) {
        put(&writer, '@');
        for (int i = 0; i < parsed.host.len; i++)
            put(&writer, (char)tolower((unsigned char)parsed.host.s[i]));
    }
    return writer.length <= size ? (int)writer.length : -1;
}
