// SPDX-License-Identifier: GPL-2.0-or-later
#include "kamailio/base/ksr.h"

#include "kamailio/glue/module_rpc.h"

#include <stdlib.h>

#include "kamailio/flow/flows.h"
#include "kamailio/base/host.h"
#include "kamailio/glue/module.h"
#include "kamailio/call/rests.h"
#include "kamailio/save/save.h"
#include "kamailio/base/stats.h"

/* Commands for operators. A fault's text is one line; its code is that of the HTTP status that fits. */

enum { FAULT_REQUEST = 400, FAULT_NOT_FOUND = 404, FAULT_SERVER = 500 };
enum { AOR_MOST = 512, FLOW_WORD = 160 };

/* "sip:bob@example.com", "bob@example.com", or the AOR as usrloc lists it. */
static int read_aor(const str *given, char *out, size_t size)
{
    char uri[AOR_MOST];
    str whole = {uri, 0};
    if (given->len <= 0 || given->len > AOR_MOST - 8)
        return -1;
    if (memchr(given->s, ':', (size_t)given->len) == NULL && memchr(given->s, '@', (size_t)given->len) == NULL) {
        memcpy(out, given->s, (size_t)given->len);
        return given->len;
    }
    whole.len = snprintf(uri, sizeof uri, "%s%.*s",
                         memchr(given->s, ':', (size_t)given->len) != NULL ? "" : "sip:", given->len, given->s);
    return aor_of_uri(&whole, out, size);
}

/* Whether a request could go over it now, as far as is known here. */
static const char *liveliness(const ucontact_t *contact, flow_id flow)
{
    if (contact->path.len > 0)
        return "by its path";
    if (flow_is_foreign(contact))
        return "another node's";
    if (flow_is_lost(contact))
        return "no";
    return flow == 0 ? "by its contact" : flow_lives(flow) ? "yes" : "no";
}

/* Seconds left; -1: it stays for ever. */
static int add_binding(rpc_t *rpc, void *list, ucontact_t *contact)
{
    char flow[FLOW_WORD];
    void *item;
    str none = str_init(""), words = {flow, (int)flow_describe(contact, flow, sizeof flow)};
    if (rpc->array_add(list, "{", &item) < 0)
        return -1;
    return rpc->struct_add(item, "SSdSSsd", "contact", &contact->c, "instance",
                           contact->instance.len > 0 ? &contact->instance : &none, "reg_id", (int)contact->reg_id,
                           "flow", &words, "path", contact->path.len > 0 ? &contact->path : &none, "alive",
                           liveliness(contact, flow_of_contact(contact)), "expires",
                           contact->expires == 0 ? -1 : (int)(contact->expires - time(NULL)));
}

/* Under the lock of the AOR's slot. */
static int add_bindings(rpc_t *rpc, void *context, udomain_t *table, str *aor)
{
    urecord_t *record;
    void *answer, *list;
    if (ul.get_urecord(table, aor, &record) != 0)
        return FAULT_NOT_FOUND;
    int fault = FAULT_SERVER;
    time_t now = time(NULL);
    if (rpc->add(context, "{", &answer) >= 0 && rpc->struct_add(answer, "S[", "aor", aor, "bindings", &list) >= 0) {
        fault = 0;
        for (ucontact_t *contact = record->contacts; contact != NULL && fault == 0; contact = contact->next) {
            if (VALID_CONTACT(contact, now) && add_binding(rpc, list, contact) < 0)
                fault = FAULT_SERVER;
        }
    }
    ul.release_urecord(record);
    return fault;
}

static void list_flows(rpc_t *rpc, void *context)
{
    char aor_text[AOR_MOST];
    str given, aor = {aor_text, 0};
    char *name = "location";
    udomain_t *table;
    if (!module_has_usrloc) {
        rpc->fault(context, FAULT_NOT_FOUND, "usrloc is not loaded: there are no bindings here");
        return;
    }
    if (rpc->scan(context, "S", &given) < 1 || (aor.len = read_aor(&given, aor_text, sizeof aor_text)) < 0) {
        rpc->fault(context, FAULT_REQUEST, "reflow.flows AOR [TABLE]: an AOR like sip:bob@example.com");
        return;
    }
    if (rpc->scan(context, "*s", &name) < 1)
        name = "location";
    if (ul.get_udomain(name, &table) != 0) {
        rpc->fault(context, FAULT_NOT_FOUND, "no table %s", name);
        return;
    }
    ul.lock_udomain(table, &aor);
    int fault = add_bindings(rpc, context, table, &aor);
    ul.unlock_udomain(table, &aor);
    if (fault == FAULT_NOT_FOUND)
        rpc->fault(context, fault, "no bindings of %.*s", aor.len, aor.s);
    else if (fault != 0)
        rpc->fault(context, fault, "no memory for the answer");
}

static void list_rests(rpc_t *rpc, void *context)
{
    enum { VIEWS_MOST = 512 };
    void *answer, *list, *item;
    struct rest_view *views = malloc(VIEWS_MOST * sizeof *views);
    if (views == NULL) {
        rpc->fault(context, FAULT_SERVER, "no memory for the answer");
        return;
    }
    size_t count = rest_list(views, VIEWS_MOST);
    if (rpc->add(context, "{", &answer) >= 0 &&
        rpc->struct_add(answer, "d[", "count", (int)count, "rests", &list) >= 0) {
        for (size_t i = 0; i < count && i < VIEWS_MOST; i++) {
            str destination = {views[i].destination, views[i].length};
            if (rpc->array_add(list, "{", &item) < 0 ||
                rpc->struct_add(item, "Sds", "destination", &destination, "seconds", (int)views[i].seconds_left,
                                "tenant", views[i].tenant) < 0)
                break;
        }
    }
    free(views);
}

static void reset_stats(rpc_t *rpc, void *context)
{
    (void)rpc;
    (void)context;
    stats_reset();
}

static const char *flows_doc[] = {
    "The bindings of an AOR: contact, instance, reg-id, flow, whether it lives. AOR [TABLE]", NULL};
static const char *rests_doc[] = {"The destinations that rest, and for how many seconds more", NULL};
static const char *reset_doc[] = {"Set the counters of group \"reflow\" to 0", NULL};

const rpc_export_t module_rpc[] = {
    {"reflow.flows", list_flows, flows_doc, 0},
    {"reflow.rests", list_rests, rests_doc, 0},
    {"reflow.reset_stats", reset_stats, reset_doc, 0},
    {0, 0, 0, 0},
};
