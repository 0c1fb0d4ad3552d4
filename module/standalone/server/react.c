// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/server/server_private.h"

#include <stdio.h>
#include <time.h>

/* A response has come to a branch, or it is known that none will: facts, decision, policy, and what follows. */

struct reaction {
    struct branch *branch;
    struct sip_message **response;
    struct facts facts;
    struct state state;
    struct decision decision;
    struct script_verdict verdict;
    enum script_outcome outcome;
    enum rule_id refused;
    bool overridden; /* the verdict takes the place of the decision's action */
    uint64_t ns;     /* that core and hook took */
};

static unsigned responses_held(const struct context *context)
{
    unsigned held = 0;
    for (const struct branch *branch = context->branches; branch != NULL; branch = branch->next)
        held += branch->has_final && branch->code >= CODE_FINAL_LEAST;
    return held;
}

static void gather(struct reaction *reaction, enum origin origin)
{
    const struct branch *branch = reaction->branch;
    const struct context *context = branch->context;
    const struct target *target = branch->target;
    struct facts *facts = &reaction->facts;
    if (*reaction->response != NULL)
        sip_facts(*reaction->response, facts);
    facts->origin = (uint8_t)origin;
    facts->role = context->way == WAY_INWARD ? ROLE_EDGE : ROLE_PROXY;
    facts->method = (uint8_t)sip_method(context->request);
    facts->in_dialog = sip_to_tag(context->request).length > 0;
    facts->provisional_seen = branch->provisional_seen;
    facts->next_server = branch->other_count > 0 || (origin == ORIGIN_FLOW_DOWN && branch_has_contact_left(branch));
    facts->on_flow = branch->on_flow && (target == NULL || target->reg_id != 0);
    if (target != NULL) {
        facts->has_instance = target->instance.length > 0;
        facts->reg_id = target->reg_id;
        facts->flows_left = (uint16_t)target_flows_left(context->targets, target);
    }
    reaction->state =
        (struct state){.branches_pending = (uint16_t)context_pending(context, branch),
                       .responses_held = (uint16_t)responses_held(context),
                       .targets_left = (uint16_t)(context->targets != NULL ? target_targets_left(context->targets) : 0),
                       .success_forwarded = context->success_forwarded,
                       .global_failure_seen = context->global_failure_seen,
                       .final_forwarded = context->final_forwarded,
                       .cancelled = context->cancelled,
                       .may_recurse = context->may_recurse};
}

/* 5626-7.b: flows that the instance has registered since the call began. */
static void find_flows(struct reaction *reaction)
{
    const struct branch *branch = reaction->branch;
    struct target_set *targets = branch->context->targets;
    if (branch->target == NULL || !decide_lacks_flow(&reaction->facts, &reaction->state))
        return;
    target_add_flows(targets, branch->context->server->bindings, branch->target);
    reaction->facts.flows_left = (uint16_t)target_flows_left(targets, branch->target);
    reaction->state.targets_left = (uint16_t)target_targets_left(targets);
}

/* --- the policy's say --- */

static void ask_policy(struct reaction *reaction)
{
    char source[80], flow[96];
    const struct branch *branch = reaction->branch;
    struct context *context = branch->context;
    struct script_reply reply = {.message = *reaction->response,
                                 .facts = &reaction->facts,
                                 .state = &reaction->state,
                                 .destination = text_of(branch->destination),
                                 .branches = context->branches_made};
    if (reply.message != NULL)
        reply.source_number = source_of(&branch->peer.address);
    if (!policy_hears_response(&context->hold, &reaction->facts))
        return;
    struct script_call call = context_script_call(context, source, sizeof source);
    if (branch->target != NULL) {
        reply.instance = branch->target->instance;
        reply.flow.length = server_describe_flow(context->server, branch->target->flow, flow, sizeof flow);
        reply.flow.at = flow;
    }
    reaction->outcome = policy_on_response(&context->hold, &call, &reply, &reaction->decision, &reaction->verdict);
    if (reaction->outcome >= SCRIPT_ERROR)
        context->server->counters.script_errors++;
}

