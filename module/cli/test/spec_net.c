// SPDX-License-Identifier: BSD-2-Clause
#include "cli/test/spec_net.h"

#include <errno.h>
#include <lauxlib.h>
#include <stdio.h>
#include <string.h>

#include "core/code.h"
#include "script/base/field.h"

/* Addresses go to and from Lua as host and port: "198.51.100.1", 5060. */

static struct spec_net *net_of(lua_State *L)
{
    return lua_touserdata(L, lua_upvalueindex(1));
}

static struct scene *open_scene(lua_State *L)
{
    const struct spec_net *net = net_of(L);
    if (net->scene->server == NULL)
        luaL_error(L, "no policy is in use yet");
    net->check(net->context, L);
    return net->scene;
}

static union address argument_address(lua_State *L, int index)
{
    union address address;
    size_t length;
    const char *host = luaL_checklstring(L, index, &length);
    lua_Integer port = luaL_checkinteger(L, index + 1);
    luaL_argcheck(L, port >= 1 && port <= UINT16_MAX, index + 1, "a port is a number from 1 to 65535");
    if (!address_read((struct text){host, length}, (uint16_t)port, &address))
        luaL_argerror(L, index, "no numeric address");
    return address;
}

/* net.domain(name): the server serves one more domain; before open(). */
static int net_domain(lua_State *L)
{
    struct scene *scene = net_of(L)->scene;
    size_t length;
    const char *name = luaL_checklstring(L, 1, &length);
    if (scene->server != NULL)
        return luaL_error(L, "a domain is named before the first phone and the first request");
    int error = scene->domains != NULL ? domains_add(scene->domains, (struct text){name, length}) : -ENOMEM;
    luaL_argcheck(L, error != -EINVAL, 1, "no domain");
    if (error == -ENOSPC)
        return luaL_error(L, "more than %d domains", DOMAINS_MOST);
    return error == 0 ? 0 : luaL_error(L, "out of memory");
}

static int net_trunk(lua_State *L)
{
    struct scene *scene = net_of(L)->scene;
    const char *cidr = luaL_checkstring(L, 1);
    if (scene->server != NULL)
        return luaL_error(L, "a trunk is named before the first phone and the first request");
    int error = scene_trunk(scene, cidr);
    luaL_argcheck(L, error != -EINVAL, 1, "no address or block of addresses");
    return error == 0 ? 0 : luaL_error(L, "more than %d trunks", SCENE_TRUNKS);
}

static int net_edge(lua_State *L)
{
    struct scene *scene = net_of(L)->scene;
    if (scene->server != NULL)
        return luaL_error(L, "edge() comes before the first phone and the first request");
    scene_edge(scene);
    return 0;
}

static int net_user(lua_State *L)
{
    struct scene *scene = net_of(L)->scene;
    const char *aor = luaL_checkstring(L, 1), *password = luaL_checkstring(L, 2);
    if (scene->server != NULL)
        return luaL_error(L, "a user is named before the first phone and the first request");
    int error = scene_user(scene, aor, password);
    luaL_argcheck(L, error != -EINVAL, 1, "a user is \"bob@example.com\", with a password");
    return error == 0 ? 0 : luaL_error(L, "more than %d users", SCENE_USERS);
}

/* net.algorithms(name...): of challenges, in this order */
static int net_algorithms(lua_State *L)
{
    struct scene *scene = net_of(L)->scene;
    if (scene->server != NULL)
        return luaL_error(L, "algorithms are named before the first phone and the first request");
    for (int i = 1; i <= lua_gettop(L); i++)
        luaL_argcheck(L, scene_add_algorithm(scene, luaL_checkstring(L, i)) == 0, i, "no algorithm, or too many");
    return 0;
}

