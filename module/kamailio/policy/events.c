// SPDX-License-Identifier: GPL-2.0-or-later
#include "kamailio/base/ksr.h"

#include "kamailio/policy/events.h"

#include "kamailio/base/host.h"
#include "kamailio/base/module_config.h"
#include "kamailio/policy/worker_policy.h"

/* Event routes of the configuration, or one function of KEMI, that are called for events. */

enum event { EVENT_FLOW_DOWN, EVENT_FLOW_UP, EVENT_EXHAUSTED, EVENT_COUNT };

static str names[EVENT_COUNT] = {
    [EVENT_FLOW_DOWN] = str_init("reflow:flow-down"),
    [EVENT_FLOW_UP] = str_init("reflow:flow-up"),
    [EVENT_EXHAUSTED] = str_init("reflow:exhausted"),
};
enum { SHOWN_AOR_MOST = 1024 };
static int routes[EVENT_COUNT] = {-1, -1, -1}; /* filled in mod_init */

int events_create(void)
{
    for (int i = 0; i < EVENT_COUNT; i++) {
        int route = route_lookup(&event_rt, names[i].s);
        routes[i] = route >= 0 && event_rt.rlist[route] != NULL ? route : -1;
    }
    return 0;
}

static bool is_listened_to(enum event event)
{
    return module_config.event_callback.len > 0 || routes[event] >= 0;
}

/* An event may occur during the route of another message, so the state of the interpreter is saved and restored. */
static void run(enum event event, struct sip_msg *msg)
{
    sr_kemi_eng_t *engine = module_config.event_callback.len > 0 ? sr_kemi_eng_get() : NULL;
    struct run_act_ctx context;
    int type = get_route_type();
    set_route_type(EVENT_ROUTE);
    init_run_actions_ctx(&context);
    if (routes[event] >= 0)
        run_top_route(event_rt.rlist[routes[event]], msg, &context);
    if (engine != NULL && sr_kemi_route(engine, msg, EVENT_ROUTE, &module_config.event_callback, &names[event]) < 0)
        ksr_log(LOG_ERROR, "event_callback %.*s failed for %s", module_config.event_callback.len,
                module_config.event_callback.s, names[event].s);
    set_route_type(type);
}

/* usrloc stores an AOR without its scheme; policies get the same AOR in every host. */
static void ask_policy(enum hook hook, const struct script_flow *flow)
{
    char aor[SHOWN_AOR_MOST];
    struct script_flow shown = *flow;
    int length = snprintf(aor, sizeof aor, "sip:%.*s", (int)flow->aor.length, flow->aor.at);
    if (flow->aor.length != 0 && length < (int)sizeof aor)
        shown.aor = (struct text){aor, (size_t)length};
    worker_policy_on_flow(hook, &shown);
}

void event_flow(enum hook hook, const struct script_flow *flow)
{
    enum event event = hook == HOOK_FLOW_UP ? EVENT_FLOW_UP : EVENT_FLOW_DOWN;
    if (flow->reg_id != 0 && worker_policy_hears(hook)) /* the hooks are about flows with a reg-id, in every host */
        ask_policy(hook, flow);
    if (!is_listened_to(event))
        return;
    struct sip_msg *msg = faked_msg_get_next();
    if (msg == NULL)
        return;
    struct pv_event before = pv_event_set((struct pv_event){.flow = flow});
    run(event, msg);
    pv_event_set(before);
}

void event_exhausted(struct sip_msg *msg, uint32_t code)
{
    if (!is_listened_to(EVENT_EXHAUSTED))
        return;
    struct pv_event before = pv_event_set((struct pv_event){.code = code});
    run(EVENT_EXHAUSTED, msg);
    pv_event_set(before);
}
