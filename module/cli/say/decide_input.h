// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_CLI_DECIDE_INPUT_H
#define REFLOW_CLI_DECIDE_INPUT_H

#include "cli/base/arguments.h"
#include "core/facts.h"

/* The input of `reflow decide`. */
struct decide_input {
    struct facts facts;
    struct state state;
};

enum decide_kind { KIND_FLAG, KIND_NUMBER, KIND_METHOD, KIND_ROLE, KIND_ORIGIN };

/* A member that an option sets. */
struct decide_member {
    enum decide_kind kind;
    uint8_t size;  /* of a number, in bytes */
    size_t offset; /* in struct decide_input */
};

/* One option for every member but the code, and the member at the same index. */
const struct option *decide_options(size_t *count);
const struct decide_member *decide_member_at(size_t index);

/* Sets a member from an option's value. Returns false if it is invalid. */
bool decide_set(struct decide_input *input, size_t index, const char *value);

/* The largest value of a number; 0: the member is not a number. */
uint64_t decide_limit(size_t index);

/* A member's value as a number, and its text: "proxy", "INVITE", NULL for a plain number or flag. */
uint64_t decide_get(const struct decide_input *input, size_t index);
const char *decide_word(const struct decide_input *input, size_t index);

#endif
