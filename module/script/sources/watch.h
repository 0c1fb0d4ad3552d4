// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_SCRIPT_WATCH_H
#define REFLOW_SCRIPT_WATCH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include <lua.h>

/*
 * Stops Lua that runs past its time. A timer on the running thread's own CPU clock ticks every few milliseconds that
 * the thread computes, and never while it waits; only when a tick finds the same entry running past its limit does it
 * set a Lua hook, which raises at every further instruction, so that no pcall outlasts it. Entries that end in time pay
 * two stores.
 *
 * The tick is a signal (SIGVTALRM) to the thread that runs the script, since lua_sethook may be called from a signal
 * handler of the running thread but not from another thread. Two things are therefore the process's and not an
 * object's: the handler of that signal, and per thread the pointer to the watch that runs now and the thread's mark. A
 * child after fork() must load its scripts anew: timers are not inherited.
 */
struct watch {
    lua_State *L;
    uint32_t limit_ms;
    volatile bool seen; /* a tick has found the entry that runs now */
    volatile bool overran;
    uint64_t seen_at; /* that tick's time, ns */
    timer_t timer;
    uint64_t thread; /* whose clock the timer is on */
    bool armed;
};

/* In place; `watch` must not move afterwards. 0, or -EBUSY where the process uses SIGVTALRM for something else. */
int watch_create(struct watch *watch, lua_State *L);
void watch_destroy(struct watch *watch); /* zeroed is fine */

/* Around an entry into Lua. begin: 0, or the negative error of timer_create; then don't enter. end: whether it was
   stopped; the state may be entered again. */
static inline int watch_begin(struct watch *watch, uint32_t limit_ms);
static inline bool watch_end(struct watch *watch);

/* Whether the entry that runs in the state is being stopped. Lua called from then on inside a message handler would run
   with hooks off, for ever: don't. */
bool watch_is_over(lua_State *L);

/* For C functions that may run long: raises where the time is over. Does nothing where nobody watches the state. */
void watch_check(lua_State *L);

/* What the two above are made of: they stand here since they are on the way of every call. */
extern _Thread_local struct watch *volatile watch_running;
extern _Thread_local uint64_t watch_thread_mark;
int watch_arm(struct watch *watch);
void watch_clear(struct watch *watch);

static inline int watch_begin(struct watch *watch, uint32_t limit_ms)
{
    int error = watch->armed && watch->thread == watch_thread_mark ? 0 : watch_arm(watch);
    if (error != 0)
        return error;
    watch->limit_ms = limit_ms;
    watch->seen = false;
    watch->overran = false;
    atomic_signal_fence(memory_order_seq_cst);
    watch_running = watch;
    return 0;
}

static inline bool watch_end(struct watch *watch)
{
    watch_running = NULL;
    atomic_signal_fence(memory_order_seq_cst);
    if (watch->overran)
        watch_clear(watch);
    return watch->overran;
}

#endif
