// SPDX-License-Identifier: GPL-2.0-or-later
#include "kamailio/base/ksr.h"

#include "kamailio/call/lookup.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kamailio/call/peer.h"
#include "kamailio/flow/flows.h"
#include "kamailio/flow/record.h"
#include "kamailio/flow/spellings.h"
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

struct measured {
    size_t count, text_bytes;
};

static struct measured measure(struct lookup *lookup, const ucontact_t *contacts, time_t now, unsigned method)
{
    struct measured measured = {0};
    for (const ucontact_t *each = contacts; each != NULL; each = each->next) {
        if (!is_target(lookup, each, now, method))
            continue;
        measured.count++;
        measured.text_bytes += text_bytes(each);
    }
    return measured;
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
static sr_xavp_t *contact_attributes(const ucontact_t *contact)
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
                            .attributes = contact_attributes(contact),
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

struct found_block {
    struct found_block *before; /* it has the texts of earlier ones */
    struct found found[];
};

/* Makes room for further bindings after the found ones; `count` does not include them yet. Returns the place for their
   texts, or NULL. */
static char *lookup_grow(struct lookup *lookup, size_t more, size_t more_bytes)
{
    const size_t count = lookup->count + more;
    struct found_block *block = malloc(sizeof *block + count * sizeof *block->found + more_bytes);
    if (block == NULL)
        return NULL;
    if (lookup->count > 0)
        memcpy(block->found, lookup->found, lookup->count * sizeof *block->found);
    block->before = lookup->block;
    lookup->block = block;
    lookup->found = block->found;
    lookup->text_bytes += more_bytes;
    return (char *)(block->found + count);
}

/* Appends the bindings of a record. */
static int take_all(struct lookup *lookup, const urecord_t *record, time_t now, unsigned method)
{
    const struct measured more = measure(lookup, record->contacts, now, method);
    if (more.count == 0)
        return 0;
    char *at = lookup_grow(lookup, more.count, more.text_bytes);
    if (at == NULL)
        return -1;
    struct lookup counted = {0};
    for (const ucontact_t *each = record->contacts; each != NULL; each = each->next)
        if (is_target(&counted, each, now, method))
            take(&lookup->found[lookup->count++], each, record->aorhash, &at);
    return 0;
}

/* Returns 0, -ENOENT: there is no such record, or -ENOMEM. */
static int take_record(struct lookup *lookup, udomain_t *domain, str *aor, unsigned method)
{
    urecord_t *record;
    int result = -ENOENT;
    ul.lock_udomain(domain, aor);
    if (ul.get_urecord(domain, aor, &record) == 0) {
        result = take_all(lookup, record, time(NULL), method) < 0 ? -ENOMEM : 0;
        ul.release_urecord(record);
    }
    ul.unlock_udomain(domain, aor);
    return result;
}

int lookup_create(struct lookup *lookup, const char *table, const str *key, unsigned method)
{
    char bytes[SPELLING_MOST];
    udomain_t *domain;
    str aor;
    *lookup = (struct lookup){0};
    if (!module_has_usrloc || ul.get_udomain(table, &domain) < 0) {
        ksr_log(LOG_ERROR, "usrloc has no table \"%s\"", table);
        return -1;
    }
    for (unsigned nth = 0; spelling_at(domain, key, nth, bytes, &aor); nth++) {
        if (take_record(lookup, domain, &aor, method) == -ENOMEM) {
            lookup_delete(lookup);
            return -1;
        }
    }
    return 0;
}

/* At most once from node to node: what another peer would have to reach is not found. */
static int take_marked(struct lookup *lookup, const urecord_t *record, const ucontact_t *contact)
{
    lookup->known = true;
    if (flow_is_elsewhere(contact) || !is_target(lookup, contact, time(NULL), UINT_MAX))
        return 0;
    char *at = lookup_grow(lookup, 1, text_bytes(contact));
    if (at == NULL)
        return -1;
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
    for (size_t i = 0; i < lookup->count; i++)
        xavp_destroy_list(&lookup->found[i].attributes);
    for (struct found_block *before, *block = lookup->block; block != NULL; block = before) {
        before = block->before;
        free(block);
    }
    *lookup = (struct lookup){0};
}
