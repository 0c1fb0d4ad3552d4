// SPDX-License-Identifier: BSD-2-Clause
#include <stdlib.h>
#include <string.h>

#include "flow/token.h"
#include "plan.h"
#include "test.h"

/* Tokens that are nearly ours (5626-5.2.a, 5626-5.3.b): none is taken but those that were given. */

enum { GIVEN = 24, FOREIGN = 4 };

static struct token_keys *keys;
static char given[GIVEN + FOREIGN][TOKEN_TEXT_MOST];
static struct text texts[GIVEN + FOREIGN];

static bool is_given(struct text token)
{
    for (size_t i = 0; i < GIVEN; i++) {
        if (text_equal(texts[i], token))
            return true;
    }
    return false;
}

static const char *exercise(const char *bytes, size_t length)
{
    struct token_flow flow;
    struct text token = {bytes, length};
    enum token_verdict verdict = token_read(keys, token, &flow);
    if (is_given(token) != (verdict == TOKEN_GOOD))
        return verdict == TOKEN_GOOD ? "a token that nobody gave is taken" : "a token that was given is refused";
    if (verdict == TOKEN_UNKNOWN_KEY && token_key_id(token) == 0)
        return "a key that is unknown has no number";
    if (verdict == TOKEN_GOOD && flow.connection != flow.remote_port + 7ULL * flow.transport)
        return "a token is read otherwise than it was written";
    return NULL;
}

static void give(struct token_keys *by, size_t i)
{
    struct token_flow flow = {.transport = (uint8_t)(i % 5),
                              .address_length = i % 2 == 0 ? 4 : 16,
                              .local = {127, 0, 0, 1},
                              .remote = {192, 0, 2, (uint8_t)i},
                              .local_port = 5060,
                              .remote_port = (uint16_t)(1024 + i),
                              .run = (uint32_t)i / 8};
    flow.connection = flow.remote_port + 7ULL * flow.transport;
    texts[i] = (struct text){given[i], token_write(by, &flow, given[i], sizeof given[i])};
    if (texts[i].length == 0)
        abort();
}

/* The random numbers of the fake host are the same in each run, and so are the tokens. */
static void begin(void)
{
    static struct fake_host fake;
    struct token_keys *others;
    char error[160];
    fake_host_create(&fake);
    if (token_keys_open(&keys, &fake.host, NULL, error, sizeof error) != 0 ||
        token_keys_open(&others, &fake.host, NULL, error, sizeof error) != 0)
        abort();
    for (size_t i = 0; i < GIVEN + FOREIGN; i++) {
        give(i < GIVEN ? keys : others, i);
        if (i == GIVEN / 2 && token_keys_rotate(keys) != 0)
            abort();
    }
    token_keys_close(others);
}

const struct fuzz fuzz_target = {texts, GIVEN + FOREIGN, begin, exercise};
