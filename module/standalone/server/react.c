// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/server/server_private.h"
#include "standalone/server/branch.h"
#include "standalone/server/context.h"
#include "standalone/server/flows.h"
#include "standalone/server/rest.h"
#include "standalone/server/route.h"

#include <stdio.h>
#include <time.h>

/* Handles a response on a branch, or an event in place of one: passes it to the model of the call and to the policy,
   and logs the decision. */

struct arrival {
    struct call_event event;
    struct sip_message **response; /* *response NULL: there is none */
    char source[SOURCE_TEXT_MOST], flow[96];
    uint64_t begun_ns; /* 0: the duration is not measured */
    bool lent;         /* its response is stored without room until the event ends */
};

static struct arrival *arrival_of(struct call_event *event)
{
    return TABLE_OWNER(event, struct arrival, event);
}

/* --- the policy --- */

static struct policy_hold *arrival_policy_begin(struct call_event *event)
{
    return &context_of(event->context)->hold;
}

static bool arrival_show(struct call_event *event, struct script_call *call, struct script_reply *reply)
{
    struct arrival *arrival = arrival_of(event);
    const struct context *context = context_of(event->context);
    reply->message = *arrival->response;
    *call = context_script_call(context, arrival->source);
    if (event->branch == NULL)
        return true;
    const struct branch *branch = branch_of(event->branch);
    if (reply->message != NULL)
        reply->source_number = source_of(&branch->peer.address);
    if (event->hook != HOOK_RESPONSE)
        return true;
    reply->destination = text_of(branch->destination);
    if (branch->model.target != NULL)
        reply->flow = (struct text){arrival->flow, server_describe_flow(context->server, branch->model.target->flow,
                                                                        arrival->flow, sizeof arrival->flow)};
    return true;
}

/* --- the decision log --- */

