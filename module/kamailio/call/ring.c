// SPDX-License-Identifier: GPL-2.0-or-later
#include "kamailio/base/ksr.h"

#include "kamailio/call/ring.h"

#include "kamailio/base/module_config.h"

enum { RING_MOST_MS = 600000 }; /* no call rings longer, and the transaction is held for it */

static bool has_next(const struct call *call)
{
    return call_may_add(&call->model) && target_targets_left(call->model.targets) > 0;
}

/* For a branch that it adds late, tm reports TMCB_REQUEST_OUT with the number of another branch. */
static void watch_new(struct cell *t, struct call *call, int first)
{
    for (int i = first; i < t->nr_of_outgoings; i++)
        call_watch_branch(t, call, i);
}

static void ring_next(struct cell *t, struct call *call)
{
    str all = {NULL, 0};
    int before = t->nr_of_outgoings;
    const struct ua_client *like = call_branch_to_follow(t, call);
    clear_branches(); /* left by the route of another call */
    if (like == NULL || call_put_beside(t->uas.request, call) == 0)
        return;
    t->on_failure = like->on_failure;
    t->on_branch_failure = like->on_branch_failure;
    t->on_reply = like->on_reply;
    if (tmb.t_append_branches(&all) <= 0)
        LM_DBG("the next target could not be tried\n");
    watch_new(t, call, before);
}

bool ring_beside(struct cell *t, struct call *call)
{
    struct cell *current = tmb.t_gett();
    int index = tmb.t_gett_branch();
    int depth = t->reply_rec_lock_level;
    call_sync(call, t);
    if (!has_next(call))
        return false;
    tmb.t_sett(t, T_BR_UNDEFINED);
    sr_xavp_t **attributes = xavp_set_list(&t->xavps_list);
    ring_next(t, call);
    xavp_set_list(attributes);
    tmb.t_sett(current, index);
    t->reply_rec_lock_level = depth; /* tm keeps one if it runs out of memory */
    return has_next(call);
}

static ticks_t ring(ticks_t now, struct timer_ln *timer, void *parameter)
{
    struct cell *t = parameter;
    (void)now;
    (void)timer;
    call_lock(t);
    struct call *call = call_of(t);
    ticks_t again = ring_beside(t, call) ? MS_TO_TICKS(call->model.ring_next_ms) : 0;
    call_unlock(t);
    if (again == 0)
        tmb.unref_cell(t);
    return again;
}

void ring_start(struct cell *t, struct call *call)
{
    if (call->model.ring_next_ms == 0 || call->model.ring_next_ms > RING_MOST_MS || call->ringing ||
        target_targets_left(call->model.targets) == 0)
        return;
    call->ringing = true;
    atomic_inc(&t->ref_count);
    timer_init(&call->ring_next, ring, t, 0);
    if (timer_add(&call->ring_next, MS_TO_TICKS(call->model.ring_next_ms)) == 0)
        return;
    call->model.ring_next_ms = 0;
    tmb.unref_cell(t);
}
