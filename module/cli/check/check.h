// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_CLI_CHECK_H
#define REFLOW_CLI_CHECK_H

#include "base/host.h"
#include "core/rule.h"
#include "script/engine/engine.h"
#include "script/policy/layer_option.h"

/* The findings of `reflow check` in one policy. */

enum finding_kind {
    FINDING_LOAD,      /* it does not compile, fails, or exceeds a limit while loading */
    FINDING_NAME,      /* a function that looks misspelt */
    FINDING_FIELD,     /* a field that does not exist */
    FINDING_VERDICT,   /* a verdict that is made and not returned */
    FINDING_HOOK,      /* there are no hooks, or one is never asked */
    FINDING_GUARDRAIL, /* a verdict that would be refused */
    FINDING_FAILURE,   /* a hook that fails, or returns a value that is not a verdict */
    FINDING_OVERRUN,   /* a hook past its time */
    FINDING_MEMORY,    /* a hook that exceeds its memory */
    FINDING_KINDS
};

enum { FINDINGS_MOST = 200, CHECK_CODES = 700, HEADERS_MOST = 16, SLOW_MOST = 40, COMPARED_MOST = 24 };

/* What a policy compares with: tried beside the standard values. */
struct compared {
    char texts[COMPARED_MOST][128];
    size_t count;
};

struct finding {
    uint8_t kind; /* enum finding_kind */
    enum rule_id rule;
    char place[300];  /* "voicemail.lua:7"; empty: not known */
    char verdict[80]; /* "fail 430" */
    char text[600];
    char with[128];                     /* the compared value with which it was found; empty: it was found without */
    uint8_t codes[CHECK_CODES / 8 + 1]; /* bit set of the codes with which it was found; empty: not about a code */
    uint32_t methods;                   /* bits, enum method */
};

struct check {
    struct host host;
    struct script *script; /* NULL until it is loaded */
    struct finding *findings;
    size_t count, capacity;
    bool more;            /* than FINDINGS_MOST */
    char last_error[600]; /* that was logged */
    bool loading;         /* warnings are findings */
    uint64_t now_ms;
    uint32_t seed;
    char headers[HEADERS_MOST][64]; /* that the policy reads */
    size_t header_count;
    struct compared uris, values, numbers;
    const char *trying; /* which of these is tried now; NULL: none */
    uint32_t tries;     /* of hooks */
    uint32_t slow;      /* hooks that exceeded their time or memory; after SLOW_MOST nothing more is tried */
};

/* Check a file or a folder, with these layers beside it. 0: see findings; -ENOENT and the like: it cannot be read, with
   a line in `error`. Destroy in any case. */
int check_policy(struct check *check, const struct layer_options *layers, const char *path, char *error,
                 size_t error_size);
void check_destroy(struct check *check);

const char *finding_kind_name(enum finding_kind kind);

/* Adds a finding, or another code and method to an existing one. code 0: none. */
void check_found(struct check *check, const struct finding *finding, uint32_t code, enum method method);
void check_fields(struct check *check); /* from the text; also collects check->headers */
void check_hooks(struct check *check);  /* by running them */

#endif
