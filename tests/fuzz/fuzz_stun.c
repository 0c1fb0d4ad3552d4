// SPDX-License-Identifier: BSD-2-Clause
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "plan.h"
#include "standalone/net/stun.h"

/* Datagrams that are nearly STUN (5626-5.4.b). */

#define HEAD(type, length) "\0" type "\0" length "\x21\x12\xa4\x42twelve bytes"
#define BYTES(literal)                                                                                                 \
    {                                                                                                                  \
        literal, sizeof(literal) - 1                                                                                   \
    }

static const struct text texts[] = {
    BYTES(HEAD("\x01", "\0")),
    BYTES(HEAD("\x01", "\x08") "\0\x06\0\x04user"),
    BYTES(HEAD("\x01", "\x08") "\x80\x22\0\x02zz\0\0"),
    BYTES(HEAD("\x01", "\x0c") "\0\x03\0\x04\0\0\0\x06\x7f\xff\0\0"),
    BYTES(HEAD("\x11", "\0")),
    BYTES("\x01\x01\0\x0c\x21\x12\xa4\x42twelve bytes\0\x20\0\x08\0\x01\x32\x54\xe1\x12\xa6\x43"),
    BYTES("OPTIONS sip:a SIP/2.0\r\n\r\n"),
};

static unsigned read16(const char *at)
{
    return (unsigned)(unsigned char)at[0] << 8 | (unsigned char)at[1];
}

static const char *judge(const char *bytes, size_t length, const char *answer, size_t size)
{
    char again[STUN_ANSWER_MOST];
    union address from = {.v4 = {.sin_family = AF_INET, .sin_port = htons(5060)}};
    if (!stun_is(bytes, length) || read16(bytes) != 1 || read16(bytes + 2) + 20 != length)
        return "an answer to what is no binding request";
    if (size > STUN_ANSWER_MOST || size % 4 != 0 || read16(answer + 2) + 20 != size)
        return "the answer's length is wrong";
    if (memcmp(answer + 4, bytes + 4, 16) != 0)
        return "the answer is not this request's";
    if (read16(answer) != 0x0101 && read16(answer) != 0x0111)
        return "the answer is of another kind";
    return stun_answer(answer, size, &from, again) != 0 ? "an answer is answered" : NULL;
}

static const char *exercise(const char *bytes, size_t length)
{
    union address from[2] = {{.v4 = {.sin_family = AF_INET, .sin_port = htons(5060)}},
                             {.v6 = {.sin6_family = AF_INET6, .sin6_port = htons(5060)}}};
    const char *problem = NULL;
    for (size_t i = 0; problem == NULL && i < 2; i++) {
        char *answer = malloc(STUN_ANSWER_MOST); /* so that a byte too many is seen */
        if (answer == NULL)
            abort();
        size_t size = stun_answer(bytes, length, &from[i], answer);
        if (size != 0)
            problem = judge(bytes, length, answer, size);
        free(answer);
    }
    return problem;
}

const struct fuzz fuzz_target = {texts, sizeof texts / sizeof texts[0], NULL, exercise};