static void judge(struct reaction *reaction)
{
    struct context *context = reaction->branch->context;
    if (reaction->outcome != SCRIPT_VERDICT)
        return;
    reaction->refused =
        verdict_guard_response(&reaction->verdict, &reaction->facts, &reaction->state, &reaction->decision);
    bool inside = reaction->branch->target == NULL && verdict_adds_branch(reaction->verdict.kind);
    if (reaction->refused != RULE_NONE || inside) {
        verdict_refuse(context->server, &reaction->verdict, reaction->decision.code,
                       inside ? "inside a dialog nothing is forked" : "it would break rule", reaction->refused);
        return;
    }
    context->server->counters.verdicts++;
    reaction->overridden = verdict_replaces_action(reaction->verdict.kind);
    if (reaction->verdict.kind == VERDICT_REST)
        rest_set(context->server, verdict_tenant(&reaction->verdict), text_of(reaction->verdict.destination),
                 reaction->verdict.seconds);
    if (reaction->verdict.kind == VERDICT_RETRY_AFTER) {
        context->retry_after = reaction->verdict.seconds;
        context->has_retry_after = true;
    }
}

static void tell(const struct reaction *reaction)
{
    const struct branch *branch = reaction->branch;
    const struct context *context = branch->context;
    struct server *server = context->server;
    char flow[96], hook[200];
    const struct decision *decision = &reaction->decision;
    server->decisions[decision->code < CODES_MOST ? decision->code : 0][decision->action]++;
    if (server->config.decided == NULL)
        return;
    bool carried = reaction->outcome == SCRIPT_VERDICT && reaction->refused == RULE_NONE;
    struct decided decided = {
        .decision = decision,
        .facts = &reaction->facts,
        .version = context->hold.version,
        .request = context->request,
        .aor = context->aor,
        .target = branch->target != NULL ? branch->target->uri : branch->uri,
        .outcome = reaction->outcome,
        .verdict = carried ? verdict_name(reaction->verdict.kind) : NULL,
        .refused = reaction->refused,
        .state = &reaction->state,
        .ns = reaction->ns,
        .elapsed_ms = (uint32_t)(server->config.host->now_ms(server->config.host->context) - context->started_ms)};
    if (branch->target != NULL) {
        decided.instance = branch->target->instance;
        decided.flow = (struct text){flow, server_describe_flow(server, branch->target->flow, flow, sizeof flow)};
    }
    if (reaction->verdict.file != NULL) {
        snprintf(hook, sizeof hook, "%s:%u", reaction->verdict.file, reaction->verdict.line);
        decided.hook = text_of(hook);
    }
    server->config.decided(server->config.decided_context, &decided);
}

/* --- what follows --- */

static void store(struct reaction *reaction)
{
    struct branch *branch = reaction->branch;
    branch->has_final = true;
    branch->code = reaction->decision.code;
    branch->origin = reaction->facts.origin;
    sip_message_delete(branch->response);
    branch->response = *reaction->response;
    *reaction->response = NULL;
    timer_stop(&branch->context->server->timers, &branch->timer);
    if (branch->transaction != NULL)
        client_transaction_give_up(branch->transaction);
}

static void drop(const struct reaction *reaction)
{
    const struct branch *branch = reaction->branch;
    struct server *server = branch->context->server;
    const struct target *target = branch->target;
    if (reaction->decision.drop == DROP_FLOW && target != NULL && target->flow != 0) {
        /* Plain bindings on it may have another route. */
        if (target->reg_id != 0)
            target_flow_died(branch->context->targets, target->flow);
        flows_end(server, target->flow);
    } else if (reaction->decision.drop == DROP_BINDING && target != NULL && target->aor.length > 0) {
        const struct binding *binding =
            binding_find(server->bindings, target->aor, target->uri, target->instance, target->reg_id);
        struct binding_view view;
        if (binding == NULL)
            return;
        binding_read(binding, &view);
        if (view.flow == target->flow || view.route == BINDING_BY_CONTACT)
            binding_remove(server->bindings, binding);
    }
}

static bool is_same_agent(const struct target *target, const struct binding_view *view)
{
    if (target->reg_id == 0)
        return view->reg_id == 0 && text_equal(view->contact, target->uri);
    return view->reg_id != 0 && text_equal(view->instance, target->instance);
}

/* 5626-7.h: the instance may still answer, over a flow of its own choice; ACK and CANCEL take one that lives. */
static void wait_for_instance(struct branch *branch)
{
    struct server *server = branch->context->server;
    struct peer peer;
    branch->flow_died = true;
    if (branch->target == NULL || branch->transaction == NULL)
        return;
    const struct binding *binding = binding_first(server->bindings, branch->target->aor);
    for (; binding != NULL; binding = binding_next(server->bindings, binding)) {
        struct binding_view view;
        binding_read(binding, &view);
        if (is_same_agent(branch->target, &view) && peer_of_flow(server, view.flow, &peer)) {
            client_transaction_move(branch->transaction, &peer);
            return;
        }
    }
}