/* The thread's CPU clock would not count the time that a hook waits. */
static uint64_t clock_ns(void)
{
    struct timespec now = {0};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

static void arrival_log(const struct arrival *arrival)
{
    const struct call_event *event = &arrival->event;
    const struct branch *branch = branch_of(event->branch);
    const struct context *context = branch->context;
    struct server *server = context->server;
    const struct target *target = branch->model.target;
    char flow[96], hook[200];
    struct decided decided = {.decision = &event->decision,
                              .facts = &event->facts,
                              .version = context->hold.version,
                              .request = context->request,
                              .aor = context->model.aor,
                              .target = target != NULL ? target->uri : branch->uri,
                              .outcome = event->outcome,
                              .verdict = event->carried ? verdict_name(event->verdict.kind) : NULL,
                              .refused = event->refused,
                              .state = &event->state,
                              .ns = clock_ns() - arrival->begun_ns,
                              .elapsed_ms = (uint32_t)(server->config.host->now_ms(server->config.host->context) -
                                                       context->model.started_ms)};
    if (target != NULL) {
        decided.instance = target->instance;
        decided.flow = (struct text){flow, server_describe_flow(server, target->flow, flow, sizeof flow)};
    }
    if (event->verdict.file != NULL) {
        snprintf(hook, sizeof hook, "%s:%u", event->verdict.file, event->verdict.line);
        decided.hook = text_of(hook);
    }
    server->config.decided(server->config.decided_context, &decided);
}

static void arrival_decided(struct call_event *event)
{
    struct server *server = context_of(event->context)->server;
    const struct decision *decision = &event->decision;
    server->decisions[decision->code < CODES_MOST ? decision->code : 0][decision->action]++;
    if (server->config.decided != NULL)
        arrival_log(arrival_of(event));
}

/* --- the response --- */

static int arrival_add_contacts(struct call_event *event)
{
    struct sip_message *response = *arrival_of(event)->response;
    struct sip_value value;
    int added = 0;
    for (size_t i = 0; response != NULL && sip_value(response, HEADER_CONTACT, i, &value); i++) {
        struct sip_contact contact;
        const char *what;
        if (sip_contact_read(&value, &contact, &what) == 0)
            added += context_add_contact(context_of(event->context), contact.value.uri,
                                         contact.q < 0 ? 1000 : contact.q) > 0;
    }
    return added;
}

/* NULL: the transaction has ended. */
static const struct peer *branch_place(const struct branch *branch)
{
    return branch->transaction != NULL ? client_transaction_peer(branch->transaction) : NULL;
}

static void arrival_forward(struct call_event *event)
{
    struct context *context = context_of(event->context);
    const struct sip_message *response = *arrival_of(event)->response;
    if (code_is_final(event->decision.code)) {
        timer_stop(&context->server->timers, &branch_of(event->branch)->timer);
        timer_stop(&context->server->timers, &context->ring_next);
    }
    if (response != NULL)
        context_send_up(context, response, branch_place(branch_of(event->branch)), event->decision.status);
}

/* A response without room counts as one that this server makes (call_choose()). */
static bool context_keeps(struct context *context, const struct sip_message *response)
{
    enum { RESPONSES_MOST = 131072 };
    size_t bytes = sip_message_size(response);
    if (context->responses + bytes > RESPONSES_MOST || !context_keep(context, bytes))
        return false;
    context->responses += bytes;
    return true;
}

/* Where no other branch pends, it is usually relayed in the same event and needs no room. */
static void arrival_store(struct arrival *arrival)
{
    struct branch *branch = branch_of(arrival->event.branch);
    sip_message_delete(branch->response);
    branch->response = NULL;
    if (*arrival->response != NULL) {
        const bool kept = context_keeps(branch->context, *arrival->response);
        arrival->lent = !kept && call_pending(&branch->context->model, &branch->model) == 0;
        if (kept || arrival->lent) {
            branch->response = *arrival->response;
            *arrival->response = NULL;
        }
    }
    timer_stop(&branch->context->server->timers, &branch->timer);
    if (branch->transaction != NULL)
        client_transaction_give_up(branch->transaction);
}

/* --- what has come --- */

static bool branch_concerns_nobody(const struct branch *branch, const struct sip_message *response)
{
    bool success = response != NULL && code_class(sip_status(response)) == CLASS_SUCCESS;
    return branch->context->transaction == NULL || (branch->model.has_final && !success);
}

/* 3261-16.7.c: a 2xx to an INVITE whose server transaction has ended, which happens at once after a refusal over
   TCP. */
static void branch_forward_late_success(const struct branch *branch, const struct sip_message *response)
{
    struct context *context = branch->context;
    struct server *server = context->server;
    struct sip_upward upward = {0};
    if (context->transaction != NULL || response == NULL || code_class(sip_status(response)) != CLASS_SUCCESS ||
        sip_method(response) != METHOD_INVITE)
        return;
    if (response_write_up(server, response, branch_place(branch), &upward) == 0)
        amplification_send(&server->amplification, context->cause, &context->back,
                           (struct text){server->out.bytes, server->out.length});
}

static void arrival_decide(struct arrival *arrival)
{
    struct call_event *event = &arrival->event;
    struct branch *branch = branch_of(event->branch);
    struct server *server = branch->context->server;
    bool ends = call_decide(event);
    if ((event->decision.flags & FLAG_RESET_TIMER_C) != 0 && branch->transaction != NULL)
        timer_start(&server->timers, &branch->timer, server->config.timer_c_ms);
    if (ends) {
        arrival_store(arrival);
        call_follow(event->branch);
    } else {
        call_pass(event);
    }
}

static void branch_forget_response(struct branch *branch)
{
    sip_message_delete(branch->response);
    branch->response = NULL;
}

/* No stored response is read again once a final one was forwarded. */
static void arrival_settle(const struct arrival *arrival)
{
    struct context *context = branch_of(arrival->event.branch)->context;
    if (arrival->lent)
        branch_forget_response(branch_of(arrival->event.branch));
    if (!context->model.final_forwarded)
        return;
    for (struct branch *branch = context_first(context); branch != NULL; branch = branch_next(branch))
        branch_forget_response(branch);
    context_discharge(context, context->responses);
    context->responses = 0;
}

void branch_react(struct branch *branch, enum origin origin, struct sip_message **response)
{
    struct arrival arrival = {.event = {.branch = &branch->model}, .response = response};
    struct context *context = branch->context;
    if (branch_concerns_nobody(branch, *response)) {
        branch_forward_late_success(branch, *response);
        return;
    }
    if (context->server->config.decided != NULL)
        arrival.begun_ns = clock_ns();
    if (*response != NULL)
        sip_facts(*response, &arrival.event.facts);
    arrival.event.facts.origin = (uint8_t)origin;
    arrival.event.facts.unacknowledged = branch->unacknowledged;
    arrival_decide(&arrival);
    if (call_pending(&context->model, NULL) == 0)
        context_finish(context);
    arrival_settle(&arrival);
    context_forget_unused(context);
}

bool context_ask_exhausted(struct context *context, const struct call_best *best)
{
    struct sip_message *none = NULL;
    struct arrival arrival = {.event = {.context = &context->model, .branch = best->branch}, .response = &none};
    if (best->branch != NULL)
        arrival.response = &branch_of(best->branch)->response;
    if (call_ask_exhausted(&arrival.event, best->best.status))
        call_start_more(&context->model);
    return call_pending(&context->model, NULL) > 0;
}

/* --- the host's functions for the model of the call --- */

static bool lend_other_server(const struct call_branch *branch)
{
    return branch_of(branch)->other_count > 0;
}

static bool lend_contact(const struct call_branch *branch)
{
    return branch_has_contact_left(branch_of(branch));
}

static bool lend_response(const struct call_branch *branch)
{
    return branch_of(branch)->response != NULL;
}

static void lend_count(struct response_context *context, enum call_counter counter)
{
    struct server_counters *counters = &context_of(context)->server->counters;
    uint64_t *const of[CALL_COUNTER_COUNT] = {
        [CALL_VERDICT] = &counters->verdicts,           [CALL_VERDICT_REFUSED] = &counters->verdicts_refused,
        [CALL_SCRIPT_ERROR] = &counters->script_errors, [CALL_SILENCE] = &counters->silences,
        [CALL_BREADTH_WAIT] = &counters->breadth_waits, [CALL_LOAD_OF_REQUEST] = &counters->load_request,
        [CALL_LOAD_OF_SOURCE] = &counters->load_source, [CALL_LOAD_IN_TOTAL] = &counters->load_total};
    if (of[counter] != NULL)
        ++*of[counter];
}

static void lend_log(struct response_context *context, enum log_level level, const char *line)
{
    const struct host *host = context_of(context)->server->config.host;
    host->log(host->context, level, line);
}

static int lend_add_uri(struct response_context *context, struct text uri)
{
    return context_add_uri(context_of(context), uri);
}

static bool lend_leaves(const struct response_context *context, struct text uri)
{
    return context_leaves(context_of(context), uri);
}

static int lend_add_aor(struct response_context *context, struct text aor)
{
    return context_add_aor(context_of(context), aor);
}

static int lend_add_flows(struct response_context *context, const struct target *target)
{
    return target_add_flows(context->targets, context_of(context)->server->bindings, target);
}

/* A send that fails at once ends other branches on the same flow. Nothing is forwarded meanwhile. */
static bool lend_start(struct response_context *model, struct target *target)
{
    struct context *context = context_of(model);
    bool outer = context->starting;
    context->starting = true;
    bool started = branch_start_target(context, target) != NULL;
    context->starting = outer;
    return started;
}

static bool lend_start_next_server(struct call_branch *branch)
{
    return branch_start_next_server(branch_of(branch)) != NULL;
}

static void lend_beside(struct response_context *context)
{
    call_start_beside(context);
}

static void lend_ring_later(struct response_context *model)
{
    struct context *context = context_of(model);
    timer_start(&context->server->timers, &context->ring_next, model->ring_next_ms);
}

static void lend_cancel_pending(struct response_context *context, const struct call_branch *except)
{
    context_cancel_pending(context_of(context), except);
}

static bool lend_move(struct call_branch *branch, struct target *target)
{
    return branch_move_to(branch_of(branch), target);
}

static bool lend_has_left(const struct call_branch *branch)
{
    return branch_has_left(branch_of(branch));
}

static void lend_drop_flow(struct call_branch *branch)
{
    flows_end(branch_of(branch)->context->server, branch->target->flow);
}

static void lend_drop_binding(struct call_branch *branch)
{
    struct server *server = branch_of(branch)->context->server;
    const struct target *target = branch->target;
    /* A plain binding only by its Contact, because the instance may have registered another one since. */
    struct text instance = target->reg_id != 0 ? target->instance : (struct text){NULL, 0};
    const struct binding *binding = binding_find(server->bindings, target->aor, target->uri, instance, target->reg_id);
    struct binding_view view;
    if (binding == NULL)
        return;
    binding_read(binding, &view);
    if (view.flow == target->flow || view.route == BINDING_BY_CONTACT)
        binding_remove(server->bindings, binding);
}

static void lend_rest_branch(struct call_branch *branch, uint32_t seconds)
{
    struct server *server = branch_of(branch)->context->server;
    const struct text destination = text_of(branch_of(branch)->destination);
    if (branch_of(branch)->by_policy)
        rest_set(server, (struct text){NULL, 0}, destination, seconds);
    else
        rest_set_named(server, destination, seconds);
}

static void lend_rest(struct response_context *context, struct text tenant, const char *destination, uint32_t seconds)
{
    rest_set(context_of(context)->server, tenant, text_of(destination), seconds);
}

static bool lend_silent(const struct response_context *context, const struct target *target)
{
    return silence_is_on(context_of(context)->server, target);
}

static void lend_begin_silence(struct call_branch *branch)
{
    silence_begin(branch_of(branch));
}

static void lend_begin_failure(struct call_branch *branch)
{
    failure_begin(branch_of(branch));
}

static void lend_end_failure(struct call_branch *branch)
{
    failure_end(branch_of(branch));
}

const struct call_host standalone_call_host = {.has_other_server = lend_other_server,
                                               .has_contact = lend_contact,
                                               .has_response = lend_response,
                                               .policy_begin = arrival_policy_begin,
                                               .show = arrival_show,
                                               .decided = arrival_decided,
                                               .count = lend_count,
                                               .log = lend_log,
                                               .add_uri = lend_add_uri,
                                               .add_aor = lend_add_aor,
                                               .leaves = lend_leaves,
                                               .add_flows = lend_add_flows,
                                               .add_contacts = arrival_add_contacts,
                                               .start = lend_start,
                                               .start_next_server = lend_start_next_server,
                                               .beside = lend_beside,
                                               .ring_later = lend_ring_later,
                                               .cancel_pending = lend_cancel_pending,
                                               .forward = arrival_forward,
                                               .move = lend_move,
                                               .has_left = lend_has_left,
                                               .drop_flow = lend_drop_flow,
                                               .drop_binding = lend_drop_binding,
                                               .rest_branch = lend_rest_branch,
                                               .rest = lend_rest,
                                               .is_silent = lend_silent,
                                               .begin_silence = lend_begin_silence,
                                               .begin_failure = lend_begin_failure,
                                               .end_silence = lend_end_failure};
