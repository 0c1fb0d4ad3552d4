// SPDX-License-Identifier: BSD-2-Clause
#include "cli/say/decide_input.h"

#include <string.h>

#include "core/code.h"
#include "core/decide.h"

static const struct option options[] = {
#define FACT(part, member, kind, name, value, help) {name, value, help},
#include "core/facts.def"
#undef FACT
};

static const struct decide_member members[] = {
#define FACT(part, member, kind, name, value, help)                                                                    \
    {KIND_##kind, sizeof(((struct decide_input *)NULL)->part.member), offsetof(struct decide_input, part.member)},
#include "core/facts.def"
#undef FACT
};

enum { MEMBER_COUNT = sizeof members / sizeof members[0] };

const struct option *decide_options(size_t *count)
{
    *count = MEMBER_COUNT;
    return options;
}

const struct decide_member *decide_member_at(size_t index)
{
    return index < MEMBER_COUNT ? &members[index] : NULL;
}

uint64_t decide_limit(size_t index)
{
    if (members[index].kind != KIND_NUMBER)
        return 0;
    return members[index].size == sizeof(uint32_t) ? UINT32_MAX : UINT16_MAX;
}

static bool find_word(const char *const *words, size_t count, const char *value, uint64_t *number)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(words[i], value) == 0) {
            *number = i;
            return true;
        }
    }
    return false;
}

/* A method that the core does not know is METHOD_OTHER, but it must be a token. */
static bool read_method(const char *value, uint64_t *number)
{
    if (*value == '\0' || value[strspn(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-_.")] != '\0')
        return false;
    *number = method_find(value, strlen(value));
    return true;
}

static bool read_value(const struct decide_member *member, const char *value, uint64_t *number)
{
    switch (member->kind) {
    case KIND_METHOD:
        return read_method(value, number);
    case KIND_ROLE:
        return find_word(role_names, ROLE_COUNT, value, number);
    case KIND_ORIGIN:
        return find_word(origin_names, ORIGIN_COUNT, value, number);
    case KIND_NUMBER:
        return argument_number(value, decide_limit((size_t)(member - members)), number);
    default:
        *number = 1;
        return true;
    }
}

static void store(struct decide_input *input, const struct decide_member *member, uint64_t number)
{
    void *at = (char *)input + member->offset;
    if (member->kind == KIND_FLAG) {
        *(bool *)at = number != 0;
    } else if (member->size == sizeof(uint32_t)) {
        *(uint32_t *)at = (uint32_t)number;
    } else if (member->size == sizeof(uint16_t)) {
        *(uint16_t *)at = (uint16_t)number;
    } else {
        *(uint8_t *)at = (uint8_t)number;
    }
}

bool decide_set(struct decide_input *input, size_t index, const char *value)
{
    uint64_t number;
    if (!read_value(&members[index], value, &number))
        return false;
    store(input, &members[index], number);
    if (members[index].offset == offsetof(struct decide_input, facts.retry_after))
        input->facts.has_retry_after = true;
    return true;
}

uint64_t decide_get(const struct decide_input *input, size_t index)
{
    const struct decide_member *member = &members[index];
    const void *at = (const char *)input + member->offset;
    if (member->kind == KIND_FLAG)
        return *(const bool *)at;
    if (member->size == sizeof(uint32_t))
        return *(const uint32_t *)at;
    if (member->size == sizeof(uint16_t))
        return *(const uint16_t *)at;
    return *(const uint8_t *)at;
}

const char *decide_word(const struct decide_input *input, size_t index)
{
    uint64_t number = decide_get(input, index);
    switch (members[index].kind) {
    case KIND_METHOD:
        return number == METHOD_OTHER ? "other" : method_name((enum method)number);
    case KIND_ROLE:
        return number < ROLE_COUNT ? role_names[number] : NULL;
    case KIND_ORIGIN:
        return number < ORIGIN_COUNT ? origin_names[number] : NULL;
    default:
        return NULL;
    }
}
