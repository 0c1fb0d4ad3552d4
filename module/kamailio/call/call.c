// SPDX-License-Identifier: GPL-2.0-or-later
#include "kamailio/base/ksr.h"

#include "kamailio/call/call.h"

#include <string.h>

#include "core/code.h"
#include "kamailio/call/breadth.h"
#include "kamailio/call/peer.h"
#include "kamailio/call/forced.h"
#include "kamailio/flow/connection.h"
#include "kamailio/base/host.h"
#include "kamailio/base/module_config.h"

/* The record of a request: created, found again, informed of tm's events, and freed with the transaction. */

/* The last record that was created before its transaction, because tm offers no access to what waits for a
   transaction. */
static struct {
    unsigned id;
    int pid;
    struct call *call;
} early;

static void on_transaction(struct cell *t, int type, struct tmcb_params *params);

struct call *call_of(const struct cell *t)
{
    for (const volatile struct tm_callback *each = t->tmcb_hl.first; each != NULL; each = each->next)
        if (each->callback == on_transaction)
            return each->param;
    return NULL;
}

struct ksr_branch *call_branch_of_ruid(struct call *call, const str *ruid)
{
    for (size_t i = 0; ruid->len > 0 && i < call->branch_count; i++) {
        const str *own = &call->branches[i]->ruid;
        if (own->len == ruid->len && memcmp(own->s, ruid->s, (size_t)ruid->len) == 0)
            return call->branches[i];
    }
    return NULL;
}

static bool leads_to(const struct sip_msg *msg, const struct ksr_branch *branch)
{
    const bool same_uri = text_equal(text_of_str(*GET_RURI(msg)), branch->model.target->uri);
    const bool same_hop = text_equal(text_of_str(msg->dst_uri), text_of_str(branch->destination));
    return same_hop && (same_uri || branch->destination.len > 0);
}

/* msg_apply_changes() takes the ruid from the message, and leaves the next hop. */
struct ksr_branch *call_branch_of_request(struct call *call, const struct sip_msg *msg)
{
    struct ksr_branch *first = call->in_request_uri;
    if (msg->ruid.len > 0 || first == NULL || first->built)
        return call_branch_of_ruid(call, &msg->ruid);
    return leads_to(msg, first) ? first : NULL;
}

struct ksr_branch *call_branch_of_target(struct call *call, const struct target *target)
{
    for (size_t i = 0; i < call->branch_count; i++)
        if (call->branches[i]->model.target == target)
            return call->branches[i];
    return NULL;
}

bool branch_is_silent(const struct ua_client *uac)
{
    return (uac->request.flags & (F_RB_TIMEOUT | F_RB_REPLIED)) == F_RB_TIMEOUT;
}

const struct ua_client *call_first_branch(const struct cell *t)
{
    for (int i = 0; i < t->nr_of_outgoings; i++)
        if (t->uac[i].request.buffer != NULL)
            return &t->uac[i];
    return NULL;
}

const struct ua_client *call_branch_to_follow(const struct cell *t, struct call *call)
{
    for (int i = t->nr_of_outgoings - 1; i >= 0; i--)
        if (t->uac[i].request.buffer != NULL && call_branch_of_ruid(call, &t->uac[i].ruid) != NULL)
            return &t->uac[i];
    return call_first_branch(t);
}

unsigned transaction_pending(const struct cell *t)
{
    unsigned pending = 0;
    for (int i = 0; i < t->nr_of_outgoings; i++)
        pending += t->uac[i].last_received < CODE_FINAL_LEAST;
    return pending;
}

int branch_index(const struct cell *t, const struct ksr_branch *branch)
{
    for (int i = t->nr_of_outgoings - 1; i >= 0; i--) {
        const str *ruid = &t->uac[i].ruid;
        if (ruid->len == branch->ruid.len && memcmp(ruid->s, branch->ruid.s, (size_t)ruid->len) == 0)
            return i;
    }
    return -1;
}

