// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_CLI_SCENE_PLAYER_H
#define REFLOW_CLI_SCENE_PLAYER_H

#include <lua.h>

/* Makes a Lua state able to play scenes (lua/reflow/site/scenes.lua): require finds the embedded sources as
   "reflow.NAME", and "reflow.scene_player", whose new() returns the functions with which lua/reflow/spec_actors.lua
   drives a server on a simulated network and clock. There, open(text) takes the text of a policy, "" for none, and
   finish() frees the server; nothing else may be called after it. The state must have the standard libraries and be
   used by one thread. Raises Lua errors. */
void scene_player_open(lua_State *L);

#endif
