// SPDX-License-Identifier: BSD-2-Clause
#include "call/registrar.h"

#include <errno.h>

#include "core/code.h"
#include "script/engine/judge.h"

enum { RETRANSMISSION_S = 32 }; /* a client repeats a REGISTER for 64*T1 (RFC 3261 17.1.2.2) */

static void *registrar_next(const struct registrar *registrar, const void *binding, struct binding_view *view)
{
    return registrar->store->next(registrar->store->context, binding, view);
}

static bool registrar_lives(const struct registrar *registrar, const struct binding_view *view)
{
    return view->expires_at > registrar->store->now;
}

/* --- which binding a Contact is about --- */

static uint32_t binding_key(struct binding_view *view)
{
    if (view->contact_key == 0)
        view->contact_key = sip_uri_key(view->contact);
    return view->contact_key;
}

/* 3261-10.3.a. The keys, which take longer than a comparison of bytes, spare comparisons of URIs. */
static bool contact_is_stored(const struct registrar *registrar, size_t nth, struct binding_view *view)
{
    struct text uri = registrar->asked->contacts[nth].value.uri;
    return text_equal(view->contact, uri) ||
           (binding_key(view) == registration_key(registrar->asked, nth) && sip_uri_equal(view->contact, uri));
}

static enum registrar_matching contact_matching(const struct registrar *registrar, size_t nth)
{
    const bool has_instance = registrar->asked->contacts[nth].instance.length > 0;
    return has_instance ? MATCH_CONTACT : (enum registrar_matching)registrar->store->matching;
}

static bool registrar_has_path(const struct registrar *registrar, const struct binding_view *view)
{
    return text_equal(view->path, (struct text){registrar->asked->path.bytes, registrar->asked->path.length});
}

static bool contact_matches(const struct registrar *registrar, size_t nth, struct binding_view *view)
{
    const struct registration *asked = registrar->asked;
    switch (contact_matching(registrar, nth)) {
    case MATCH_CALL_ID:
        return text_equal(view->call_id, sip_call_id(asked->request));
    case MATCH_CONTACT_AND_CALL_ID:
        return text_equal(view->call_id, sip_call_id(asked->request)) && contact_is_stored(registrar, nth, view);
    case MATCH_CONTACT_AND_PATH:
        return (asked->path.length == 0 || registrar_has_path(registrar, view)) &&
               contact_is_stored(registrar, nth, view);
    default:
        return contact_is_stored(registrar, nth, view);
    }
}

/* 5626-6.g: a flow is known by instance-id and reg-id, a plain binding by its Contact URI, side by side (5626-6.f). */
static bool contact_is_about(const struct registrar *registrar, size_t nth, struct binding_view *view)
{
    const struct sip_contact *contact = &registrar->asked->contacts[nth];
    if (registration_is_flow(registrar->asked, nth))
        return view->reg_id == contact->reg_id && text_equal(view->instance, contact->instance);
    return view->reg_id == 0 && contact_matches(registrar, nth, view);
}

/* instance-a: a plain Contact that lives takes the place of this binding of its instance. */
static bool contact_succeeds(const struct registration *asked, size_t nth, const struct binding_view *view)
{
    struct text instance = asked->contacts[nth].instance;
    return view->reg_id == 0 && instance.length > 0 && asked->expires[nth] > 0 && !registration_is_flow(asked, nth) &&
           text_equal(view->instance, instance);
}

/* A binding whose own Contact the REGISTER names is no former one. */
static bool registrar_has_former(const struct registrar *registrar, struct binding_view *view)
{
    bool former = false;
    for (size_t i = 0; i < registrar->asked->count && !former; i++)
        former = contact_succeeds(registrar->asked, i, view);
    for (size_t i = 0; i < registrar->asked->count && former; i++)
        former = !contact_is_about(registrar, i, view);
    return former;
}

