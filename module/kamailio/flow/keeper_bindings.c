// SPDX-License-Identifier: GPL-2.0-or-later
#include "kamailio/base/ksr.h"

#include "kamailio/flow/keeper_private.h"

#include <errno.h>
#include <string.h>

#include "kamailio/policy/events.h"
#include "kamailio/flow/flow_index.h"
#include "kamailio/flow/flows.h"
#include "kamailio/flow/record.h"
#include "kamailio/base/journal.h"
#include "kamailio/base/module_config.h"
#include "kamailio/base/stats.h"

/* Removes bindings from usrloc by its own rules: its callbacks run, so that databases and other nodes are updated. */

enum { AOR_MOST = 512, INSTANCE_MOST = 256, FLOW_TEXT_MOST = 256, AT_ONCE = 64 };
enum { KEPT = 1 };

/* The data of a removed binding, for events. */
struct obituary {
    char aor[AOR_MOST], instance[INSTANCE_MOST], flow[FLOW_TEXT_MOST];
    struct script_flow view;
    enum flow_down_reason reason;
};

static struct text keep(char *out, size_t size, struct text text)
{
    if (text.length > size)
        text.length = size;
    if (text.length > 0)
        memcpy(out, text.at, text.length);
    return (struct text){out, text.length};
}

/* usrloc stores it as in the Contact: "<urn:...>". */
static struct text bare_instance(const str *instance)
{
    struct text text = {instance->s, instance->len > 0 ? (size_t)instance->len : 0};
    while (text.length > 0 && (*text.at == '"' || *text.at == '<')) {
        text.at++;
        text.length--;
    }
    while (text.length > 0 && (text.at[text.length - 1] == '"' || text.at[text.length - 1] == '>'))
        text.length--;
    return text;
}

static void write_obituary(struct obituary *obituary, const ucontact_t *contact, unsigned aor_hash)
{
    struct script_flow *view = &obituary->view;
    struct text aor = {contact->aor->s, (size_t)contact->aor->len};
    /* if it was read from a database without domains, usrloc's AOR may be in memory that was freed */
    if (ul.get_aorhash(contact->aor) == aor_hash)
        view->aor = keep(obituary->aor, sizeof obituary->aor, aor);
    view->instance = keep(obituary->instance, sizeof obituary->instance, bare_instance(&contact->instance));
    view->reg_id = contact->reg_id;
    view->flow = (struct text){obituary->flow, flow_describe(contact, obituary->flow, sizeof obituary->flow)};
}

/* 3261-10.a: from now on it is called by its Contact. */
static int forget_flow(struct urecord *record, ucontact_t *contact)
{
    ucontact_info_t info = {.user_agent = &contact->user_agent,
                            .sock = contact->sock,
                            .expires = contact->expires,
                            .q = contact->q,
                            .cseq = contact->cseq,
                            .methods = contact->methods,
                            .last_modified = contact->last_modified,
                            .flags = contact->flags,
                            .cflags = contact->cflags,
                            .server_id = contact->server_id,
                            .reg_id = contact->reg_id,
                            .tcpconn_id = -1};
    /* With xavp_contact, usrloc replaces the binding's XAVPs by those of the process. */
    sr_xavp_t *kept = contact->xavp, **list = xavp_set_list(&kept);
    contact->xavp = NULL;
    const int error = ul.update_ucontact(record, contact, &info) < 0 ? -EIO : KEPT;
    xavp_set_list(list);
    xavp_destroy_list(&contact->xavp);
    contact->xavp = kept;
    return error;
}

/* A REGISTER may have arrived since the flow was found dead. */
static bool is_alive(const ucontact_t *contact, flow_id flow, enum flow_down_reason reason)
{
    if (flow == 0)
        return reason == FLOW_CLOSED && flow_use_of(contact) != FLOW_LOST;
    return flow_of_contact(contact) != flow || flow_lives(flow);
}

/* `flow` 0: as contact_drop(). Otherwise the binding is kept if it has moved to another flow, or if a REGISTER has
   arrived over this one since; and it is kept without its flow if its Contact can be called. *obituary, with the
   reason, is set if the binding was changed. */
static int drop(const char *table, unsigned aor_hash, const str *ruid, flow_id flow, struct obituary *obituary)
{
    udomain_t *domain;
    struct urecord *record;
    ucontact_t *contact;
    int error = 0;
    if (!module_has_usrloc || ul.get_udomain(table, &domain) < 0)
        return -ENOENT;
    if (record_open(domain, aor_hash, ruid, &record, &contact) < 0)
        return -ENOENT;
    if (is_alive(contact, flow, obituary->reason)) {
        error = -EALREADY;
    } else {
        write_obituary(obituary, contact, aor_hash);
        if (flow != 0 && !flow_is_datagram(flow) && contact_may_be_called(contact))
            error = forget_flow(record, contact);
        else
            error = ul.delete_ucontact(record, contact) < 0 ? -EIO : 0;
    }
    record_close(domain, record);
    if (error == 0)
        stats_count(STAT_BINDINGS_DROPPED);
    return error;
}

static void log_obituary(const struct obituary *obituary, const char *reason, const char *consequence)
{
    const struct script_flow *view = &obituary->view;
    journal("%.*s: flow %.*s is down (%s): %s", (int)view->aor.length, view->aor.at, (int)view->flow.length,
            view->flow.at, reason, consequence);
}

int contact_drop(const char *table, unsigned aor_hash, const str *ruid, enum flow_down_reason reason)
{
    struct obituary obituary = {.reason = reason};
    int error = drop(table, aor_hash, ruid, 0, &obituary);
    if (error == 0 || error == -EIO)
        log_obituary(&obituary, flow_down_reason_name(reason), "binding removed");
    return error == -EIO ? 0 : error; /* removed from memory; the database has logged the failure */
}

static bool drop_one(const struct flow_binding *binding, flow_id flow, enum flow_down_reason reason)
{
    struct obituary obituary = {.reason = reason};
    const str ruid = {(char *)binding->ruid, binding->ruid_length};
    int error = drop(binding->table->s, binding->aor_hash, &ruid, flow, &obituary);
    if (error == -ENOENT)
        flow_index_remove(&ruid);
    const char *name = flow_down_reason_name(reason);
    if (error >= 0)
        log_obituary(&obituary, name,
                     error == KEPT ? "the binding is kept and called by its Contact" : "binding removed");
    if (error < 0 || error == KEPT)
        return error == KEPT;
    obituary.view.reason = (struct text){name, strlen(name)};
    event_flow(HOOK_FLOW_DOWN, &obituary.view);
    ksr_msg_env_reset(); /* frees the AVPs that an event route leaves, because no message ends here that would free them
                          */
    return true;
}

/* Counts the kept ones too: none of them is on the flow any more. */
size_t keeper_drop_bindings(flow_id flow, enum flow_down_reason reason)
{
    struct flow_binding bindings[AT_ONCE];
    size_t dropped = 0, before, count;
    do {
        before = dropped;
        count = flow_bindings(flow, bindings, AT_ONCE);
        for (size_t i = 0; i < count && i < AT_ONCE; i++)
            dropped += drop_one(&bindings[i], flow, reason);
    } while (count > AT_ONCE && dropped > before);
    return dropped;
}
