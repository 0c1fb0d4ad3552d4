// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_WASM_ASK_H
#define REFLOW_WASM_ASK_H

#include <stdint.h>

/*
 * The core as a WebAssembly module, for a web page: numbers go in and come out one at a time, texts are addresses of
 * terminated ASCII strings in the module's memory. The module holds one question. Every function takes any number: an
 * index that does not exist has the text "" and the number 0.
 */

/* The facts of core/facts.def: 0 to ask_fact_count() - 1. */
uint32_t ask_fact_count(void);
const char *ask_fact_name(uint32_t fact); /* "flows-left" */
uint32_t ask_fact_limit(uint32_t fact); /* the largest value; of a flag 1, of a method, role or origin the last word */
const char *ask_fact_word(uint32_t fact, uint32_t value); /* "INVITE", "proxy"; "" if the fact has no words */

/* Every fact is 0, as is the code. */
void ask_clear(void);
void ask_code(uint32_t code);
/* A value above the limit counts as the limit. */
void ask_fact(uint32_t fact, uint32_t value);

/* Decides. The functions below then answer for that decision. */
void ask_decide(void);

/* A number of the decision, in the order of enum ask_number. */
enum ask_number {
    ASK_CODE,
    ASK_ACTION,
    ASK_STATUS,
    ASK_CHANGE,
    ASK_VALUE,
    ASK_WAIT_MIN_MS,
    ASK_WAIT_MAX_MS,
    ASK_REST_S,
    ASK_DROP,
    ASK_FLAGS,
    ASK_GUARDRAIL,
    ASK_NUMBERS
};
uint32_t ask_number(uint32_t which);

/* A text of the decision, in the order of enum ask_text. */
enum ask_text {
    ASK_ACTION_NAME,
    ASK_DROP_NAME,
    ASK_RULE_ID,
    ASK_RULE_LINE,
    ASK_WHY,
    ASK_CODE_PHRASE,
    ASK_STATUS_PHRASE
};
const char *ask_text(uint32_t which);

/* The names of bits of ASK_FLAGS and ASK_CHANGE; "" for a bit without a name. */
const char *ask_flag_name(uint32_t bit);
const char *ask_change_name(uint32_t bit);

#endif