/* Without a Path, a REGISTER may be about one binding of any Path, and the others are of other user agents. */
static bool contact_may_double(const struct registrar *registrar, size_t nth, const struct binding_view *view)
{
    return contact_matching(registrar, nth) != MATCH_CONTACT_AND_PATH || registrar_has_path(registrar, view);
}

/* A binding that lives is preferred to one that has expired, then the one with the same Path, then the one with the
   same bytes. Equality is not transitive, and other registrars and nodes may have stored more than one for a key. */
static unsigned registrar_rank(const struct registrar *registrar, size_t nth, const struct binding_view *view)
{
    return (registrar_lives(registrar, view) ? 4 : 0) + (contact_may_double(registrar, nth, view) ? 2 : 0) +
           text_equal(view->contact, registrar->asked->contacts[nth].value.uri);
}

static void registrar_note_known(struct registrar *registrar, size_t nth, void *binding,
                                 const struct binding_view *view)
{
    void **known = &registrar->contacts[nth].known;
    if (*known != NULL)
        registrar->has_doubles = true;
    if (*known != NULL &&
        registrar_rank(registrar, nth, view) <= registrar_rank(registrar, nth, &registrar->contacts[nth].view))
        return;
    *known = binding;
    registrar->contacts[nth].view = *view;
}

static void registrar_find_known(struct registrar *registrar)
{
    struct binding_view view;
    void *binding = NULL;
    while (registrar->asked->count > 0 && (binding = registrar_next(registrar, binding, &view)) != NULL) {
        for (size_t i = 0; i < registrar->asked->count; i++) {
            if (contact_is_about(registrar, i, &view))
                registrar_note_known(registrar, i, binding, &view);
        }
        registrar->has_former |= registrar_has_former(registrar, &view);
    }
}

static bool contacts_have_one_key(const struct registrar *registrar, size_t i, size_t k)
{
    struct registration *asked = registrar->asked;
    bool flow = registration_is_flow(asked, i);
    bool instances = asked->contacts[i].instance.length > 0 || asked->contacts[k].instance.length > 0;
    if (flow != registration_is_flow(asked, k))
        return false;
    if (registrar->store->matching == MATCH_CALL_ID && !instances)
        return true;
    if (!flow)
        return registration_key(asked, i) == registration_key(asked, k) &&
               sip_uri_equal(asked->contacts[i].value.uri, asked->contacts[k].value.uri);
    return asked->contacts[i].reg_id == asked->contacts[k].reg_id &&
           text_equal(asked->contacts[i].instance, asked->contacts[k].instance);
}

/* Of several Contacts for one binding, one that lives prevails over one that is removed, then the later one. */
static bool contact_is_overruled(const struct registrar *registrar, size_t nth)
{
    const struct registration *asked = registrar->asked;
    for (size_t i = 0; asked->count > 1 && i < asked->count; i++) {
        bool stronger = (asked->expires[i] > 0) != (asked->expires[nth] > 0) ? asked->expires[i] > 0 : i > nth;
        if (i != nth && stronger && contacts_have_one_key(registrar, i, nth))
            return true;
    }
    return false;
}

/* --- order --- */

static bool registrar_is_overtaken(const struct registrar *registrar, const struct binding_view *view)
{
    return registrar_lives(registrar, view) && text_equal(view->call_id, sip_call_id(registrar->asked->request)) &&
           view->cseq >= sip_cseq(registrar->asked->request);
}

/* The server transaction may be gone, after a restart for instance, when the request is repeated. */
static bool contact_is_repeated(const struct registrar *registrar, size_t nth)
{
    const struct registration *asked = registrar->asked;
    struct binding_view view = registrar->contacts[nth].view;
    return view.cseq == sip_cseq(asked->request) && asked->expires[nth] > 0 &&
           registrar->store->now - view.registered_at <= RETRANSMISSION_S &&
           view.expires_at == view.registered_at + asked->expires[nth] && contact_is_stored(registrar, nth, &view);
}

