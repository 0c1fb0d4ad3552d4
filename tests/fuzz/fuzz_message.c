// SPDX-License-Identifier: BSD-2-Clause
#include "plan.h"
#include "sip_corpus.h"
#include "test.h"

/* Messages, read as a datagram and as a stream, and sent on. The messages of tests/data are seeds as well. */

/* memory: which allocation fails; 0: none. */
static const char *play(const char *bytes, size_t length, uint64_t memory)
{
    struct fake_host fake;
    uint16_t status = 0;
    fake_host_create(&fake);
    fake.fail_after = memory;
    const char *problem = sip_exercise(&fake.host, bytes, length, &status);
    return problem == NULL && fake.allocated != 0 ? "memory is lost" : problem;
}

static const char *exercise(const char *bytes, size_t length)
{
    const char *problem = play(bytes, length, 0);
    return problem != NULL ? problem : play(bytes, length, 1 + length % 7);
}

enum { TEXTS_MOST = 64 };

static struct text texts[TEXTS_MOST];

static void begin(void)
{
    for (size_t i = 0; i < TEXTS_MOST && i < sip_corpus_count(); i++)
        texts[i] = sip_corpus_at(i);
}

const struct fuzz fuzz_target = {texts, TEXTS_MOST, begin, exercise};