static void go_on(struct context *context)
{
    bool in_turn = context_pending(context, NULL) == 0;
    if (context->targets != NULL && context_may_add(context))
        context_start_targets(context, in_turn || (context->waits && context->ring_next_ms > 0));
    if (context_pending(context, NULL) == 0)
        context_finish(context);
}

static void next_flow(struct branch *branch)
{
    struct context *context = branch->context;
    struct target *next =
        branch->target != NULL && context_may_add(context) ? target_next_flow(context->targets, branch->target) : NULL;
    if (next == NULL || branch_start_target(context, next) == NULL || context->waits)
        go_on(context);
}

/* 3261-16.7.i. Once its Contacts are followed, the 3xx is no answer to send up any more. */
static void recurse(struct branch *branch)
{
    struct context *context = branch->context;
    struct sip_value value;
    bool followed = false;
    for (size_t i = 0; branch->response != NULL && sip_value(branch->response, HEADER_CONTACT, i, &value); i++) {
        struct sip_contact contact;
        const char *what;
        if (context->targets != NULL && sip_contact_read(&value, &contact, &what) == 0)
            followed |= context_add_contact(context, contact.value.uri, contact.q < 0 ? 1000 : contact.q) > 0;
    }
    if (followed)
        branch->code = 0;
    go_on(context);
}

static void add_by_verdict(struct reaction *reaction)
{
    struct context *context = reaction->branch->context;
    struct text uri = text_of(reaction->verdict.uri);
    int added = 1;
    if (reaction->verdict.kind == VERDICT_RELAY)
        added = context_add_uri(context, uri);
    else if (reaction->verdict.kind == VERDICT_ROUTE)
        added = context_add_aor(context, uri.length > 0 ? uri : context->aor);
    if (added > 0 || context_pending(context, NULL) == 0)
        context_start_targets(context, true);
    if (context_pending(context, NULL) == 0)
        context_finish(context);
}

/* A final response that is stored: the target is marked, so that it and its instance are tried again or not. */
static void mark_target(const struct reaction *reaction, enum action action)
{
    const struct branch *branch = reaction->branch;
    if (branch->target == NULL || action == ACTION_NEXT_FLOW)
        return;
    if ((reaction->decision.flags & FLAG_ANSWERED) != 0 || reaction->facts.flows_left > 0)
        target_answered(branch->context->targets, branch->target);
    else
        target_failed(branch->context->targets, branch->target);
}

static void forward(struct reaction *reaction)
{
    struct branch *branch = reaction->branch;
    struct context *context = branch->context;
    uint32_t code = reaction->decision.code;
    if (code_is_final(code)) {
        if (branch->target != NULL)
            target_answered(context->targets, branch->target);
        branch->has_final = true;
        timer_stop(&context->server->timers, &branch->timer);
        timer_stop(&context->server->timers, &context->ring_next);
    }
    if (*reaction->response != NULL)
        context_send_up(context, *reaction->response, reaction->decision.status);
    if (code_is_final(code)) {
        context->final_forwarded = true;
        context->success_forwarded |= code_class(code) == CLASS_SUCCESS;
    }
}

static void end_branch(struct reaction *reaction, enum action action)
{
    struct branch *branch = reaction->branch;
    struct context *context = branch->context;
    store(reaction);
    if ((reaction->decision.flags & FLAG_NEXT_SERVER) != 0 && branch_start_next_server(branch) != NULL)
        return;
    mark_target(reaction, action);
    switch (action) {
    case ACTION_NEXT_FLOW:
        next_flow(branch);
        break;
    case ACTION_NEXT_TARGET:
        go_on(context);
        break;
    case ACTION_RECURSE:
        recurse(branch);
        break;
    default: /* 5393-5.a: what it had of Max-Breadth is given back */
        if (context->waits)
            go_on(context);
        else if (context_pending(context, NULL) == 0)
            context_finish(context);
    }
}

/* The branch goes on: what the verdict adds is tried beside it, and to fail is to stop the ringing everywhere. */
static void by_verdict_on_provisional(struct reaction *reaction)
{
    struct context *context = reaction->branch->context;
    if (reaction->verdict.kind == VERDICT_FAIL) {
        context->fail_status = reaction->verdict.code;
        context_cancel_pending(context, NULL);
        return;
    }
    if (reaction->decision.action == ACTION_FORWARD)
        forward(reaction);
    add_by_verdict(reaction);
}