static int registration_refuse_order(struct registration *asked)
{
    return registration_refuse(asked, SIP_SERVER_INTERNAL_ERROR, "CSeq out of order");
}

/* --- the change for each Contact --- */

static bool contact_cannot_update(const struct registrar *registrar, size_t nth)
{
    const struct sip_contact *contact = &registrar->asked->contacts[nth];
    const struct binding_view *view = &registrar->contacts[nth].view;
    if (!registrar->store->fixed_key)
        return false;
    return !text_equal(view->instance, contact->instance) ||
           (contact->instance.length == 0 && !text_equal(view->contact, contact->value.uri));
}

static enum registrar_action contact_action(const struct registrar *registrar, size_t nth)
{
    struct registration *asked = registrar->asked;
    bool known = registrar->contacts[nth].known != NULL;
    if (contact_is_overruled(registrar, nth))
        return REGISTRAR_NOTHING;
    if (asked->expires[nth] == 0)
        return known ? REGISTRAR_REMOVE : REGISTRAR_NOTHING;
    if (!known)
        return REGISTRAR_INSERT;
    return contact_cannot_update(registrar, nth) ? REGISTRAR_REPLACE : REGISTRAR_UPDATE;
}

static int registrar_choose_actions(struct registrar *registrar)
{
    for (size_t i = 0; i < registrar->asked->count; i++) {
        bool known = registrar->contacts[i].known != NULL;
        if (!known || contact_is_overruled(registrar, i) ||
            !registrar_is_overtaken(registrar, &registrar->contacts[i].view))
            registrar->contacts[i].action = (uint8_t)contact_action(registrar, i);
        else if (!contact_is_repeated(registrar, i))
            return registration_refuse_order(registrar->asked);
    }
    return 0;
}

/* The bindings that the REGISTER removes without a Contact for them, by "*" or as former ones. */
static int registrar_check_others(struct registrar *registrar)
{
    struct binding_view view;
    void *binding = NULL;
    bool star = registrar->asked->star;
    while ((star || registrar->has_former) && (binding = registrar_next(registrar, binding, &view)) != NULL) {
        if ((star || registrar_has_former(registrar, &view)) && registrar_is_overtaken(registrar, &view))
            return registration_refuse_order(registrar->asked);
    }
    return 0;
}

/* Does the plan remove this binding? Doubles go with the change of the binding that is known for their key. */
static bool registrar_removes(const struct registrar *registrar, const void *binding, struct binding_view *view)
{
    bool removes = registrar->asked->star || (registrar->has_former && registrar_has_former(registrar, view));
    for (size_t i = 0; i < registrar->asked->count; i++) {
        const enum registrar_action action = (enum registrar_action)registrar->contacts[i].action;
        bool known = binding == registrar->contacts[i].known;
        if (binding == registrar->contacts[i].made || (known && action == REGISTRAR_UPDATE))
            return false;
        if (known)
            removes |= action == REGISTRAR_REMOVE || action == REGISTRAR_REPLACE;
        else if (registrar->has_doubles && action >= REGISTRAR_UPDATE)
            removes |= contact_may_double(registrar, i, view) && contact_is_about(registrar, i, view);
    }
    return removes;
}

/* --- room: for all Contacts, or the REGISTER is refused; what is removed makes room for what is added --- */

struct registrar_count {
    size_t standing, removed, added;
    size_t bytes; /* of the bindings that the REGISTER leaves as they are */
};

static bool registrar_knows(const struct registrar *registrar, const void *binding)
{
    bool known = false;
    for (size_t i = 0; i < registrar->asked->count; i++)
        known |= binding == registrar->contacts[i].known;
    return known;
}

bool registrar_removes_other(const struct registrar *registrar, const void *binding, struct binding_view *view)
{
    return !registrar_knows(registrar, binding) && registrar_removes(registrar, binding, view);
}

