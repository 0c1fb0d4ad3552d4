// SPDX-License-Identifier: GPL-2.0-or-later
#include "kamailio/base/ksr.h"

#include "kamailio/call/lookup.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kamailio/call/peer.h"
#include "kamailio/flow/flows.h"
#include "kamailio/flow/record.h"
#include "kamailio/base/host.h"
#include "kamailio/base/journal.h"
#include "kamailio/base/module_config.h"
#include "kamailio/base/stats.h"

enum { Q_MOST = 1000 };

/* 0: the allowed methods are not known. */
static bool takes_method(const ucontact_t *contact, unsigned method)
{
    return module_config.method_filtering == 0 || contact->methods == 0 || (contact->methods & method) != 0;
}

static const struct peer *peer_of_contact(const ucontact_t *contact)
{
    return flow_is_elsewhere(contact) ? peer_of_node((int)contact->server_id) : NULL;
}

/* Returns whether the binding is a target; counts why not. */
static bool is_target(struct lookup *lookup, const ucontact_t *contact, time_t now, unsigned method)
{
    if (!VALID_CONTACT(contact, now))
        return false;
    const enum flow_use use = peer_of_contact(contact) != NULL ? FLOW_USABLE : flow_use_of(contact);
    lookup->lost += use == FLOW_LOST;
    lookup->elsewhere += use == FLOW_ELSEWHERE;
    if (use == FLOW_ELSEWHERE)
        lookup->other_node = contact->server_id;
    if (use != FLOW_USABLE)
        return false;
    lookup->other_methods += !takes_method(contact, method);
    return takes_method(contact, method);
}

static size_t text_bytes(const ucontact_t *contact)
{
    return (size_t)contact->c.len + (size_t)contact->received.len + (size_t)contact->path.len +
           (size_t)contact->instance.len + (size_t)contact->ruid.len + (size_t)contact->user_agent.len;
}

static void measure(struct lookup *lookup, const ucontact_t *contacts, time_t now, unsigned method)
{
    for (const ucontact_t *each = contacts; each != NULL; each = each->next) {
        if (!is_target(lookup, each, now, method))
            continue;
        lookup->count++;
        lookup->text_bytes += text_bytes(each);
    }
}

static str copy(char **at, str text)
{
    if (text.len <= 0)
        return (str){NULL, 0};
    str made = {memcpy(*at, text.s, (size_t)text.len), text.len};
    *at += text.len;
    return made;
}

static str without_brackets(str instance)
{
    bool bracketed = instance.len > 2 && instance.s[0] == '<' && instance.s[instance.len - 1] == '>';
    return bracketed ? (str){instance.s + 1, instance.len - 2} : instance;
}

/* What this module keeps with a binding has another type. */
static sr_xavp_t *copy_attributes(const ucontact_t *contact)
{
    const bool present = contact->xavp != NULL && contact->xavp->val.type == SR_XTYPE_XAVP;
    return present ? xavp_clone_level_nodata(contact->xavp) : NULL;
}

static void take(struct found *found, const ucontact_t *contact, unsigned aor_hash, char **at)
{
    *found = (struct found){.uri = copy(at, contact->c),
                            .received = received_is_stale(contact) ? (str){NULL, 0} : copy(at, contact->received),
                            .path = copy(at, contact->path),
                            .instance = copy(at, without_brackets(contact->instance)),
                            .ruid = copy(at, contact->ruid),
                            .user_agent = copy(at, contact->user_agent),
                            .attributes = copy_attributes(contact),
                            .socket = contact->sock,
                            .flow = flow_of_contact(contact),
                            .registered_at = contact->last_modified,
                            .aor_hash = aor_hash,
                            .reg_id = contact->reg_id,
                            .branch_flags = contact->cflags,
                            .connection_id = contact->tcpconn_id,
                            .peer = peer_of_contact(contact),
                            .contact_left = contact_may_be_called(contact),
                            .q = contact->q < 0 || contact->q > Q_MOST ? Q_MOST : (uint16_t)contact->q};
}

