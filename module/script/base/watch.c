// SPDX-License-Identifier: BSD-2-Clause
#include "script/base/watch.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <lauxlib.h>

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

enum { TICK_NS = 5000000, WATCH_SIGNAL = SIGVTALRM };

_Thread_local struct watch *volatile watch_running;

/* Identifies this thread among all, including ended ones, which pthread_t does not: the time at which it was first
   armed. */
_Thread_local uint64_t watch_thread_mark;

static uint64_t clock_ns(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

static void stop(lua_State *L, lua_Debug *activation)
{
    (void)activation;
    luaL_where(L, 0);
    lua_pushliteral(L, "ran past its time");
    lua_concat(L, 2);
    lua_error(L);
}

static void tick(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)info;
    (void)context;
    struct watch *watch = watch_running;
    if (watch == NULL)
        return;
    int saved = errno;
    uint64_t now = clock_ns(CLOCK_THREAD_CPUTIME_ID);
    if (!watch->seen) {
        watch->seen_at = now;
        watch->seen = true;
    } else if (!watch->overran && now - watch->seen_at >= (uint64_t)watch->limit_ms * 1000000U) {
        watch->overran = true;
        lua_sethook(watch->L, stop, LUA_MASKCOUNT | LUA_MASKCALL, 1);
    }
    errno = saved;
}

int watch_create(struct watch *watch, lua_State *L)
{
    struct sigaction action;
    *watch = (struct watch){.L = L};
    if (sigaction(WATCH_SIGNAL, NULL, &action) != 0)
        return -errno;
    if ((action.sa_flags & SA_SIGINFO) != 0)
        return action.sa_sigaction == tick ? 0 : -EBUSY;
    if (action.sa_handler != SIG_DFL && action.sa_handler != SIG_IGN)
        return -EBUSY;
    action = (struct sigaction){.sa_sigaction = tick, .sa_flags = SA_SIGINFO | SA_RESTART};
    return sigaction(WATCH_SIGNAL, &action, NULL) == 0 ? 0 : -errno;
}

static void disarm(struct watch *watch)
{
    if (watch->armed)
        timer_delete(watch->timer);
    watch->armed = false;
}

void watch_destroy(struct watch *watch)
{
    disarm(watch);
}

int watch_arm(struct watch *watch)
{
    struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = WATCH_SIGNAL};
    struct itimerspec period = {.it_interval = {.tv_nsec = TICK_NS}, .it_value = {.tv_nsec = TICK_NS}};
    sigset_t signals;
    disarm(watch);
    sigemptyset(&signals);
    sigaddset(&signals, WATCH_SIGNAL);
    pthread_sigmask(SIG_UNBLOCK, &signals, NULL);
    event.sigev_notify_thread_id = (pid_t)syscall(SYS_gettid);
    if (timer_create(CLOCK_THREAD_CPUTIME_ID, &event, &watch->timer) != 0)
        return -errno;
    watch->armed = true;
    if (watch_thread_mark == 0)
        watch_thread_mark = clock_ns(CLOCK_MONOTONIC);
    watch->thread = watch_thread_mark;
    return timer_settime(watch->timer, 0, &period, NULL) == 0 ? 0 : -errno;
}

void watch_clear(struct watch *watch)
{
    lua_sethook(watch->L, NULL, 0, 0);
}

bool watch_is_over(lua_State *L)
{
    return lua_gethook(L) == stop;
}

void watch_check(lua_State *L)
{
    if (watch_is_over(L))
        luaL_error(L, "ran past its time");
}