enum method request_method(const struct sip_msg *request)
{
    const str *name = &request->first_line.u.request.method;
    return method_find(name->s, (size_t)name->len);
}

/* --- life --- */

static const struct transaction_events *events;

void call_listen(const struct transaction_events *listener)
{
    events = listener;
}

static struct call *call_create(const struct host *host, enum role role, size_t room)
{
    struct call *call = host->allocate(host->context, NULL, 0, sizeof *call + room);
    if (call == NULL)
        return NULL;
    memset(call, 0, sizeof *call);
    arena_create(&call->arena, host, call + 1, room);
    call->model.host = events->host;
    call->model.role = (uint8_t)role;
    call->model.started_ms = host->now_ms(host->context);
    if (target_set_new(&call->model.targets, &call->arena.host) == 0)
        return call;
    call_delete_private(call);
    return NULL;
}

void call_delete_private(struct call *call)
{
    const struct host *host = call->arena.parent;
    for (size_t i = 0; i < call->branch_count; i++)
        xavp_destroy_list(&call->branches[i]->attributes);
    breadth_end_call(call);
    arena_destroy(&call->arena);
    host->allocate(host->context, call, sizeof *call, 0);
}

struct call *call_new_private(size_t room)
{
    return call_create(ksr_host(), ROLE_PROXY, room);
}

/* tm calls this when the transaction ends; if there was none, when the next message arrives. */
static void release(void *parameter)
{
    struct call *call = parameter;
    if (early.call == call)
        early.call = NULL;
    for (size_t i = 0; i < call->branch_count; i++)
        wait_remove(&call->branches[i]->wait);
    call_delete_private(call);
}

struct cell *call_transaction(void)
{
    struct cell *t = tmb.t_gett();
    return t == T_UNDEFINED ? NULL : t;
}

struct call *call_of_message(const struct sip_msg *msg)
{
    const struct cell *t = call_transaction();
    if (t != NULL)
        return call_of(t);
    return early.call != NULL && early.id == msg->id && early.pid == msg->pid ? early.call : NULL;
}

struct call *call_new(struct sip_msg *msg, enum role role, size_t room)
{
    enum {
        TYPES = TMCB_REQUEST_FWDED | TMCB_REQUEST_OUT | TMCB_RESPONSE_IN | TMCB_ON_BRANCH_FAILURE | TMCB_ON_FAILURE |
                TMCB_E2ECANCEL_IN
    };
    struct call *call = call_of_message(msg);
    events->sending();
    if (call != NULL || (call = call_create(ksr_shared_host(), role, room)) == NULL)
        return call;
    if (tmb.register_tmcb(msg, NULL, TYPES, on_transaction, call, release) <= 0) {
        call_delete_private(call);
        return NULL;
    }
    if (call_transaction() == NULL) {
        early.id = msg->id;
        early.pid = msg->pid;
        early.call = call;
    }
    return call;
}

/* --- clear_branches() --- */

static bool is_begun(const struct ksr_branch *branch)
{
    return branch->model.context != NULL && !branch->model.has_final;
}

/* If the script has left none of them, it wants none of the targets that wait either. */
void call_withdraw_removed(struct cell *t, struct call *call)
{
    bool withdrawn = false, left = false;
    call_lock(t);
    for (size_t i = 0; i < call->branch_count; i++) {
        struct ksr_branch *branch = call->branches[i];
        if (!is_begun(branch))
            continue;
        if (branch->built || branch->refused) {
            left = true;
            continue;
        }
        withdrawn = true;
        breadth_give_back(call, branch);
        call_branch_withdraw(&branch->model);
    }
    if (withdrawn && !left)
        target_skip_untried(call->model.targets);
    call_unlock(t);
}

/* This module sets the q of the Request-URI with the target, and clear_branches() takes it away. In a request that was
   suspended, it is gone too. */
static bool has_cleared(const struct cell *t, const struct call *call, const struct sip_msg *msg)
{
    const struct ksr_branch *first = call->in_request_uri;
    return t->nr_of_outgoings == 0 && (t->flags & (T_ASYNC_SUSPENDED | T_ASYNC_CONTINUE)) == 0 && first != NULL &&
           is_begun(first) && !first->built && !first->refused && get_ruri_q() == Q_UNSPECIFIED &&
           !leads_to(msg, first);
}