/* net.option(name, number): scene_option() */
static int net_option(lua_State *L)
{
    struct scene *scene = net_of(L)->scene;
    lua_Integer value = luaL_checkinteger(L, 2);
    if (scene->server != NULL)
        return luaL_error(L, "an option is set before the first phone and the first request");
    luaL_argcheck(L, value >= 0 && value <= UINT32_MAX, 2, "a number from 0 to 4294967295");
    luaL_argcheck(L, scene_option(scene, luaL_checkstring(L, 1), (uint32_t)value) == 0, 1, "no such option");
    return 0;
}

/* net.open([policy]) -> true, or nil and what is wrong with it */
static int net_open(lua_State *L)
{
    struct spec_net *net = net_of(L);
    char error[600] = "";
    const char *name = luaL_optstring(L, 1, NULL);
    if (net->scene->server != NULL)
        return luaL_error(L, "a policy is in use already");
    if (scene_open(net->scene) != 0)
        return luaL_error(L, "not enough memory");
    if (net->load(net->context, name, error, sizeof error) == 0) {
        lua_pushboolean(L, true);
        return 1;
    }
    lua_pushnil(L);
    lua_pushstring(L, error);
    return 2;
}

/* net.restart([policy]): the server restarts with the same keys; connections are closed. */
static int net_restart(lua_State *L)
{
    struct spec_net *net = net_of(L);
    char error[600] = "";
    if (scene_restart(open_scene(L)) != 0)
        return luaL_error(L, "not enough memory");
    if (net->load(net->context, luaL_optstring(L, 1, NULL), error, sizeof error) != 0)
        return luaL_error(L, "%s", error);
    return 0;
}

static int net_begin(lua_State *L)
{
    struct spec_net *net = net_of(L);
    net->begin(net->context, luaL_checkstring(L, 1));
    return 0;
}

static int net_time(lua_State *L)
{
    lua_pushinteger(L, (lua_Integer)scene_time(net_of(L)->scene));
    return 1;
}

/* net.next() -> ms until something is due, or nil */
static int net_next(lua_State *L)
{
    int64_t next = scene_next(net_of(L)->scene);
    if (next < 0)
        lua_pushnil(L);
    else
        lua_pushinteger(L, next);
    return 1;
}

static int net_pass(lua_State *L)
{
    struct scene *scene = open_scene(L);
    lua_Integer ms = luaL_checkinteger(L, 1);
    luaL_argcheck(L, ms >= 0, 1, "time does not go back");
    scene_pass(scene, (uint64_t)ms);
    return 0;
}

/* net.receive("udp", host, port, connection, message) */
static int net_receive(lua_State *L)
{
    static const char *const transports[] = {"udp", "tcp", NULL};
    struct scene *scene = open_scene(L);
    struct peer peer = {.transport = (uint8_t)luaL_checkoption(L, 1, NULL, transports)};
    size_t length;
    peer.address = argument_address(L, 2);
    peer.connection = (flow_id)luaL_checkinteger(L, 4);
    peer.listener = transport_connects(peer.transport);
    const char *bytes = luaL_checklstring(L, 5, &length);
    server_received(scene->server, &peer, bytes, length);
    return 0;
}

static int net_connect(lua_State *L)
{
    struct scene *scene = open_scene(L);
    union address address = argument_address(L, 1);
    flow_id connection = scene_connect(scene, &address);
    if (connection == 0)
        return luaL_error(L, "more than %d connections", SCENE_CONNECTIONS);
    lua_pushinteger(L, (lua_Integer)connection);
    return 1;
}

static int net_close(lua_State *L)
{
    struct scene *scene = open_scene(L);
    lua_pushboolean(L, scene_close(scene, (flow_id)luaL_checkinteger(L, 1)));
    return 1;
}

/* net.unwanted() -> the number of a connection that the server wants closed, or nil */
static int net_unwanted(lua_State *L)
{
    flow_id connection = scene_unwanted(open_scene(L));
    if (connection == 0)
        lua_pushnil(L);
    else
        lua_pushinteger(L, (lua_Integer)connection);
    return 1;
}