static void registrar_count_binding(const struct registrar *registrar, const void *binding, struct binding_view *view,
                                    struct registrar_count *count)
{
    if (!registrar_lives(registrar, view))
        return;
    if (registrar_removes(registrar, binding, view)) {
        count->removed++;
        return;
    }
    count->standing++;
    if (!registrar_knows(registrar, binding))
        count->bytes += view->contact.length + view->instance.length + view->path.length + view->call_id.length +
                        view->parameters.length;
}

static void registrar_count(const struct registrar *registrar, struct registrar_count *count)
{
    struct binding_view view;
    void *binding = NULL;
    while ((binding = registrar_next(registrar, binding, &view)) != NULL)
        registrar_count_binding(registrar, binding, &view, count);
    for (size_t i = 0; i < registrar->asked->count; i++) {
        const enum registrar_action action = (enum registrar_action)registrar->contacts[i].action;
        bool revives = action == REGISTRAR_UPDATE && !registrar_lives(registrar, &registrar->contacts[i].view);
        count->added += action == REGISTRAR_INSERT || action == REGISTRAR_REPLACE || revives;
    }
}

static int registrar_check_room(struct registrar *registrar)
{
    const struct registrar_store *store = registrar->store;
    struct registrar_count count = {0};
    registrar_count(registrar, &count);
    bool aor_is_full = count.standing + count.added > store->aor_most;
    bool store_is_full = count.added > count.removed && count.added - count.removed > store->room;
    if (count.added > 0 && (aor_is_full || store_is_full)) {
        registrar->is_full = true;
        return registration_refuse(registrar->asked, SIP_FORBIDDEN, "Too Many Bindings");
    }
    return registration_check_size(registrar->asked, count.bytes);
}

/* At most one living Contact is a flow (5626-6.d). What came through an edge stands on the edge's flow. */
static void registrar_look_at_flow(struct registrar *registrar)
{
    const struct registration *asked = registrar->asked;
    registrar->flow_contact = REGISTRATION_CONTACTS_MOST;
    for (size_t i = 0; asked->path.length == 0 && i < asked->count; i++) {
        if (asked->expires[i] > 0 && registration_is_flow(asked, i) &&
            registrar->contacts[i].action != REGISTRAR_NOTHING &&
            !registrar->store->flow_is_outbound(registrar->store->context))
            registrar->flow_contact = i;
    }
}

int registrar_plan(struct registrar *registrar, struct registration *asked, const struct registrar_store *store)
{
    memset(registrar, 0, offsetof(struct registrar, contacts) + asked->count * sizeof registrar->contacts[0]);
    registrar->asked = asked;
    registrar->store = store;
    registrar_find_known(registrar);
    int error = registrar_choose_actions(registrar);
    if (error == 0)
        error = registrar_check_others(registrar);
    if (error == 0)
        error = registrar_check_room(registrar);
    registrar_look_at_flow(registrar);
    return error;
}

/* --- the changes --- */

static int registrar_insert_all(struct registrar *registrar)
{
    int error = 0;
    for (size_t i = 0; error == 0 && i < registrar->asked->count; i++) {
        const uint8_t action = registrar->contacts[i].action;
        if (action == REGISTRAR_INSERT || action == REGISTRAR_REPLACE)
            error = registrar->store->insert(registrar->store->context, i, &registrar->contacts[i].made);
    }
    return error;
}

static int registrar_update_all(struct registrar *registrar)
{
    int error = 0;
    for (size_t i = 0; error == 0 && i < registrar->asked->count; i++) {
        if (registrar->contacts[i].action == REGISTRAR_UPDATE)
            error = registrar->store->update(registrar->store->context, i, &registrar->contacts[i].known);
    }
    return error;
}

static void registrar_undo_inserts(struct registrar *registrar)
{
    for (size_t i = 0; i < registrar->asked->count; i++) {
        if (registrar->contacts[i].made != NULL)
            registrar->store->remove(registrar->store->context, registrar->contacts[i].made);
        registrar->contacts[i].made = NULL;
    }
}