/* The Request-URI keeps the ruid of the target that it was, and is the script's own. */
void call_heed_cleared(struct cell *t, struct call *call, struct sip_msg *msg)
{
    if (has_cleared(t, call, msg)) {
        call->cleared = true;
        call_withdraw_removed(t, call);
    }
    if (call->cleared && call_branch_of_ruid(call, &msg->ruid) == call->in_request_uri)
        reset_ruid(msg);
}

/* --- events of tm --- */

/* tm runs the branch failure route of each branch that fails. A KEMI script without a named one would log an error for
   each failure of a branch that the script has added. */
static void name_failure_route(struct cell *t, struct ua_client *uac)
{
    if (sr_kemi_eng_get() == NULL)
        return;
    for (int i = 0; i < t->nr_of_outgoings && uac->on_branch_failure == 0; i++)
        uac->on_branch_failure = t->uac[i].on_branch_failure;
}

/* The first hop of a Path may answer over a connection of its own, so only the opening of this one is watched. */
void call_watch_branch(struct cell *t, struct call *call, int index)
{
    struct ksr_branch *branch = call_branch_of_ruid(call, &t->uac[index].ruid);
    forced_sent(t, call, index);
    name_failure_route(t, &t->uac[index]);
    if (branch != NULL)
        wait_add(&branch->wait, t, (unsigned)index, branch_is_stream(branch));
}

static void request_sent(struct cell *t, struct call *call, const struct tmcb_params *params)
{
    const struct retr_buf *sent = params->t_rbuf;
    if ((params->flags & TMCB_LOCAL_F) != 0 || sent == NULL || sent->branch >= t->nr_of_outgoings)
        return; /* a CANCEL of tm's own */
    call_withdraw_removed(t, call);
    call_watch_branch(t, call, sent->branch);
    events->sent(t, call);
}

static bool answers_request(const struct cell *t, struct sip_msg *reply)
{
    return reply != NULL && reply != FAKED_REPLY && parse_headers(reply, HDR_CSEQ_F, 0) == 0 && reply->cseq != NULL &&
           (get_cseq(reply)->method_id != KSR_METHOD_CANCEL || !is_invite(t));
}

static void response_came(struct cell *t, struct call *call, struct tmcb_params *params)
{
    int index = tmb.t_gett_branch();
    if (index < 0 || index >= t->nr_of_outgoings || !answers_request(t, params->rpl))
        return;
    struct ksr_branch *branch = call_branch_of_ruid(call, &t->uac[index].ruid);
    if (branch != NULL && params->code >= CODE_FINAL_LEAST) {
        wait_remove(&branch->wait);
        breadth_give_back(call, branch);
    }
    events->reply(t, call, params);
}

static void on_failing(struct cell *t, int type, struct tmcb_params *params)
{
    struct call *call = *params->param;
    (void)type;
    events->failing(t, call, params);
}

/* tm calls first what was registered last. Accounting registers when the transaction begins, and must get the status
   that this module has corrected. */
static void request_built(struct cell *t, struct call *call, struct sip_msg *msg)
{
    call_heed_cleared(t, call, msg);
    struct ksr_branch *branch = call_branch_of_request(call, msg);
    if (branch != NULL) {
        branch->built = true;
        branch->refused = false;
        if (msg->ruid.len <= 0 && set_ruid(msg, &branch->ruid) < 0)
            LM_DBG("no memory: the branch is the script's own\n");
    }
    breadth_write(msg, call);
    peer_write_mark(msg, branch);
    forced_built(t, msg, call);
    if (get_route_type() == REQUEST_ROUTE) /* perhaps of a transaction that was suspended */
        events->sending();
    if (call->corrects_status)
        return;
    call->corrects_status = true;
    if (tmb.register_tmcb(msg, t, TMCB_ON_FAILURE, on_failing, call, NULL) <= 0)
        LM_DBG("no memory: accounting may get another status\n");
}

