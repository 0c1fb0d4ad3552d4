// SPDX-License-Identifier: BSD-2-Clause
#include "core/code.h"

#include <string.h>

#include "core/decide.h"
#include "core/reaction.h"

/* Row 0 of both tables is for malformed codes; the registered codes follow in ascending order. */
enum row {
    ROW_MALFORMED,
#define CODE(number, name, ...) ROW_##name,
#include "core/codes.def"
#undef CODE
    ROW_COUNT
};

enum { NUMBERS = CODE_MOST + 1, CLASSES = CLASS_GLOBAL_FAILURE + 1 };

static const struct code codes[ROW_COUNT] = {
    [ROW_MALFORMED] = {0, CLASS_MALFORMED, "MALFORMED", "Malformed", ""},
#define CODE(number, name, phrase, reference, ...) [ROW_##name] = {(number), (number) / 100, #name, phrase, reference},
#include "core/codes.def"
#undef CODE
};

static const struct reaction reactions[ROW_COUNT] = {
    [ROW_MALFORMED] = {.rule = RULE_3261_8_1_3_A, .why = "a status outside 100 to 699 is malformed"},
#define CODE(code, name, phrase, reference, proxy_, uac_, invite_, register_, subscription_, usage_, retry_after_,     \
             best_, method_, sent_as_, change_, rule_, why_)                                                           \
    [ROW_##name] = {.proxy = PROXY_##proxy_,                                                                           \
                    .uac = UAC_##uac_,                                                                                 \
                    .invite = INVITE_##invite_,                                                                        \
                    .to_register = REGISTER_##register_,                                                               \
                    .subscription = SUBSCRIPTION_##subscription_,                                                      \
                    .usage = USAGE_##usage_,                                                                           \
                    .retry_after = RETRY_AFTER_##retry_after_,                                                         \
                    .best = BEST_##best_,                                                                              \
                    .retry_method = METHOD_##method_,                                                                  \
                    .rule = RULE_##rule_,                                                                              \
                    .number = (code),                                                                                  \
                    .sent_as = (sent_as_),                                                                             \
                    .change = CHANGE_##change_,                                                                        \
                    .why = why_},
#include "core/codes.def"
#undef CODE
};

static const uint8_t row_of[NUMBERS] = {
#define CODE(number, name, ...) [number] = ROW_##name,
#include "core/codes.def"
#undef CODE
};

/* 3261-8.1.3.a */
static const uint8_t row_of_class[CLASSES] = {
    [CLASS_MALFORMED] = ROW_MALFORMED,
    [CLASS_PROVISIONAL] = ROW_SESSION_PROGRESS,
    [CLASS_SUCCESS] = ROW_OK,
    [CLASS_REDIRECT] = ROW_MULTIPLE_CHOICES,
    [CLASS_CLIENT_ERROR] = ROW_BAD_REQUEST,
    [CLASS_SERVER_ERROR] = ROW_SERVER_INTERNAL_ERROR,
    [CLASS_GLOBAL_FAILURE] = ROW_BUSY_EVERYWHERE,
};

static unsigned row_find(uint32_t number)
{
    if (number > CODE_MOST)
        return ROW_MALFORMED;
    return row_of[number] ? row_of[number] : row_of_class[number / 100];
}

size_t code_count(void)
{
    return ROW_COUNT - 1;
}

const struct code *code_at(size_t index)
{
    return index < code_count() ? &codes[index + 1] : NULL;
}

const struct code *code_find(uint32_t number)
{
    return number <= CODE_MOST && row_of[number] ? &codes[row_of[number]] : NULL;
}

uint32_t code_fold(uint32_t number)
{
    return codes[row_find(number)].number;
}

enum code_class code_class(uint32_t number)
{
    return number > CODE_MOST ? CLASS_MALFORMED : (enum code_class)(number / 100);
}

const char *code_phrase(uint32_t number)
{
    return codes[row_find(number)].phrase;
}

const struct reaction *reaction_find(uint32_t number)
{
    return &reactions[row_find(number)];
}

static const char *const methods[METHOD_COUNT] = {
    [METHOD_OTHER] = "",          [METHOD_INVITE] = "INVITE",       [METHOD_ACK] = "ACK",
    [METHOD_BYE] = "BYE",         [METHOD_CANCEL] = "CANCEL",       [METHOD_REGISTER] = "REGISTER",
    [METHOD_OPTIONS] = "OPTIONS", [METHOD_SUBSCRIBE] = "SUBSCRIBE", [METHOD_NOTIFY] = "NOTIFY",
    [METHOD_PUBLISH] = "PUBLISH", [METHOD_INFO] = "INFO",           [METHOD_UPDATE] = "UPDATE",
    [METHOD_PRACK] = "PRACK",     [METHOD_REFER] = "REFER",         [METHOD_MESSAGE] = "MESSAGE",
};

const char *method_name(enum method method)
{
    return methods[(unsigned)method < METHOD_COUNT ? method : METHOD_OTHER];
}

enum method method_find(const char *name, size_t length)
{
    for (unsigned method = METHOD_OTHER + 1; length > 0 && method < METHOD_COUNT; method++) {
        if (strlen(methods[method]) == length && memcmp(methods[method], name, length) == 0)
            return (enum method)method;
    }
    return METHOD_OTHER;
}
