// SPDX-License-Identifier: GPL-2.0-or-later
#include "kamailio/base/ksr.h"

#include <stdio.h>

#include "core/best.h"
#include "core/code.h"
#include "kamailio/glue/module.h"
#include "kamailio/call/react_private.h"

/*
 * Which response goes up (RFC 3261 16.7 steps 6 and 7). What is relayed as it came is relayed by tm, which can do that
 * only with the winner it has chosen itself, by the codes it has noted for each branch: so these are changed for the
 * moment of its choice.
 */

enum {
    FINALS_MOST = TARGETS_MOST + MAX_BRANCHES_LIMIT,
    OUT_OF_THE_RUNNING = CODE_MOST + CODE_LEAST /* tm ranks what is of no class below all others */
};

struct finals {
    struct stored_response stored[FINALS_MOST];
    int branch[FINALS_MOST]; /* of t; -1: tm made none */
    size_t count;
};

static bool is_received(const struct ua_client *uac)
{
    return uac->reply != NULL && uac->reply != FAKED_REPLY;
}

static void store(struct finals *finals, uint16_t code, uint8_t origin, int branch)
{
    if (finals->count == FINALS_MOST)
        return;
    finals->stored[finals->count] = (struct stored_response){.code = code, .origin = origin};
    finals->branch[finals->count++] = branch;
}

/* A branch that is none of ours: the script has added it. */
static void store_foreign(struct finals *finals, const struct ua_client *uac, int branch)
{
    if (uac->request.buffer == NULL) /* what a suspended transaction waited on */
        return;
    if (is_received(uac))
        store(finals, (uint16_t)uac->reply->first_line.u.reply.statuscode, ORIGIN_WIRE, branch);
    else if (uac->reply == FAKED_REPLY)
        store(finals, SIP_REQUEST_TIMEOUT, ORIGIN_TIMEOUT, branch);
    else
        store(finals, SIP_SERVICE_UNAVAILABLE, ORIGIN_TRANSPORT, branch);
}

/* The finals of all branches, newest first; a replaced branch's 430 and 408 are among them. */
static void gather(struct finals *finals, const struct cell *t, struct call *call)
{
    finals->count = 0;
    for (int i = t->nr_of_outgoings - 1; i >= 0; i--) {
        const struct leg *leg = call_leg(call, &t->uac[i].ruid);
        if (leg == NULL)
            store_foreign(finals, &t->uac[i], i);
        else if (leg->decided)
            store(finals, leg->code, is_received(&t->uac[i]) ? leg->origin : ORIGIN_TRANSPORT, i);
    }
    for (size_t i = 0; i < call->leg_count; i++)
        if (call->legs[i]->decided && react_branch(t, call->legs[i]) < 0)
            store(finals, call->legs[i]->code, call->legs[i]->origin, -1);
}

struct choice {
    struct best best;
    int branch; /* whose message it is; -1: none's */
};

/* An edge has one target, and the authoritative proxy must know that its flow is gone (5626-5.3.c). */
static bool is_gone_at_edge(const struct call *call)
{
    return call->role == ROLE_EDGE && call->leg_count == 1 && call->legs[0]->decided &&
           call->legs[0]->decision.status == SIP_FLOW_FAILED;
}

static struct choice choose(const struct cell *t, struct call *call)
{
    struct finals finals;
    gather(&finals, t, call);
    struct choice choice = {.best = best_choose(react_method(t->uas.request), finals.stored, finals.count),
                            .branch = -1};
    if (is_gone_at_edge(call))
        choice.best = (struct best){.index = -1, .status = SIP_FLOW_FAILED, .rule = RULE_5626_5_3_C};
    if (choice.best.index >= 0)
        choice.branch = finals.branch[choice.best.index];
    /* 5626-5.3.c: that an edge's one flow is gone is for the authoritative proxy to know. */
    if (call->role == ROLE_EDGE && call->leg_count > 0 && call->legs[0]->code == SIP_FLOW_FAILED)
        choice.best.status = SIP_FLOW_FAILED;
    return choice;
}

struct sip_msg *best_reply(const struct cell *t, struct call *call, uint32_t *status)
{
    struct choice choice = choose(t, call);
    *status = choice.best.status;
    return choice.branch >= 0 ? t->uac[choice.branch].reply : NULL;
}

/* --- tm's choice --- */

static short code_of(const struct ua_client *uac)
{
    return (short)uac->reply->first_line.u.reply.statuscode;
}

static bool is_challenge(short code)
{
    return code == SIP_UNAUTHORIZED || code == SIP_PROXY_AUTHENTICATION_REQUIRED;
}

/* 3261-16.7.h: tm merges the challenges of those branches that it still knows by their codes. */
static void lower(struct cell *t, int winner)
{
    bool merges = is_challenge(code_of(&t->uac[winner]));
    for (int i = 0; i < t->nr_of_outgoings; i++) {
        struct ua_client *uac = &t->uac[i];
        if (i == winner || uac->reply == NULL || (merges && is_challenge(uac->last_received)))
            continue;
        uac->last_received = OUT_OF_THE_RUNNING;
    }
}

/* The branch in hand is ranked by the code that came, whatever is noted for it: against that one a winner must be
   raised. */