static void by_verdict(struct reaction *reaction)
{
    struct context *context = reaction->branch->context;
    switch (reaction->verdict.kind) {
    case VERDICT_NEXT_FLOW:
        end_branch(reaction, ACTION_NEXT_FLOW);
        break;
    case VERDICT_NEXT_TARGET:
        end_branch(reaction, ACTION_NEXT_TARGET);
        break;
    case VERDICT_RELAY:
    case VERDICT_ROUTE:
        mark_target(reaction, ACTION_NEXT_TARGET);
        store(reaction);
        add_by_verdict(reaction);
        break;
    default:
        context->fail_status = reaction->verdict.code;
        context_cancel_pending(context, reaction->branch);
        end_branch(reaction, ACTION_FAIL);
    }
}

static void carry_out(struct reaction *reaction)
{
    struct branch *branch = reaction->branch;
    struct context *context = branch->context;
    const struct decision *decision = &reaction->decision;
    bool waits =
        reaction->facts.origin == ORIGIN_FLOW_DOWN && decision->action == ACTION_HOLD && branch->provisional_seen;
    if (decision->drop != DROP_NONE && !branch->unsafe)
        drop(reaction);
    if (decision->rest_s > 0)
        rest_set(context->server, (struct text){NULL, 0}, text_of(branch->destination), decision->rest_s);
    if (code_class(decision->code) == CLASS_GLOBAL_FAILURE)
        context->global_failure_seen = true;
    if ((decision->flags & FLAG_RESET_TIMER_C) != 0 && branch->transaction != NULL)
        timer_start(&context->server->timers, &branch->timer, context->server->config.timer_c_ms);
    if (reaction->overridden && code_class(decision->code) == CLASS_PROVISIONAL)
        by_verdict_on_provisional(reaction);
    else if (reaction->overridden)
        by_verdict(reaction);
    else if (waits)
        wait_for_instance(branch);
    else if (decision->action == ACTION_FORWARD)
        forward(reaction);
    else if (decision->action != ACTION_ABSORB || code_is_final(decision->code))
        end_branch(reaction, decision->action);
    if ((decision->flags & FLAG_CANCEL_REST) != 0)
        context_cancel_pending(context, branch);
}

static bool concerns_nobody(const struct branch *branch, const struct sip_message *response)
{
    bool success = response != NULL && code_class(sip_status(response)) == CLASS_SUCCESS;
    return branch->context->transaction == NULL || (branch->has_final && !success);
}

/* 3261-16.7.c: a 2xx to INVITE whose request's transaction has ended, as it does at once after a refusal over TCP. */
static void forward_late_success(const struct branch *branch, const struct sip_message *response)
{
    struct context *context = branch->context;
    struct server *server = context->server;
    struct sip_upward upward = {0};
    if (context->transaction != NULL || response == NULL || code_class(sip_status(response)) != CLASS_SUCCESS ||
        sip_method(response) != METHOD_INVITE)
        return;
    if (response_write_up(server, response, &upward) == 0)
        amplification_send(&server->amplification, context->cause, &context->back,
                           (struct text){server->out.bytes, server->out.length});
}

/* The thread's own clock would miss what a hook waits for; 0 where nobody asks. */
static uint64_t clock_ns(const struct branch *branch)
{
    struct timespec now = {0};
    if (branch->context->server->config.decided != NULL)
        clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

void branch_react(struct branch *branch, enum origin origin, struct sip_message **response)
{
    struct reaction reaction = {.branch = branch, .response = response, .outcome = SCRIPT_NO_HOOK};
    if (concerns_nobody(branch, *response)) {
        forward_late_success(branch, *response);
        return;
    }
    gather(&reaction, origin);
    find_flows(&reaction);
    uint64_t begun = clock_ns(branch);
    reaction.decision = decide(&reaction.facts, &reaction.state);
    if (reaction.decision.code > SIP_TRYING && reaction.decision.code < SIP_OK)
        branch->provisional_seen = true;
    /* A destination to which nothing was sent has said nothing that a policy could have a view on. */
    if (reaction.decision.code != SIP_TRYING && !branch->rested && !branch->unsafe) {
        ask_policy(&reaction);
        judge(&reaction);
    }
    reaction.ns = clock_ns(branch) - begun;
    tell(&reaction);
    carry_out(&reaction);
    context_forget_unused(branch->context);
}
