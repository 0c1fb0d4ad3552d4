// SPDX-License-Identifier: BSD-2-Clause
#include <stdlib.h>
#include <string.h>

#include "plan.h"
#include "base/plain_host.h"
#include "standalone/names/dns_message.h"
#include "standalone/names/srv_order.h"

/* Answers of DNS servers to queries for SRV and NAPTR records of "a.b". */

#define HEAD(answers, authority) "\1\2\x81\x80\0\1\0" answers "\0" authority "\0\0"
#define NAME                     "\1a\1b\0"
#define FIXED(type)              "\0" type "\0\1\0\0\2\x58"
#define BYTES(literal)                                                                                                 \
    {                                                                                                                  \
        literal, sizeof(literal) - 1                                                                                   \
    }

static const struct text texts[] = {
    BYTES(HEAD("\1", "\0") NAME "\0\x21\0\1\xc0\x0c" FIXED("\x21") "\0\x0b\0\1\0\2\x13\xc4\1c\1b\0"),
    BYTES(HEAD("\2", "\0") NAME "\0\x21\0\1\xc0\x0c" FIXED("\x21") "\0\x07\0\1\0\2\x13\xc4\0\xc0\x0c" FIXED(
        "\x21") "\0\x08\0\1\0\2\x13\xc4\xc0\x0c"),
    BYTES(HEAD("\1", "\0") NAME "\0\x23\0\1\xc0\x0c" FIXED("\x23") "\0\x14\0\1\0\2\1s\7SIP+D2U\0\1c\1b\0"),
    BYTES(HEAD("\1", "\0") NAME "\0\x23\0\1\xc0\x0c" FIXED("\x23") "\0\x15\0\1\0\2\1s\x08SIPS+D2T\0\1c\1b\0"),
    BYTES(HEAD("\2", "\0") NAME
          "\0\x21\0\1\xc0\x0c" FIXED("\5") "\0\5\1c\1b\0\1c\1b\0" FIXED("\x21") "\0\x0b\0\1\0\2\x13\xc4\1d\1b\0"),
    BYTES(HEAD("\2", "\0") NAME "\0\x21\0\1\xc0\x0c" FIXED("\5") "\0\5\1c\1b\0\1c\1b\0" FIXED("\5") "\0\5\1a\1b\0"),
    BYTES(HEAD("\0", "\1") NAME
          "\0\x21\0\1\xc0\x0c" FIXED("\6") "\0\x16\0\0\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0\x3c"),
    BYTES(HEAD("\1", "\0") NAME "\0\x21\0\1\xc0\x17" FIXED("\x21") "\0\x0b"),
};

static const char *judge(const struct name_answer *answer)
{
    uint8_t order[NAME_RECORDS_MOST];
    if (answer->count > NAME_RECORDS_MOST || answer->ttl_s > INT32_MAX)
        return "an answer beyond its limits";
    if ((answer->outcome == NAME_FOUND) != (answer->count > 0))
        return "the outcome does not fit the records";
    for (size_t i = 0; i < answer->count; i++) {
        const struct name_record *record = &answer->records[i];
        size_t length = strnlen(record->target, sizeof record->target);
        if (length > HOST_NAME_MOST || (length > 0 && !host_name_is_valid((struct text){record->target, length})))
            return "a target that is no name";
        if (i > 0 && record->priority < answer->records[i - 1].priority)
            return "records that are not sorted";
    }
    return srv_order(answer, 1, order) > answer->count ? "more servers than records" : NULL;
}

/* Reads a copy of exactly these bytes, so that one too many is seen. */
static const char *exercise(const char *bytes, size_t length)
{
    static const struct host host = {.allocate = plain_allocate};
    uint8_t *copy = malloc(length > 0 ? length : 1);
    const char *fault = NULL;
    if (copy == NULL)
        abort();
    memcpy(copy, bytes, length);
    for (int kind = NAME_SRV; fault == NULL && kind <= NAME_NAPTR; kind++) {
        struct name_answer *answer = dns_message_read(&host, (enum name_kind)kind, "a.b", copy, length);
        fault = answer != NULL ? judge(answer) : "no memory";
        name_answer_release(answer);
    }
    free(copy);
    return fault;
}

const struct fuzz fuzz_target = {texts, sizeof texts / sizeof texts[0], NULL, exercise};