/* net.icmp(host, port): the network reports that the address is unreachable. */
static int net_icmp(lua_State *L)
{
    struct scene *scene = open_scene(L);
    struct peer peer = {.transport = TRANSPORT_UDP, .address = argument_address(L, 1)};
    server_flow_down(scene->server, peer_flow(&peer), "icmp");
    return 0;
}

/* net.returned(host, port, quoted): an ICMP error about a datagram of which it quotes these bytes */
static int net_returned(lua_State *L)
{
    struct scene *scene = open_scene(L);
    struct peer peer = {.transport = TRANSPORT_UDP, .address = argument_address(L, 1)};
    size_t length;
    const char *quoted = luaL_checklstring(L, 3, &length);
    server_datagram_returned(scene->server, &peer, (struct text){quoted, length});
    return 0;
}

/* net.deafen(connection): scene_deafen() */
static int net_deafen(lua_State *L)
{
    scene_deafen(open_scene(L), (flow_id)luaL_checkinteger(L, 1));
    return 0;
}

static int net_name(lua_State *L)
{
    const char *host = luaL_checkstring(L, 1);
    union address address = argument_address(L, 2);
    if (scene_name(net_of(L)->scene, host, &address) != 0)
        return luaL_error(L, "too many host names");
    return 0;
}

static int net_refuse(lua_State *L)
{
    union address address = argument_address(L, 1);
    if (scene_refuse(net_of(L)->scene, &address, lua_toboolean(L, 3)) != 0)
        return luaL_error(L, "too many dead addresses");
    return 0;
}

static void push_sent(lua_State *L, const struct scene_event *event)
{
    char host[64];
    address_host(&event->peer.address, host, sizeof host);
    field_set_string(L, "transport", transport_word(event->peer.transport));
    field_set_string(L, "host", host);
    field_set_integer(L, "port", address_port(&event->peer.address));
    field_set_integer(L, "connection", (lua_Integer)event->peer.connection);
}

static void push_decided(lua_State *L, const struct scene_event *event)
{
    const struct decision *decision = &event->decided.decision;
    field_set_integer(L, "code", decision->code);
    field_set_string(L, "action", action_name((enum action)decision->action));
    field_set_string(L, "rule", rule_at((enum rule_id)decision->rule)->id);
    field_set_string(L, "why", decision->why);
    field_set_string(L, "origin", origin_name(event->decided.facts.origin));
    field_set_string(L, "role", role_name(event->decided.facts.role));
    field_set_string(L, "says", rule_at((enum rule_id)decision->rule)->line);
    field_set_integer(L, "flows_left", event->decided.facts.flows_left);
    field_set_string(L, "call_id", event->decided.call_id);
    if (decision->status != 0)
        field_set_integer(L, "status", decision->status);
    if (decision->rest_s != 0)
        field_set_integer(L, "rest", decision->rest_s);
    if (decision->drop != DROP_NONE)
        field_set_string(L, "drop", drop_name((enum drop)decision->drop));
    if (event->decided.verdict != NULL)
        field_set_string(L, "verdict", event->decided.verdict);
    if (event->decided.refused != RULE_NONE)
        field_set_string(L, "refused", rule_at(event->decided.refused)->id);
    field_set_flag(L, "invite", event->decided.facts.method == METHOD_INVITE);
    field_set_flag(L, "provisional_seen", event->decided.facts.provisional_seen);
    field_set_flag(L, "next_server", decision->flags & FLAG_NEXT_SERVER);
    field_set_flag(L, "merge_challenges", decision->flags & FLAG_MERGE_CHALLENGES);
    field_set_flag(L, "cancel_rest", decision->flags & FLAG_CANCEL_REST);
    field_set_flag(L, "failed", event->decided.outcome >= SCRIPT_ERROR);
}

