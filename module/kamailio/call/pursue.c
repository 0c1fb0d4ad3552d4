// SPDX-License-Identifier: GPL-2.0-or-later
#include "kamailio/base/ksr.h"

#include "core/code.h"
#include "kamailio/policy/events.h"
#include "kamailio/flow/flows.h"
#include "kamailio/flow/keeper.h"
#include "kamailio/glue/module.h"
#include "kamailio/call/react_private.h"
#include "kamailio/call/rests.h"
#include "kamailio/base/stats.h"
#include "kamailio/call/targets.h"

/* What follows from a decision: the binding goes, the destination rests, the next flow or the next targets are sent to.
   A leg that cannot be sent to has failed by that, and something follows from it too. */

static bool may_add(const struct cell *t, const struct call *call)
{
    return t->uas.status < CODE_FINAL_LEAST && (t->flags & T_CANCELED) == 0 && !call->global_failure_seen &&
           call->fail_status == 0;
}

/* --- what goes --- */

static bool is_text(const str *a, struct text b)
{
    return (size_t)a->len == b.length && (b.length == 0 || memcmp(a->s, b.at, b.length) == 0);
}

/* 5626-7.g; but a user agent that has registered anew meanwhile, over another flow, is to be reached over that. */
static bool stands_on_same_flow(const struct call *call, struct leg *leg)
{
    udomain_t *domain;
    urecord_t *record = NULL;
    ucontact_t *contact = NULL;
    if (ul.get_udomain(call->table, &domain) < 0 ||
        ul.get_urecord_by_ruid(domain, leg->aor_hash, &leg->binding, &record, &contact) != 0)
        return false;
    str aor = record->aor;
    bool same = flow_of_contact(contact) == leg->target->flow && is_text(&contact->path, leg->target->path);
    ul.release_urecord(record);
    ul.unlock_udomain(domain, &aor);
    return same;
}

static void drop_flow(const struct call *call, const struct leg *leg)
{
    flow_id flow = leg->target->flow;
    target_flow_died(call->targets, flow);
    if (flow == 0 || leg->down) /* whoever marked the leg has told of it */
        return;
    keeper_flow_down(flow, FLOW_SEND_FAILED);
}

static void drop(const struct call *call, struct leg *leg)
{
    if (leg->decision.drop == DROP_FLOW)
        drop_flow(call, leg);
    else if (leg->decision.drop == DROP_BINDING && module_has_usrloc && call->table[0] != '\0' &&
             leg->target->aor.length > 0 && stands_on_same_flow(call, leg))
        contact_drop(call->table, leg->aor_hash, &leg->binding);
}

static void rest(struct cell *t, const struct leg *leg, int branch)
{
    if (leg->decision.rest_s > 0 && branch >= 0)
        rest_set((struct text){NULL, 0}, text_of(su2a(&t->uac[branch].request.dst.to, sizeof(union sockaddr_union))),
                 leg->decision.rest_s);
}

/* A target that has ended is tried again or not, and its instance with it. */
static void mark(struct call *call, const struct leg *leg)
{
    if (leg->action == ACTION_NEXT_FLOW)
        return;
    if ((leg->decision.flags & FLAG_ANSWERED) != 0 || target_flows_left(call->targets, leg->target) > 0)
        target_answered(call->targets, leg->target);
    else
        target_failed(call->targets, leg->target);
}

/* --- what comes --- */

/* tm gives up a branch that it could not send with a final of no message, and tells nobody. */
static bool is_unsent(const struct cell *t, const struct leg *leg)
{
    int branch = react_branch(t, leg);
    return branch < 0 || (t->uac[branch].last_received >= CODE_FINAL_LEAST && t->uac[branch].reply == NULL);
}

static struct leg *next_unsent(const struct cell *t, struct call *call)
{
    for (size_t i = 0; i < call->leg_count; i++) {
        struct leg *leg = call->legs[i];
        if (leg->target->status == TARGET_PENDING && !leg->decided && is_unsent(t, leg))
            return leg;
    }
    return NULL;
}