static int registrar_remove_all(struct registrar *registrar)
{
    struct binding_view view, following_view;
    int error = 0;
    void *binding = registrar_next(registrar, NULL, &view), *following;
    for (; binding != NULL; binding = following, view = following_view) {
        following = registrar_next(registrar, binding, &following_view);
        if (!registrar_removes(registrar, binding, &view))
            continue;
        int failed = registrar->store->remove(registrar->store->context, binding);
        error = error == 0 ? failed : error;
    }
    return error;
}

/* What can fail for want of memory is done first, and what can be undone before what cannot. */
int registrar_carry_out(struct registrar *registrar)
{
    int error = registrar_insert_all(registrar);
    if (error == 0)
        error = registrar_update_all(registrar);
    if (error == 0)
        return registrar_remove_all(registrar);
    registrar_undo_inserts(registrar);
    return error;
}

/* --- the answer --- */

static bool registrar_has_asked_for(const struct registrar *registrar, struct binding_view *view)
{
    bool asked = false;
    for (size_t i = 0; i < registrar->asked->count && !asked; i++)
        asked = registrar->asked->expires[i] > 0 && contact_is_about(registrar, i, view);
    return asked;
}

void registrar_confirm(const struct registrar *registrar, bool own, uint32_t flow_timer, struct sip_buffer *fields)
{
    struct binding_view view;
    void *binding = NULL;
    while ((binding = registrar_next(registrar, binding, &view)) != NULL) {
        if (!registrar_lives(registrar, &view) || (own && !registrar_has_asked_for(registrar, &view)))
            continue;
        struct registered_contact listed = {.uri = view.contact,
                                            .instance = view.instance,
                                            .parameters = view.parameters,
                                            .reg_id = view.reg_id,
                                            .q = view.q,
                                            .expires = (uint64_t)(view.expires_at - registrar->store->now)};
        registration_list(&listed, fields);
    }
    registration_confirm(registrar->asked, flow_timer, fields);
}

void registrar_refuse(struct registration *asked, int error)
{
    if (error == -ENOMEM)
        registration_refuse(asked, SIP_SERVICE_UNAVAILABLE, NULL);
    else if (error != -EBADMSG)
        registration_refuse(asked, SIP_SERVER_INTERNAL_ERROR, NULL);
}

bool registrar_flow_up(const struct registrar *registrar, struct text aor, struct text flow, struct script_flow *view)
{
    if (registrar->flow_contact == REGISTRATION_CONTACTS_MOST)
        return false;
    const struct sip_contact *contact = &registrar->asked->contacts[registrar->flow_contact];
    *view = (struct script_flow){.flow = flow, .aor = aor, .instance = contact->instance, .reg_id = contact->reg_id};
    return true;
}

void registrar_ask_policy(const struct host *host, const struct registration *asked, struct policy_hold *hold,
                          const struct script_call *call, struct registrar_verdict *out)
{
    struct facts facts;
    *out = (struct registrar_verdict){.outcome = SCRIPT_NO_HOOK};
    if (policy_has_hook(hold, HOOK_REGISTER))
        out->outcome = policy_on_register(hold, call, &out->verdict);
    verdict_settle_challenge(host, call, &out->outcome, &out->verdict);
    if (out->outcome != SCRIPT_VERDICT)
        return;
    bool answers = out->verdict.kind == VERDICT_REPLY || out->verdict.kind == VERDICT_FAIL;
    registration_facts(asked, &facts);
    out->refused = answers ? verdict_guard_answer(&out->verdict, &facts) : RULE_NONE;
    out->stands = out->refused == RULE_NONE;
    out->answers = answers && out->stands;
    out->drops = out->verdict.kind == VERDICT_DROP;
    out->challenges = out->verdict.kind == VERDICT_CHALLENGE;
}
