// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_SCRIPT_WATCH_H
#define REFLOW_SCRIPT_WATCH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include <lua.h>

/*
 * Stops a Lua entry that exceeds its time. A timer on the CPU clock of the running thread ticks every few milliseconds
 * while the thread computes, and never while it waits. Only if a tick finds the entry beyond its limit does it set a
 * Lua hook, which raises an error at every further instruction, so that no pcall can catch it for long. An entry that
 * ends in time costs two stores.
 *
 * The tick is a signal (SIGVTALRM) to the thread that runs the script, because lua_sethook() may be called from a
 * signal handler of the running thread, but not from another thread. So two things belong to the process and not to an
 * object: the handler of that signal, and for each thread the pointer to the current watch and the thread's mark. A
 * child after fork() must load its scripts again, because timers are not inherited.
 */
struct watch {
    lua_State *L;
    uint32_t limit_ms;
    volatile bool seen; /* a tick has seen the current entry */
    volatile bool overran;
    uint64_t seen_at; /* that tick's time, ns */
    timer_t timer;
    uint64_t thread; /* the thread whose clock the timer uses */
    bool armed;
};

/* Initialises in place; `watch` must not move afterwards. Returns 0, or -EBUSY if the process uses SIGVTALRM for
   something else. */
int watch_create(struct watch *watch, lua_State *L);
void watch_destroy(struct watch *watch); /* zeroed is fine */

/* Called around an entry into Lua. begin returns 0, or the negative error of timer_create(); then do not enter. end
   returns whether the entry was stopped; the state may be entered again. */
static inline int watch_begin(struct watch *watch, uint32_t limit_ms);
static inline bool watch_end(struct watch *watch);

/* Returns whether the current entry of the state is being stopped. Lua code that a message handler calls then would
   run without hooks and without end, so it must not be called. */
bool watch_is_over(lua_State *L);

/* For C functions that may run long: raises an error if the time is over. Does nothing if the state is not watched. */
void watch_check(lua_State *L);

/* The implementation of the two functions above; in the header because every call passes here. */
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