/* New branches are told of as those before them were. */
static void forward(struct sip_msg *msg, struct cell *t)
{
    const struct ua_client *like = call_first_branch(t);
    if (like != NULL && t->on_branch_failure == 0)
        t->on_branch_failure = like->on_branch_failure;
    if (like != NULL && t->on_failure == 0)
        t->on_failure = like->on_failure;
    if (like != NULL && t->on_reply == 0)
        t->on_reply = like->on_reply;
    if (t->on_branch == 0)
        t->on_branch = t->on_branch_delayed;
    const int before = t->nr_of_outgoings;
    if (tmb.t_forward_nonack(msg, NULL) >= 0 || ser_error != E_CANCELED)
        return;
    for (int i = before; i < t->nr_of_outgoings;
         i++) /* tm has made them, will not send them, and would wait for them */
        if (t->uac[i].last_received < CODE_FINAL_LEAST)
            t->uac[i].last_received = SIP_REQUEST_TIMEOUT;
}

static void put_next(struct sip_msg *msg, struct cell *t, struct call *call, const struct leg *leg)
{
    struct target *next = leg->action == ACTION_NEXT_FLOW ? target_next_flow(call->targets, leg->target) : NULL;
    struct leg *other = next != NULL ? call_leg_of_target(call, next) : NULL;
    size_t put = other != NULL && call_put_leg(msg, call, other, false) == 0 ? 1 : 0;
    bool goes_on = put == 0 && (leg->action == ACTION_NEXT_FLOW || leg->action == ACTION_NEXT_TARGET);
    if (put > 0)
        stats_count(STAT_FAILOVERS);
    /* 5393-5.a: what the leg had of Max-Breadth is given back. */
    if (goes_on || call->waits)
        put += call_put_targets(msg, call, leg->open_class || react_pending(t) == 0, false);
    if (put > 0)
        forward(msg, t);
}

/* 3261-10.a: the same target by its Contact. */
static bool put_contact(struct sip_msg *msg, struct cell *t, struct call *call, struct leg *leg)
{
    if ((leg->decision.flags & FLAG_NEXT_SERVER) == 0 || leg->action != ACTION_NEXT_TARGET || !may_add(t, call))
        return false;
    struct leg *other = targets_leg_by_contact(call, leg);
    if (other == NULL || call_put_leg(msg, call, other, false) < 0)
        return false;
    forward(msg, t);
    return true;
}

static void follow(struct sip_msg *msg, struct cell *t, struct call *call, struct leg *leg)
{
    int branch = react_branch(t, leg);
    leg->carried_out = true;
    drop(call, leg);
    rest(t, leg, branch);
    if (put_contact(msg, t, call, leg))
        return;
    mark(call, leg);
    if (leg->cancels_rest)
        react_cancel_pending(t);
    if (may_add(t, call))
        put_next(msg, t, call, leg);
}

/* 3261-16.9.a. Each leg is sent to once, so this ends. */
static void follow_unsent(struct sip_msg *msg, struct cell *t, struct call *call)
{
    struct leg *leg;
    while ((leg = next_unsent(t, call)) != NULL) {
        struct news news = {.t = t, .call = call, .leg = leg, .branch = react_branch(t, leg), .request = msg};
        news_gather(&news, leg_origin_unsent(leg), 0);
        news_of_end(&news);
        follow(msg, t, call, leg);
    }
}

void pursue(struct sip_msg *msg, struct cell *t, struct call *call, struct leg *leg)
{
    if (!leg->carried_out)
        follow(msg, t, call, leg);
    follow_unsent(msg, t, call);
}

void pursue_more(struct sip_msg *msg, struct cell *t, struct call *call)
{
    if (may_add(t, call) && call_put_targets(msg, call, true, false) > 0) {
        forward(msg, t);
        follow_unsent(msg, t, call);
    }
}

void pursue_all(struct sip_msg *msg, struct cell *t, struct call *call)
{
    for (size_t i = 0; i < call->leg_count; i++) {
        if (call->legs[i]->decided && !call->legs[i]->carried_out)
            follow(msg, t, call, call->legs[i]);
    }
    follow_unsent(msg, t, call);
    if (react_pending(t) == 0)
        pursue_more(msg, t, call);
}