static int push_event(lua_State *L)
{
    static const char *const levels[] = {"error", "warning", "notice", "info", "debug"};
    static const char *const kinds[] = {"sent", "logged", "decided"};
    const struct scene_event *event = lua_touserdata(L, 1);
    lua_createtable(L, 0, 12);
    field_set_string(L, "kind", kinds[event->kind]);
    field_set_integer(L, "at", (lua_Integer)event->at_ms);
    lua_pushlstring(L, event->bytes, event->length);
    lua_setfield(L, -2, "text");
    if (event->kind == SCENE_SENT)
        push_sent(L, event);
    else if (event->kind == SCENE_DECIDED)
        push_decided(L, event);
    else
        field_set_string(L, "level", levels[event->level]);
    return 1;
}

/* net.take() -> the oldest event as a table, or nil. It is freed whether or not there is memory for the table. */
static int net_take(lua_State *L)
{
    struct scene_event *event = scene_take(net_of(L)->scene);
    if (event == NULL)
        return 0;
    lua_pushcfunction(L, push_event);
    lua_pushlightuserdata(L, event);
    int status = lua_pcall(L, 1, 1, 0);
    scene_free(event);
    return status == LUA_OK ? 1 : lua_error(L);
}

/* net.phrase(code): the phrase of the code table; for an unknown code, that of its class. */
static int net_phrase(lua_State *L)
{
    lua_Integer number = luaL_checkinteger(L, 1);
    lua_pushstring(L, number > 0 && number <= UINT32_MAX ? code_phrase((uint32_t)number) : "");
    return 1;
}

/* net.rule(id) -> what the rule says, in one line; nil for an unknown rule. */
static int net_rule(lua_State *L)
{
    enum rule_id rule = rule_find(luaL_checkstring(L, 1));
    if (rule == RULE_NONE)
        return 0;
    lua_pushstring(L, rule_at(rule)->line);
    return 1;
}

/* net.credentials(user, realm, algorithm) -> what the policy's hooks know of the user: HA1, nil for no such user, or
   nil and "failed". */
static int net_credentials(lua_State *L)
{
    static const char *const names[] = {"MD5", "SHA-256", "SHA-512-256", NULL};
    static const enum digest digests[] = {DIGEST_MD5, DIGEST_SHA_256, DIGEST_SHA_512_256};
    char ha1[DIGEST_HEX_MOST];
    struct script_credentials credentials;
    open_scene(L);
    credentials.user.at = luaL_checklstring(L, 1, &credentials.user.length);
    credentials.realm.at = luaL_checklstring(L, 2, &credentials.realm.length);
    credentials.algorithm = digests[luaL_checkoption(L, 3, NULL, names)];
    enum script_outcome outcome = script_on_credentials(net_of(L)->script, &credentials, ha1);
    lua_pushnil(L);
    if (outcome >= SCRIPT_ERROR)
        lua_pushliteral(L, "failed");
    else if (outcome == SCRIPT_VERDICT)
        lua_pushstring(L, ha1);
    return outcome >= SCRIPT_ERROR ? 2 : 1;
}

void spec_net_push(lua_State *L, struct spec_net *net)
{
    static const luaL_Reg functions[] = {{"domain", net_domain},
                                         {"trunk", net_trunk},
                                         {"user", net_user},
                                         {"edge", net_edge},
                                         {"algorithms", net_algorithms},
                                         {"option", net_option},
                                         {"open", net_open},
                                         {"restart", net_restart},
                                         {"time", net_time},
                                         {"next", net_next},
                                         {"pass", net_pass},
                                         {"receive", net_receive},
                                         {"connect", net_connect},
                                         {"close", net_close},
                                         {"unwanted", net_unwanted},
                                         {"icmp", net_icmp},
                                         {"returned", net_returned},
                                         {"deafen", net_deafen},
                                         {"name", net_name},
                                         {"refuse", net_refuse},
                                         {"take", net_take},
                                         {"begin", net_begin},
                                         {"phrase", net_phrase},
                                         {"rule", net_rule},
                                         {"credentials", net_credentials},
                                         {NULL, NULL}};
    lua_newtable(L);
    lua_pushlightuserdata(L, net);
    luaL_setfuncs(L, functions, 1);
}