void best_weigh(struct cell *t, struct call *call, int branch)
{
    int winner = choose(t, call).branch;
    if (winner < 0)
        return;
    lower(t, winner);
    call->branch_in_hand = (uint8_t)(branch + 1);
    call->branches_weighed = (uint8_t)t->nr_of_outgoings;
    if (winner == branch || is_challenge(code_of(&t->uac[winner])))
        return;
    t->uac[winner].last_received = SIP_BUSY_EVERYWHERE;
    call->branch_raised = (uint8_t)(winner + 1);
}

void best_weighed(struct cell *t, struct call *call)
{
    if (call->branch_raised == 0)
        return;
    struct ua_client *uac = &t->uac[call->branch_raised - 1];
    call->branch_raised = 0;
    if (is_received(uac))
        uac->last_received = code_of(uac);
}

void best_settled(struct cell *t, struct call *call)
{
    bool chooses_again =
        t->uas.status < CODE_FINAL_LEAST && react_pending(t) == 0 && call->branches_weighed != t->nr_of_outgoings;
    for (int i = 0; i < t->nr_of_outgoings && !chooses_again; i++) {
        struct ua_client *uac = &t->uac[i];
        if (uac->last_received == OUT_OF_THE_RUNNING)
            uac->last_received = is_received(uac) ? code_of(uac) : SIP_REQUEST_TIMEOUT;
    }
}

/* --- what goes up --- */

/* tm's failure_reply_mode: after a failure route it forgets all responses (1, 2), or those from before the branches
   that the route has added (3), and has none of them to relay. */
enum { DROPS_WHERE_ADDED = 3 };
static const int *tm_drops;

void best_create(void)
{
    modparam_t type;
    char name[] = "failure_reply_mode";
    sr_module_t *tm = find_module_by_name("tm");
    if (tm != NULL)
        tm_drops = find_param_export(tm, name, PARAM_INT, &type);
}

static bool drops(const struct cell *t, const struct call *call)
{
    if (tm_drops == NULL)
        return false;
    return *tm_drops == DROPS_WHERE_ADDED ? call->branches_weighed != t->nr_of_outgoings : *tm_drops != 0;
}

/* tm relays the winner that it has chosen; where the route has added branches since, it will choose again. */
static bool leave_to_tm(struct cell *t, struct call *call, int winner)
{
    if (drops(t, call))
        return false;
    if (call->branches_weighed != t->nr_of_outgoings) {
        best_weigh(t, call, call->branch_in_hand - 1);
        return true;
    }
    int picked = tmb.t_get_picked_branch();
    bool merges = is_challenge(code_of(&t->uac[winner])) && is_challenge(t->uac[picked].last_received);
    return picked == winner || merges;
}

/* 3261-16.7.h. A stored response has been parsed to its end, or else it must not be: it lies in shared memory. */
static void copy_challenges(struct sip_msg *msg, struct sip_msg *reply)
{
    if ((reply->msg_flags & FL_SHM_CLONE) == 0 && parse_headers(reply, HDR_EOH_F, 0) < 0)
        return;
    for (const struct hdr_field *field = reply->headers; field != NULL; field = field->next)
        if (field->type == HDR_WWW_AUTHENTICATE_T || field->type == HDR_PROXY_AUTHENTICATE_T)
            add_lump_rpl(msg, field->name.s, field->len, LUMP_RPL_HDR);
}

static void add_challenges(struct sip_msg *msg, const struct cell *t)
{
    for (int i = 0; i < t->nr_of_outgoings; i++)
        if (is_received(&t->uac[i]) && is_challenge(code_of(&t->uac[i])))
            copy_challenges(msg, t->uac[i].reply);
}

/* Kamailio frees the fields with the message. */
static void answer(struct sip_msg *msg, const struct cell *t, const struct call *call, uint32_t status)
{
    char field[40];
    if (is_challenge((short)status))
        add_challenges(msg, t);
    if (call->has_retry_after) {
        int length = snprintf(field, sizeof field, "Retry-After: %u\r\n", call->retry_after);
        add_lump_rpl(msg, field, length, LUMP_RPL_HDR);
    }
    tmb.t_reply(msg, status, (char *)code_phrase(status));
}

/* 4320-4.a. Nothing is sent, and nothing will be: tm frees the transaction when its wait timer fires. */
static void end_in_silence(struct cell *t)
{
    t->uas.status = SIP_REQUEST_TIMEOUT;
    tmb.t_release_transaction(t);
}

void best_send(struct sip_msg *msg, struct cell *t, struct call *call)
{
    struct choice choice = choose(t, call);
    const struct best *best = &choice.best;
    bool global = call->global_failure_seen && code_class(best->status) == CLASS_GLOBAL_FAILURE;
    bool as_it_came = choice.branch >= 0 && best->status == code_of(&t->uac[choice.branch]);
    if (call->fail_status != 0 && !global)
        answer(msg, t, call, call->fail_status);
    else if (as_it_came && !call->has_retry_after && leave_to_tm(t, call, choice.branch))
        return;
    else if (choice.branch < 0 && (t->flags & T_CANCELED) != 0 && is_invite(t))
        answer(msg, t, call, SIP_REQUEST_TERMINATED);
    else if (best->status == 0)
        end_in_silence(t);
    else
        answer(msg, t, call, best->status);
}
