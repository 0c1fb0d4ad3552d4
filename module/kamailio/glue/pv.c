// SPDX-License-Identifier: GPL-2.0-or-later
#include "kamailio/base/ksr.h"

#include "kamailio/policy/events.h"

#include "kamailio/base/host.h"
#include "kamailio/base/stats.h"
#include "kamailio/call/peer.h"

/* $reflow(name) */

enum value {
    VALUE_ACTION, /* of the last decision, to VALUE_FLAGS */
    VALUE_RULE,
    VALUE_WHY,
    VALUE_CODE,
    VALUE_STATUS,
    VALUE_DROP,
    VALUE_WAIT,
    VALUE_REST,
    VALUE_FLAGS,
    VALUE_FLOW, /* of the event, to VALUE_REASON */
    VALUE_AOR,
    VALUE_INSTANCE,
    VALUE_REG_ID,
    VALUE_REASON,
    VALUE_TEXT,
    VALUE_PEER,
    VALUE_VERSION,
    VALUE_SHM_FREE,
    VALUE_COUNT
};

static const struct text names[VALUE_COUNT] = {
    [VALUE_ACTION] = TEXT("action"), [VALUE_RULE] = TEXT("rule"),       [VALUE_WHY] = TEXT("why"),
    [VALUE_CODE] = TEXT("code"),     [VALUE_STATUS] = TEXT("status"),   [VALUE_DROP] = TEXT("drop"),
    [VALUE_WAIT] = TEXT("wait"),     [VALUE_REST] = TEXT("rest"),       [VALUE_FLAGS] = TEXT("flags"),
    [VALUE_FLOW] = TEXT("flow"),     [VALUE_AOR] = TEXT("aor"),         [VALUE_INSTANCE] = TEXT("instance"),
    [VALUE_REG_ID] = TEXT("reg_id"), [VALUE_REASON] = TEXT("reason"),   [VALUE_TEXT] = TEXT("text"),
    [VALUE_PEER] = TEXT("peer"),     [VALUE_VERSION] = TEXT("version"), [VALUE_SHM_FREE] = TEXT("shm_free")};

int pv_reflow_parse(pv_spec_t *spec, str *name)
{
    struct text wanted = {name->s, (size_t)name->len};
    for (int i = 0; i < VALUE_COUNT; i++) {
        if (!text_equal(names[i], wanted))
            continue;
        spec->pvp.pvn.type = PV_NAME_INTSTR;
        spec->pvp.pvn.u.isname.type = 0;
        spec->pvp.pvn.u.isname.name.n = i;
        return 0;
    }
    ksr_log(LOG_ERROR,
            "$reflow(%.*s): there is action, rule, why, code, status, drop, wait, rest, flags, text, peer, version, "
            "shm_free, "
            "and in event routes flow, aor, instance, reg_id, reason",
            name->len, name->s);
    return -1;
}

/* --- values --- */

static int give_string(struct sip_msg *msg, pv_param_t *param, pv_value_t *value, const char *string)
{
    return string == NULL ? pv_get_null(msg, param, value) : pv_get_strzval(msg, param, value, (char *)string);
}

static int give_text(struct sip_msg *msg, pv_param_t *param, pv_value_t *value, struct text given)
{
    str out = {(char *)given.at, (int)given.length};
    return given.length == 0 ? pv_get_null(msg, param, value) : pv_get_strval(msg, param, value, &out);
}

static int give_positive(struct sip_msg *msg, pv_param_t *param, pv_value_t *value, uint32_t number)
{
    return number == 0 ? pv_get_null(msg, param, value) : pv_get_uintval(msg, param, value, number);
}

/* "ack,cancel_rest" */
static int give_flags(struct sip_msg *msg, pv_param_t *param, pv_value_t *value, uint32_t flags)
{
    char *out = pv_get_buffer();
    size_t size = (size_t)pv_get_buffer_size(), length = 0;
    for (uint32_t bit = 1; bit != 0 && bit <= flags; bit <<= 1) {
        const char *name = (flags & bit) != 0 ? decision_flag_name(bit) : NULL;
        if (name != NULL && length + strlen(name) + 2 < size)
            length += (size_t)snprintf(out + length, size - length, "%s%s", length > 0 ? "," : "", name);
    }
    return give_text(msg, param, value, (struct text){out, length});
}

static int get_of_decision(struct sip_msg *msg, pv_param_t *param, pv_value_t *value)
{
    const struct decision *decision = pv_noted_decision(msg);
    if (decision == NULL)
        return pv_get_null(msg, param, value);
    switch (param->pvn.u.isname.name.n) {
    case VALUE_ACTION:
        return give_string(msg, param, value, action_name((enum action)decision->action));
    case VALUE_RULE:
        return give_string(msg, param, value, rule_at((enum rule_id)decision->rule)->id);
    case VALUE_WHY:
        return give_string(msg, param, value, decision->why);
    case VALUE_CODE:
        return give_positive(msg, param, value, decision->code);
    case VALUE_STATUS:
        return give_positive(msg, param, value, decision->status);
    case VALUE_DROP:
        return give_string(msg, param, value,
                           decision->drop != DROP_NONE ? drop_name((enum drop)decision->drop) : NULL);
    case VALUE_WAIT:
        return give_positive(msg, param, value, decision->wait_max_ms);
    case VALUE_REST:
        return give_positive(msg, param, value, decision->rest_s);
    default:
        return give_flags(msg, param, value, decision->flags);
    }
}

static int get_of_flow(struct sip_msg *msg, pv_param_t *param, pv_value_t *value)
{
    const struct script_flow *flow = pv_event_now().flow;
    if (flow == NULL)
        return pv_get_null(msg, param, value);
    switch (param->pvn.u.isname.name.n) {
    case VALUE_FLOW:
        return give_text(msg, param, value, flow->flow);
    case VALUE_AOR:
        return give_text(msg, param, value, flow->aor);
    case VALUE_INSTANCE:
        return give_text(msg, param, value, flow->instance);
    case VALUE_REG_ID:
        return give_positive(msg, param, value, flow->reg_id);
    default:
        return give_text(msg, param, value, flow->reason);
    }
}

/* The node that has chosen the binding for this request. */
static int give_peer(struct sip_msg *msg, pv_param_t *param, pv_value_t *value)
{
    struct peer_mark mark;
    return give_positive(msg, param, value, peer_read_mark(msg, &mark) ? (uint32_t)mark.from->server_id : 0);
}

int pv_reflow_get(struct sip_msg *msg, pv_param_t *param, pv_value_t *value)
{
    int which = param->pvn.u.isname.name.n;
    if (which == VALUE_TEXT)
        return give_text(msg, param, value, pv_noted_text());
    if (which == VALUE_PEER)
        return give_peer(msg, param, value);
    if (which == VALUE_VERSION)
        return give_positive(msg, param, value, (uint32_t)stats_version_in_use());
    if (which == VALUE_SHM_FREE)
        return pv_get_uintval(msg, param, value, (unsigned)(shm_available() / (shm_mem_size / 100)));
    if (which == VALUE_CODE && pv_event_now().code != 0)
        return give_positive(msg, param, value, pv_event_now().code);
    return which >= VALUE_FLOW ? get_of_flow(msg, param, value) : get_of_decision(msg, param, value);
}
