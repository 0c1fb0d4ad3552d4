// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_SCRIPT_PART_H
#define REFLOW_SCRIPT_PART_H

#include "script/bind/bind.h"
#include "script/engine/engine.h"
#include "script/base/memory.h"
#include "script/base/watch.h"

/*
 * A part of a version: the layers of the site, or those of one tenant. Each is a Lua state of its own, so that a tenant
 * shares neither globals nor memory, neither time nor hooks with others. Counted references: a version that is built
 * from another one by exchanging a part holds the same other parts.
 */
struct script_part {
    const struct host *host;
    lua_State *L; /* index 1 of its stack is the message handler */
    struct bind_state *state;
    struct memory memory;
    struct watch watch;
    struct script_limits limits; /* without zeros */
    struct script_counters counters;
    enum script_outcome failure; /* the gravest of the last entry; SCRIPT_DEFAULT: none */
    struct sources *sources;
    const char *path;    /* of its first layer: how it is called in messages */
    const char *tenant;  /* a domain; empty: the site's layers */
    uint64_t layers;     /* a bit for each of the sources' layers that belongs to it */
    uint64_t hash;       /* of these */
    bool spent;          /* it ran out of memory, and must be built anew */
    uint64_t rebuilt_ms; /* host ms when it was last; 0: never */
    struct script_window window;
    const struct bind_state *site; /* while an entry runs: of the site's part, whose emergency numbers count too */
    unsigned references;
};

/* Builds the part of these layers. As script_new_of(); `tenant` must live as long as the sources. */
int part_new(struct script_part **out, const struct script_config *config, struct sources *sources, const char *tenant,
             uint64_t layers, char *error, size_t error_size);
struct script_part *part_hold(struct script_part *part);
void part_release(struct script_part *part); /* NULL is fine; the last one closes the state */

/* What a protected call came to; SCRIPT_DEFAULT for none of the failures. */
enum script_outcome script_outcome_of(int status, bool overran);

/* The message of a failed call, which is on top of the stack and stays there. Never NULL. */
const char *script_message(const struct script_part *part, enum script_outcome outcome);

#endif
