// SPDX-License-Identifier: GPL-2.0-or-later
#include "kamailio/base/ksr.h"

#include <stdio.h>

#include "core/code.h"
#include "kamailio/base/module_config.h"
#include "kamailio/call/react_private.h"

/*
 * Lets tm forward the best response (RFC 3261 16.7 steps 6 and 7). tm can forward only the response that it has chosen
 * itself, by the codes that it has stored for each branch. So these codes are changed during its choice.
 */

enum {
    OUT_OF_THE_RUNNING = CODE_MOST + CODE_LEAST /* tm ranks codes of no class below all others */
};

bool best_is_received(const struct ua_client *uac)
{
    return uac->reply != NULL && uac->reply != FAKED_REPLY;
}

/* The tm branch of the response; -1: none. */
static int winner_branch(const struct cell *t, const struct call_best *best)
{
    if (best->branch == NULL)
        return best->other;
    return branch_index(
        t, (const struct ksr_branch *)(const void *)((const char *)best->branch - offsetof(struct ksr_branch, model)));
}

static struct call_best choose(struct cell *t, struct call *call)
{
    call_sync(call, t);
    return call_best(&call->model);
}

struct call_best best_reply(struct cell *t, struct call *call, struct sip_msg **reply)
{
    const struct call_best best = choose(t, call);
    int index = winner_branch(t, &best);
    *reply = index >= 0 ? t->uac[index].reply : NULL;
    return best;
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

/* tm ranks the current branch by the received code, whatever is stored for it, so the best response must rank above
   that. */
void best_weigh(struct cell *t, struct call *call, int index)
{
    const struct call_best best = choose(t, call);
    int winner = winner_branch(t, &best);
    if (winner < 0)
        return;
    lower(t, winner);
    call->branch_in_hand = (uint8_t)(index + 1);
    call->branches_weighed = (uint8_t)t->nr_of_outgoings;
    if (winner == index || is_challenge(code_of(&t->uac[winner])))
        return;
    t->uac[winner].last_received = SIP_BUSY_EVERYWHERE;
    call->branch_raised = (uint8_t)(winner + 1);
}

static void show_as_timeout(struct cell *t, struct call *call, struct tmcb_params *params, int index)
{
    call_sync(call, t);
    const uint32_t status = call_choose(&call->model).status;
    params->code = status != 0 ? (int)status : SIP_REQUEST_TIMEOUT;
    params->rpl = FAKED_REPLY;
    t->uac[index].last_received = SIP_REQUEST_TIMEOUT;
    call->branch_shown = (uint8_t)(index + 1);
}

/* tm recognises a repeated response by its code. */
static void hide_timeout(struct cell *t, struct call *call)
{
    if (call->branch_shown != 0 && t->uac[call->branch_shown - 1].last_received == SIP_REQUEST_TIMEOUT)
        t->uac[call->branch_shown - 1].last_received = SIP_FLOW_FAILED;
    call->branch_shown = 0;
}

void best_weighed(struct cell *t, struct call *call)
{
    if (call->branch_raised == 0)
        return;
    struct ua_client *uac = &t->uac[call->branch_raised - 1];
    call->branch_raised = 0;
    if (best_is_received(uac))
        uac->last_received = code_of(uac);
}

/* Accounting and scripts never see a 430 (5626-11.5.a): for a script it is a phone that does not answer, as it is
   without RFC 5626. The raised code was for tm's choice alone. */
void best_begin_failure(struct cell *t, struct call *call, struct tmcb_params *params)
{
    const int index = tmb.t_get_picked_branch();
    best_weighed(t, call);
    call->branches_failing = (uint8_t)t->nr_of_outgoings;
    if (index < 0 || index >= t->nr_of_outgoings || !best_is_received(&t->uac[index]))
        return;
    if (params->code == SIP_BUSY_EVERYWHERE)
        params->code = code_of(&t->uac[index]);
    if (params->code == SIP_FLOW_FAILED && call->model.role != ROLE_EDGE)
        show_as_timeout(t, call, params, index);
}

void best_settled(struct cell *t, struct call *call)
{
    hide_timeout(t, call);
    bool chooses_again =
        t->uas.status < CODE_FINAL_LEAST && transaction_pending(t) == 0 && call->branches_weighed != t->nr_of_outgoings;
    for (int i = 0; i < t->nr_of_outgoings && !chooses_again; i++) {
        struct ua_client *uac = &t->uac[i];
        if (uac->last_received == OUT_OF_THE_RUNNING)
            uac->last_received = best_is_received(uac) ? code_of(uac) : SIP_REQUEST_TIMEOUT;
    }
}

/* --- the response to forward --- */

/* tm's failure_reply_mode: after a failure route tm discards all responses (1, 2), or those from before the branches
   that the route has added (3), and cannot forward them. */
enum { DROPS_WHERE_ADDED = 3 };
static const int *tm_drops;

void best_create(void)
{
    tm_drops = module_parameter("tm", "failure_reply_mode", PARAM_INT);
}

static bool drops(const struct cell *t, const struct call *call)
{
    if (tm_drops == NULL)
        return false;
    return *tm_drops == DROPS_WHERE_ADDED ? call->branches_weighed != t->nr_of_outgoings : *tm_drops != 0;
}

/* tm forwards the response that it has chosen; if the route has added branches since, it will choose again. */
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

/* tm sends the same by itself, for the timeout that it has made: then its other callbacks see what they expect. */
static bool is_of_tm(const struct cell *t, const struct call *call, uint32_t status)
{
    const int picked = tmb.t_get_picked_branch();
    if (picked < 0 || picked >= t->nr_of_outgoings)
        return false;
    const struct ua_client *uac = &t->uac[picked];
    const bool all_dropped = tm_drops != NULL && *tm_drops != 0 && *tm_drops != DROPS_WHERE_ADDED;
    const uint32_t own = (t->flags & T_CANCELED) != 0 ? SIP_REQUEST_TERMINATED : (uint32_t)uac->last_received;
    return uac->reply == FAKED_REPLY && own == status && !all_dropped && call->branches_failing == t->nr_of_outgoings;
}

/* 3261-16.7.h. A stored response has been parsed completely, or must not be parsed now, because it is in shared
   memory. */
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
        if (best_is_received(&t->uac[i]) && is_challenge(code_of(&t->uac[i])))
            copy_challenges(msg, t->uac[i].reply);
}