static int take_all(struct lookup *lookup, const urecord_t *record, time_t now, unsigned method)
{
    measure(lookup, record->contacts, now, method);
    if (lookup->count == 0)
        return 0;
    lookup->found = malloc(lookup->count * sizeof *lookup->found + lookup->text_bytes);
    if (lookup->found == NULL)
        return -1;
    char *at = (char *)(lookup->found + lookup->count);
    size_t taken = 0;
    struct lookup counted = {0};
    for (const ucontact_t *each = record->contacts; each != NULL; each = each->next)
        if (is_target(&counted, each, now, method))
            take(&lookup->found[taken++], each, record->aorhash, &at);
    return 0;
}

int lookup_create(struct lookup *lookup, const char *table, const str *key, unsigned method)
{
    udomain_t *domain;
    urecord_t *record;
    str name = *key;
    int result = 0;
    *lookup = (struct lookup){0};
    if (!module_has_usrloc || ul.get_udomain(table, &domain) < 0) {
        ksr_log(LOG_ERROR, "usrloc has no table \"%s\"", table);
        return -1;
    }
    ul.lock_udomain(domain, &name);
    if (ul.get_urecord(domain, &name, &record) == 0) {
        result = take_all(lookup, record, time(NULL), method);
        ul.release_urecord(record);
    }
    ul.unlock_udomain(domain, &name);
    return result;
}

/* At most once from node to node: what another peer would have to reach is not found. */
static int take_marked(struct lookup *lookup, const urecord_t *record, const ucontact_t *contact)
{
    lookup->known = true;
    if (flow_is_elsewhere(contact) || !is_target(lookup, contact, time(NULL), UINT_MAX))
        return 0;
    lookup->text_bytes = text_bytes(contact);
    lookup->found = malloc(sizeof *lookup->found + lookup->text_bytes);
    if (lookup->found == NULL)
        return -1;
    char *at = (char *)(lookup->found + 1);
    take(lookup->found, contact, record->aorhash, &at);
    lookup->count = 1;
    return 0;
}

int lookup_binding(struct lookup *lookup, const char *table, const struct peer_mark *mark)
{
    udomain_t *domain;
    urecord_t *record;
    ucontact_t *contact;
    *lookup = (struct lookup){0};
    if (!module_has_usrloc || ul.get_udomain(table, &domain) < 0) {
        ksr_log(LOG_ERROR, "usrloc has no table \"%s\"", table);
        return -1;
    }
    if (record_open(domain, mark->aor_hash, &mark->ruid, &record, &contact) < 0)
        return 0;
    const int result = take_marked(lookup, record, contact);
    record_close(domain, record);
    return result;
}

/* --- the bindings that were left out --- */

static void count_left_out(enum stat stat, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        stats_count(stat);
}

static size_t write_part(char *out, size_t size, size_t length, unsigned count, const char *what)
{
    if (count == 0)
        return length;
    const int written = snprintf(out + length, size - length, "%s%u %s", length > 0 ? ", " : "", count, what);
    return written > 0 && (size_t)written < size - length ? length + (size_t)written : length;
}

void lookup_report(const struct lookup *lookup, const str *aor, unsigned dead, bool has_target)
{
    char parts[256], other_node[64];
    size_t length = 0;
    count_left_out(STAT_ELSEWHERE, lookup->elsewhere);
    count_left_out(STAT_LOST, lookup->lost);
    snprintf(other_node, sizeof other_node, "that only another node can reach (server_id %d)", lookup->other_node);
    length = write_part(parts, sizeof parts, length, lookup->elsewhere, other_node);
    length = write_part(parts, sizeof parts, length, lookup->lost, "on a connection of an earlier run");
    length = write_part(parts, sizeof parts, length, dead, "on a dead flow");
    length = write_part(parts, sizeof parts, length, lookup->other_methods, "that does not allow the method");
    if (length > 0)
        journal("%.*s %s; bindings passed over: %s", aor->len, aor->s, has_target ? "has targets" : "has no target",
                parts);
}

void lookup_delete(struct lookup *lookup)
{
    for (size_t i = 0; lookup->found != NULL && i < lookup->count; i++)
        xavp_destroy_list(&lookup->found[i].attributes);
    free(lookup->found);
}
