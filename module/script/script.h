// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_SCRIPT_SCRIPT_H
#define REFLOW_SCRIPT_SCRIPT_H

#include "script/bind.h"
#include "script/engine.h"
#include "script/memory.h"
#include "script/watch.h"

/* What engine.c (its life) and entry.c (its hooks) share. */
struct script {
    const struct host *host;
    lua_State *L; /* index 1 of its stack is the message handler */
    struct bind_state *state;
    struct memory memory;
    struct watch watch;
    struct script_limits limits; /* without zeros */
    struct script_counters counters;
    enum script_outcome failure; /* the gravest of the last entry; SCRIPT_DEFAULT: none */
    struct sources *sources;
    const char *path; /* of the first layer: how the version is called in messages */
    unsigned references;
};

/* What a protected call came to; SCRIPT_DEFAULT for none of the failures. */
enum script_outcome script_outcome_of(int status, bool overran);

/* The message of a failed call, which is on top of the stack and stays there. Never NULL. */
const char *script_message(const struct script *script, enum script_outcome outcome);

#endif
