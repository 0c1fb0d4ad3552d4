// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/names/name_answer.h"

#include "base/memory.h"

static size_t name_answer_size(size_t room)
{
    return sizeof(struct name_answer) + room * sizeof(struct name_record);
}

struct name_answer *name_answer_new(const struct host *host, enum name_outcome outcome, size_t room)
{
    struct name_answer *answer = memory_new(host, name_answer_size(room));
    if (answer == NULL)
        return NULL;
    answer->host = host;
    answer->holders = 1;
    answer->outcome = outcome;
    answer->room = room;
    return answer;
}

struct name_answer *name_answer_hold(struct name_answer *answer)
{
    answer->holders++;
    return answer;
}

void name_answer_release(struct name_answer *answer)
{
    if (answer != NULL && --answer->holders == 0)
        memory_delete(answer->host, answer, name_answer_size(answer->room));
}

struct name_answer *name_answer_shrink(struct name_answer *answer)
{
    struct name_answer *small =
        answer->count < answer->room ? name_answer_new(answer->host, answer->outcome, answer->count) : NULL;
    if (small == NULL)
        return answer;
    memcpy(small, answer, name_answer_size(answer->count));
    small->room = answer->count;
    name_answer_release(answer);
    return small;
}
