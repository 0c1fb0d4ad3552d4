// SPDX-License-Identifier: BSD-2-Clause
#include "wasm/ask.h"

#include <stdbool.h>
#include <stddef.h>

#include "core/code.h"
#include "core/decide.h"
#include "core/rule.h"

enum kind { FLAG, NUMBER, METHOD, ROLE, ORIGIN };

struct question {
    struct facts facts;
    struct state state;
    struct decision decision;
};

struct fact {
    const char *name;
    uint8_t kind; /* enum kind */
    uint8_t size; /* in bytes */
    uint16_t offset;
};

static const struct fact table[] = {
#define FACT(part, member, kind_, name_, value, help)                                                                  \
    {.name = (name_),                                                                                                  \
     .kind = (kind_),                                                                                                  \
     .size = sizeof(((struct question *)NULL)->part.member),                                                           \
     .offset = offsetof(struct question, part.member)},
#include "core/facts.def"
#undef FACT
};

enum { FACTS = sizeof table / sizeof table[0] };

/* The host here is the page, which asks one question at a time. */
static struct question question;

uint32_t ask_fact_count(void)
{
    return FACTS;
}

const char *ask_fact_name(uint32_t fact)
{
    return fact < FACTS ? table[fact].name : "";
}

uint32_t ask_fact_limit(uint32_t fact)
{
    if (fact >= FACTS)
        return 0;
    switch (table[fact].kind) {
    case METHOD:
        return METHOD_COUNT - 1;
    case ROLE:
        return ROLE_COUNT - 1;
    case ORIGIN:
        return ORIGIN_COUNT - 1;
    case NUMBER:
        return table[fact].size == sizeof(uint32_t) ? UINT32_MAX : UINT16_MAX;
    default:
        return 1;
    }
}

const char *ask_fact_word(uint32_t fact, uint32_t value)
{
    if (fact >= FACTS || value > ask_fact_limit(fact))
        return "";
    switch (table[fact].kind) {
    case METHOD:
        return method_name((enum method)value);
    case ROLE:
        return role_names[value];
    case ORIGIN:
        return origin_names[value];
    default:
        return "";
    }
}

void ask_clear(void)
{
    question = (struct question){.facts = {.code = 0}};
}

void ask_code(uint32_t code)
{
    question.facts.code = code;
}

void ask_fact(uint32_t fact, uint32_t value)
{
    if (fact >= FACTS)
        return;
    const uint32_t limit = ask_fact_limit(fact);
    void *at = (char *)&question + table[fact].offset;
    value = value < limit ? value : limit;
    if (table[fact].kind == FLAG)
        *(bool *)at = value != 0;
    else if (table[fact].size == sizeof(uint32_t))
        *(uint32_t *)at = value;
    else if (table[fact].size == sizeof(uint16_t))
        *(uint16_t *)at = (uint16_t)value;
    else
        *(uint8_t *)at = (uint8_t)value;
}

void ask_decide(void)
{
    question.decision = decide(&question.facts, &question.state);
}

uint32_t ask_number(uint32_t which)
{
    const struct decision *decision = &question.decision;
    const uint32_t numbers[ASK_NUMBERS] = {
        [ASK_CODE] = decision->code,
        [ASK_ACTION] = decision->action,
        [ASK_STATUS] = decision->status,
        [ASK_CHANGE] = decision->change,
        [ASK_VALUE] = decision->value,
        [ASK_WAIT_MIN_MS] = decision->wait_min_ms,
        [ASK_WAIT_MAX_MS] = decision->wait_max_ms,
        [ASK_REST_S] = decision->rest_s,
        [ASK_DROP] = decision->drop,
        [ASK_FLAGS] = decision->flags,
        [ASK_GUARDRAIL] = rule_at((enum rule_id)decision->rule)->guardrail,
    };
    return which < ASK_NUMBERS ? numbers[which] : 0;
}

static const char *or_empty(const char *text)
{
    return text ? text : "";
}

const char *ask_text(uint32_t which)
{
    const struct decision *decision = &question.decision;
    switch (which) {
    case ASK_ACTION_NAME:
        return action_name((enum action)decision->action);
    case ASK_DROP_NAME:
        return drop_name((enum drop)decision->drop);
    case ASK_RULE_ID:
        return rule_at((enum rule_id)decision->rule)->id;
    case ASK_RULE_LINE:
        return rule_at((enum rule_id)decision->rule)->line;
    case ASK_WHY:
        return or_empty(decision->why);
    case ASK_CODE_PHRASE:
        return decision->code ? code_phrase(decision->code) : "";
    case ASK_STATUS_PHRASE:
        return decision->status ? code_phrase(decision->status) : "";
    default:
        return "";
    }
}

const char *ask_flag_name(uint32_t bit)
{
    return or_empty(decision_flag_name(bit));
}

const char *ask_change_name(uint32_t bit)
{
    return or_empty(change_name(bit));
}