/* tm copies the flags of the route's message to its own request when the route has ended, but accounting looks at them
   in the latter when this response is sent. */
void best_answer(struct sip_msg *msg, struct cell *t, uint32_t status)
{
    t->uas.request->flags = msg->flags;
    tmb.t_reply(msg, status, (char *)code_phrase(status));
    msg->flags = t->uas.request->flags;
}

/* Kamailio frees the fields with the message. */
static void answer(struct sip_msg *msg, struct cell *t, const struct call *call, uint32_t status)
{
    char field[40];
    if (is_challenge((short)status))
        add_challenges(msg, t);
    if (call->model.has_retry_after) {
        int length = snprintf(field, sizeof field, "Retry-After: %u\r\n", call->model.retry_after);
        add_lump_rpl(msg, field, length, LUMP_RPL_HDR);
    }
    best_answer(msg, t, status);
}

/* 4320-4.a. Nothing is sent: tm frees the transaction when its wait timer fires. */
static void end_in_silence(struct cell *t)
{
    t->uas.status = SIP_REQUEST_TIMEOUT;
    tmb.t_release_transaction(t);
}

void best_send(struct sip_msg *msg, struct cell *t, struct call *call)
{
    call_sync(call, t);
    const struct call_upstream upstream = call_choose(&call->model);
    int winner = upstream.kind == UPSTREAM_RELAY ? winner_branch(t, &upstream.winner) : -1;
    bool as_it_came = winner >= 0 && upstream.status == code_of(&t->uac[winner]);
    const bool plain = !call->model.has_retry_after;
    if (plain && (as_it_came ? leave_to_tm(t, call, winner)
                             : upstream.kind == UPSTREAM_OWN && is_of_tm(t, call, upstream.status)))
        return;
    if (upstream.kind == UPSTREAM_SILENCE)
        end_in_silence(t);
    else
        answer(msg, t, call, upstream.status);
}
