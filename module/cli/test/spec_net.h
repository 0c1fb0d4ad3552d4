// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_CLI_SPEC_NET_H
#define REFLOW_CLI_SPEC_NET_H

#include <lua.h>

#include "cli/test/scene.h"

/* The functions with which lua/reflow/spec.lua drives a scene. */
struct spec_net {
    struct scene *scene;
    /* Uses the policy: returns 0, or a negative errno with a line in `error`. `name` NULL: the one that belongs to
       the specs. */
    int (*load)(void *context, const char *name, char *error, size_t size);
    /* Called before the server runs: raises an error if the time of the test is over. */
    void (*check)(void *context, lua_State *L);
    /* A test of this name begins. */
    void (*begin)(void *context, const char *name);
    void *context;
    struct script *script; /* of the policy in use; NULL: none yet */
};

/* Pushes the table of functions; `net` must outlive the state. */
void spec_net_push(lua_State *L, struct spec_net *net);

#endif