static void on_transaction(struct cell *t, int type, struct tmcb_params *params)
{
    struct call *call = *params->param;
    switch (type) {
    case TMCB_REQUEST_FWDED:
        request_built(t, call, params->req);
        break;
    case TMCB_REQUEST_OUT:
        request_sent(t, call, params);
        break;
    case TMCB_RESPONSE_IN:
        response_came(t, call, params);
        break;
    case TMCB_ON_BRANCH_FAILURE:
        events->branch_failure(t, call, params);
        break;
    case TMCB_ON_FAILURE:
        events->failure(t, call, params);
        break;
    case TMCB_E2ECANCEL_IN:
        events->cancel(t, call);
        break;
    default:
        break;
    }
}

void call_sync(struct call *call, struct cell *t)
{
    struct response_context *model = &call->model;
    call->t = t;
    if (t == NULL)
        return;
    model->method = (uint8_t)request_method(t->uas.request);
    model->in_dialog =
        t->uas.request->to != NULL && get_to(t->uas.request) != NULL && get_to(t->uas.request)->tag_value.len > 0;
    model->final_forwarded = t->uas.status >= CODE_FINAL_LEAST;
    model->success_forwarded |= code_class((uint32_t)t->uas.status) == CLASS_SUCCESS;
    model->cancelled |= (t->flags & T_CANCELED) != 0;
    model->plain_6xx = (t->flags & T_DISABLE_6xx) != 0;
}

/* --- a flow is gone --- */

/* tm does not export its own. */
void call_lock(struct cell *t)
{
    if (atomic_get(&t->reply_locker_pid) == my_pid()) {
        t->reply_rec_lock_level++;
        return;
    }
    lock(&t->reply_mutex);
    atomic_set(&t->reply_locker_pid, my_pid());
}

void call_unlock(struct cell *t)
{
    if (t->reply_rec_lock_level > 0) {
        t->reply_rec_lock_level--;
        return;
    }
    atomic_set(&t->reply_locker_pid, 0);
    unlock(&t->reply_mutex);
}

static int index_of_ruid(const struct cell *t, const str *ruid)
{
    for (int i = 0; i < t->nr_of_outgoings; i++) {
        const str *own = &t->uac[i].ruid;
        if (own->len == ruid->len && memcmp(own->s, ruid->s, (size_t)ruid->len) == 0)
            return i;
    }
    return -1;
}

static char proto_of(const struct ksr_branch *branch, const struct ksr_sip_uri *uri)
{
    const bool websocket = transport_is_websocket(transport_of_proto(uri->proto));
    return websocket ? (char)proto_at_listener(uri->proto, branch->socket) : branch->socket->proto;
}

bool call_aim(struct dest_info *to, const struct ksr_branch *branch)
{
    struct ksr_sip_uri uri;
    str name = branch->destination.len > 0 ? branch->destination : str_of_text(branch->model.target->uri);
    if (parse_uri(name.s, name.len, &uri) < 0)
        return false;
    struct ip_addr *address = str2ipx(&uri.host);
    if (address == NULL || branch->socket == NULL)
        return false;
    init_su(&to->to, address, GET_URI_PORT(&uri));
    to->proto = proto_of(branch, &uri);
    to->send_sock = branch->socket;
    to->id = 0;
    return true;
}

int call_branch_down(struct cell *t, const str *ruid)
{
    bool fails = false;
    call_lock(t);
    struct call *call = call_of(t);
    struct ksr_branch *branch = call != NULL ? call_branch_of_ruid(call, ruid) : NULL;
    int index = index_of_ruid(t, ruid);
    if (branch != NULL && branch->model.context != NULL && index >= 0 &&
        t->uac[index].last_received < CODE_FINAL_LEAST) {
        call_sync(call, t);
        fails = call_flow_down(&branch->model);
    }
    call_unlock(t);
    return fails ? index : -1;
}
