// SPDX-License-Identifier: BSD-2-Clause
#include "flow/outbound.h"

#include <errno.h>

#include "base/memory.h"
#include "flow/outbound_private.h"

enum { EXPIRES_DEFAULT_S = 3600, ANSWER_DEFAULT_MS = 32000 };

static bool reg_ids_are_good(const struct outbound_options *options)
{
    for (size_t i = 0; i < options->count; i++) {
        if (options->proxies[i].reg_id > INT32_MAX)
            return false;
        for (size_t j = 0; j < i; j++)
            if (options->proxies[j].reg_id == options->proxies[i].reg_id)
                return false;
    }
    return true;
}

static void take_defaults(struct outbound_options *options)
{
    for (size_t i = 0; i < options->count && i < OUTBOUND_FLOWS_MOST; i++)
        if (options->proxies[i].reg_id == 0)
            options->proxies[i].reg_id = (uint32_t)i + 1;
    if (options->expires == 0)
        options->expires = EXPIRES_DEFAULT_S;
    if (options->times.answer_ms == 0)
        options->times.answer_ms = ANSWER_DEFAULT_MS;
    if (options->times.pong_ms == 0)
        options->times.pong_ms = KEEPALIVE_PONG_MS;
}

int outbound_new(struct outbound **out, const struct host *host, const struct outbound_options *options, uint64_t now)
{
    struct outbound_options chosen = *options;
    *out = NULL;
    take_defaults(&chosen);
    if (chosen.count == 0 || chosen.count > OUTBOUND_FLOWS_MOST || !reg_ids_are_good(&chosen))
        return -EINVAL;
    struct outbound *outbound = host->allocate(host->context, NULL, 0, sizeof *outbound);
    if (outbound == NULL)
        return -ENOMEM;
    *outbound = (struct outbound){.host = host, .options = chosen};
    for (size_t i = 0; i < chosen.count; i++)
        outbound->flows[i] = (struct flow){.proxy = chosen.proxies[i],
                                           .due_at = now,
                                           .deadline = OUTBOUND_NEVER,
                                           .expires_at = OUTBOUND_NEVER,
                                           .proven_at = OUTBOUND_NEVER,
                                           .ping_at = OUTBOUND_NEVER,
                                           .pong_by = OUTBOUND_NEVER};
    *out = outbound;
    return 0;
}

void outbound_delete(struct outbound *outbound)
{
    if (outbound != NULL)
        memory_delete(outbound->host, outbound, sizeof *outbound);
}

/* The flow whose connection the event belongs to; NULL if that connection is gone. */
static struct flow *connected(struct outbound *outbound, size_t flow, uint32_t serial)
{
    if (flow >= outbound->options.count)
        return NULL;
    struct flow *found = &outbound->flows[flow];
    return found->link != LINK_CLOSED && found->connection == serial ? found : NULL;
}

void outbound_opened(struct outbound *outbound, size_t index, uint32_t serial, uint64_t now)
{
    struct flow *flow = connected(outbound, index, serial);
    if (flow == NULL || flow->link != LINK_OPENING)
        return;
    flow->link = LINK_OPEN;
    flow->deadline = OUTBOUND_NEVER;
    flow->due_at = now;
}

void outbound_closed(struct outbound *outbound, size_t index, uint32_t serial, uint64_t now)
{
    struct flow *flow = connected(outbound, index, serial);
    if (flow == NULL)
        return;
    const char *why = flow->link == LINK_OPENING ? "the flow could not be opened" : "the connection is gone";
    flow->link = LINK_CLOSED;
    flow->close = false;
    flow_lost(outbound, flow, now, (struct setback){.rule = RULE_5626_4_5_A, .why = why});
}

void outbound_pong(struct outbound *outbound, size_t index, uint32_t serial)
{
    struct flow *flow = connected(outbound, index, serial);
    if (flow != NULL)
        flow_pong(flow);
}

