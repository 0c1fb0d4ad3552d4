// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_CORE_CODE_H
#define REFLOW_CORE_CODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/facts.h"

enum code_class {
    CLASS_MALFORMED = 0, /* below 100 or above 699 */
    CLASS_PROVISIONAL = 1,
    CLASS_SUCCESS = 2,
    CLASS_REDIRECT = 3,
    CLASS_CLIENT_ERROR = 4,
    CLASS_SERVER_ERROR = 5,
    CLASS_GLOBAL_FAILURE = 6
};

/* libosip2 defines macros with some of these names, which would replace the enumerators. */
#ifdef SIP_TRYING
#error "include core/code.h before osipparser2/osip_parser.h"
#endif

/* The range of a status code. */
enum { CODE_LEAST = 100, CODE_FINAL_LEAST = 200, CODE_MOST = 699 };

/* The names of all registered codes, SIP_TRYING to SIP_REJECTED, with their numbers. */
enum {
#define CODE(number, name, ...) SIP_##name = (number),
#include "core/codes.def"
#undef CODE
};

/* What a code is. The other columns of codes.def, what each role does after it, are in reaction.h. */
struct code {
    uint16_t number;
    uint8_t class;         /* enum code_class */
    const char *name;      /* "FLOW_FAILED" */
    const char *phrase;    /* as sent on the wire: "Flow Failed" */
    const char *reference; /* "RFC5626" */
};

/* How many codes are registered, and the row at an index below that, in ascending order. */
size_t code_count(void);
const struct code *code_at(size_t index);

/* The row of a registered code, or NULL. */
const struct code *code_find(uint32_t number);

/* The code that `number` acts as: itself if registered, 183 for an unknown provisional response, x00 of the class for
   any other unknown code, 0 outside 100-699 (rule 3261-8.1.3.a). */
uint32_t code_fold(uint32_t number);

/* The class of any number; CLASS_MALFORMED outside 100-699. */
enum code_class code_class(uint32_t number);

/* The phrase to send: the table's, or that of the folded code. Never NULL. */
const char *code_phrase(uint32_t number);

static inline bool code_is_final(uint32_t number)
{
    return number >= CODE_FINAL_LEAST && number <= CODE_MOST;
}

/* "INVITE", or "" for METHOD_OTHER. */
const char *method_name(enum method method);

/* METHOD_OTHER for an unknown name. Case-sensitive (RFC 3261 section 7.1). */
enum method method_find(const char *name, size_t length);

#endif
