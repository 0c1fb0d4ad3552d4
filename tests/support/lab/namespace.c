// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <lua.h>
#include <sched.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/*
 * The Lua module "namespace": network namespaces for tests/e2e/support/lab.lua. The calling thread moves between them,
 * and a socket or a process belongs to the namespace in which the thread made it. A namespace ends with its last file
 * descriptor, socket, thread and process, so that nothing is left of it when the test program ends, however that
 * happens.
 *
 * Each function returns what its comment names, or nil and a message.
 */

static int failure(lua_State *L, const char *what)
{
    int error = errno;
    lua_pushnil(L);
    lua_pushfstring(L, "%s: %s", what, strerror(error));
    return 2;
}

static int success(lua_State *L)
{
    lua_pushboolean(L, 1);
    return 1;
}

static bool file_write(const char *path, const char *text)
{
    int file = open(path, O_WRONLY | O_CLOEXEC);
    if (file < 0)
        return false;
    bool complete = write(file, text, strlen(text)) == (ssize_t)strlen(text);
    int error = errno;
    close(file);
    errno = error;
    return complete;
}

static bool map_write(lua_State *L, const char *path, unsigned outside)
{
    const char *line = lua_pushfstring(L, "0 %d 1", (int)outside);
    bool written = file_write(path, line);
    lua_pop(L, 1);
    return written;
}

/* isolate() -> true: a user namespace in which the caller is root, and an empty network namespace. Once in a process,
   and before it has threads. */
static int namespace_isolate(lua_State *L)
{
    unsigned user = geteuid(), group = getegid();
    if (unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0)
        return failure(L, "unshare(CLONE_NEWUSER | CLONE_NEWNET)");
    /* Without this the kernel refuses gid_map to a process that was not root. */
    if (!file_write("/proc/self/setgroups", "deny"))
        return failure(L, "/proc/self/setgroups");
    if (!map_write(L, "/proc/self/uid_map", user))
        return failure(L, "/proc/self/uid_map");
    if (!map_write(L, "/proc/self/gid_map", group))
        return failure(L, "/proc/self/gid_map");
    return success(L);
}

static int current_open(lua_State *L)
{
    int descriptor = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        return failure(L, "/proc/thread-self/ns/net");
    lua_pushinteger(L, descriptor);
    return 1;
}

/* current() -> a descriptor of the namespace in which the caller is. */
static int namespace_current(lua_State *L)
{
    return current_open(L);
}

/* create() -> a descriptor of a new network namespace. The caller is in it from then on. */
static int namespace_create(lua_State *L)
{
    if (unshare(CLONE_NEWNET) != 0)
        return failure(L, "unshare(CLONE_NEWNET)");
    return current_open(L);
}

/* enter(DESCRIPTOR) -> true */
static int namespace_enter(lua_State *L)
{
    if (setns((int)luaL_checkinteger(L, 1), CLONE_NEWNET) != 0)
        return failure(L, "setns");
    return success(L);
}

/* close(DESCRIPTOR) -> true */
static int namespace_close(lua_State *L)
{
    close((int)luaL_checkinteger(L, 1));
    return success(L);
}

static bool netlink_answer(int socket)
{
    struct {
        struct nlmsghdr header;
        struct nlmsgerr answer;
    } received;
    ssize_t length = recv(socket, &received, sizeof received, 0);
    if (length < (ssize_t)sizeof received || received.header.nlmsg_type != NLMSG_ERROR) {
        errno = length < 0 ? errno : EPROTO;
        return false;
    }
    errno = -received.answer.error;
    return received.answer.error == 0;
}

/* forget_connections() -> true: the address translation of this namespace forgets all connections. */
static int namespace_forget_connections(lua_State *L)
{
    struct {
        struct nlmsghdr header;
        struct nfgenmsg family;
    } request = {
        .header = {.nlmsg_len = NLMSG_LENGTH(sizeof(struct nfgenmsg)),
                   .nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE,
                   .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK},
        .family = {.nfgen_family = AF_UNSPEC, .version = NFNETLINK_V0},
    };
    int channel = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
    if (channel < 0)
        return failure(L, "socket(NETLINK_NETFILTER)");
    bool done = send(channel, &request, sizeof request, 0) == (ssize_t)sizeof request && netlink_answer(channel);
    int error = errno;
    close(channel);
    errno = error;
    return done ? success(L) : failure(L, "deletion of the tracked connections");
}

int luaopen_namespace(lua_State *L);

int luaopen_namespace(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"isolate", namespace_isolate},
        {"current", namespace_current},
        {"create", namespace_create},
        {"enter", namespace_enter},
        {"close", namespace_close},
        {"forget_connections", namespace_forget_connections},
        {NULL, NULL},
    };
    luaL_newlib(L, functions);
    return 1;
}