void outbound_mapped(struct outbound *outbound, size_t index, uint32_t serial, uint64_t now, struct text address)
{
    struct flow *flow = connected(outbound, index, serial);
    if (flow == NULL || flow->link != LINK_OPEN || address.length > MAPPED_MOST)
        return;
    const struct text known = {flow->mapped, flow->mapped_length};
    if (known.length != 0 && !text_equal(known, address)) {
        flow_lost(outbound, flow, now,
                  (struct setback){.rule = RULE_5626_4_4_B, .why = "a NAT has given the flow another mapped address"});
        return;
    }
    if (address.length != 0)
        memcpy(flow->mapped, address.at, address.length);
    flow->mapped_length = (uint8_t)address.length;
    flow_pong(flow);
}

struct decision outbound_answered(struct outbound *outbound, size_t index, uint32_t serial, uint64_t now,
                                  const struct outbound_answer *answer)
{
    struct flow *flow = index < outbound->options.count ? &outbound->flows[index] : NULL;
    if (flow == NULL || !flow->pending || flow->request != serial) {
        const struct state alone = {0};
        struct facts facts = answer->facts;
        facts.unmatched = true;
        return decide(&facts, &alone);
    }
    return flow_answered(outbound, flow, now, answer);
}

void outbound_stop(struct outbound *outbound, uint64_t now)
{
    outbound->stopping = true;
    for (size_t i = 0; i < outbound->options.count; i++) {
        struct flow *flow = &outbound->flows[i];
        if (flow->link == LINK_OPEN && (flow->registered || flow->pending))
            flow->due_at = now;
        else
            flow_close(flow);
    }
}

bool outbound_next(struct outbound *outbound, uint64_t now, struct outbound_action *action)
{
    for (size_t i = 0; i < outbound->options.count; i++)
        flow_tick(outbound, &outbound->flows[i], now);
    for (size_t i = 0; i < outbound->options.count; i++) {
        struct flow *flow = &outbound->flows[i];
        *action = (struct outbound_action){
            .flow = (uint8_t)i, .reg_id = flow->proxy.reg_id, .serial = flow->connection, .why = ""};
        if (!flow_next(outbound, flow, now, action))
            continue;
        action->registered = (uint16_t)outbound_registered(outbound);
        return true;
    }
    return false;
}

uint64_t outbound_wait_ms(const struct outbound *outbound, uint64_t now)
{
    uint64_t first = OUTBOUND_NEVER;
    for (size_t i = 0; i < outbound->options.count; i++) {
        const uint64_t at = flow_wake_at(outbound, &outbound->flows[i]);
        if (at < first)
            first = at;
    }
    if (first == OUTBOUND_NEVER)
        return OUTBOUND_NEVER;
    return first > now ? first - now : 0;
}

size_t outbound_registered(const struct outbound *outbound)
{
    size_t count = 0;
    for (size_t i = 0; i < outbound->options.count; i++)
        count += outbound->flows[i].registered;
    return count;
}

bool outbound_flow_registered(const struct outbound *outbound, size_t flow)
{
    return flow < outbound->options.count && outbound->flows[flow].registered;
}

uint64_t outbound_between(const struct outbound *outbound, uint64_t least, uint64_t most)
{
    const uint64_t random = outbound->host->random(outbound->host->context);
    return least + ((most - least + 1) * random >> 32);
}

const char *outbound_action_name(enum outbound_action_kind kind)
{
    static const char *const names[] = {
        [OUTBOUND_OPEN] = "open",
        [OUTBOUND_CLOSE] = "close",
        [OUTBOUND_REGISTER] = "register",
        [OUTBOUND_KEEPALIVE] = "keepalive",
        [OUTBOUND_REGISTERED] = "registered",
        [OUTBOUND_FAILED] = "failed",
        [OUTBOUND_UNREGISTERED] = "unregistered",
    };
    return (size_t)kind < sizeof names / sizeof names[0] ? names[kind] : "?";
}
