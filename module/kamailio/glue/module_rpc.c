// SPDX-License-Identifier: GPL-2.0-or-later
#include "kamailio/base/ksr.h"

#include "kamailio/glue/module_rpc.h"

#include <errno.h>
#include <stdlib.h>

#include "base/number.h"
#include "kamailio/flow/connection.h"
#include "kamailio/flow/flow_token.h"
#include "kamailio/flow/flows.h"
#include "kamailio/flow/record.h"
#include "call/rest_name.h"
#include "kamailio/glue/fixups.h"
#include "kamailio/flow/spellings.h"
#include "kamailio/base/module_config.h"
#include "kamailio/call/peer.h"
#include "kamailio/call/rests.h"
#include "kamailio/base/save_aor.h"
#include "kamailio/base/stats.h"

/* RPC commands for operators. The text of a fault is one line; its code is a suitable HTTP status. */

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
        sip_aor_fold(module_config.aor_case, out, (size_t)given->len);
        return given->len;
    }
    whole.len = snprintf(uri, sizeof uri, "%s%.*s",
                         memchr(given->s, ':', (size_t)given->len) != NULL ? "" : "sip:", given->len, given->s);
    return aor_of_uri(&whole, out, size);
}

/* Returns whether a request could be sent over it now, as far as this server knows. */
static const char *liveliness(const ucontact_t *contact, flow_id flow)
{
    if (contact->path.len > 0)
        return "by its path";
    if (flow_is_elsewhere(contact) && peer_of_node((int)contact->server_id) != NULL)
        return "by its peer";
    const enum flow_use use = flow_use_of(contact);
    if (use != FLOW_USABLE)
        return use == FLOW_ELSEWHERE ? "another node's" : "no";
    return flow == 0 ? "by its contact" : flow_lives(flow) ? "yes" : "no";
}

enum { LISTED_STANDARD = 1000, LISTED_MOST = 100000 };

struct listing {
    rpc_t *rpc;
    void *list;
    time_t now;
    uint32_t limit, listed;
    uint64_t left_out;
};

/* expires: seconds left; -1: it stays for ever. */
static int add_binding(const struct listing *listing, ucontact_t *contact)
{
    char flow[FLOW_WORD], remote[FLOW_WORD];
    void *item;
    rpc_t *rpc = listing->rpc;
    str none = str_init(""), words = {flow, (int)flow_describe(contact, flow, sizeof flow)};
    str address = {remote, (int)flow_remote(contact, remote, sizeof remote)};
    if (rpc->array_add(listing->list, "{", &item) < 0)
        return -1;
    return rpc->struct_add(item, "SSSdsSSSsdd", "aor", contact->aor, "contact", &contact->c, "instance",
                           contact->instance.len > 0 ? &contact->instance : &none, "reg_id", (int)contact->reg_id,
                           "transport", flow_transport(contact), "remote", &address, "flow", &words, "path",
                           contact->path.len > 0 ? &contact->path : &none, "alive",
                           liveliness(contact, flow_of_contact(contact)), "age",
                           (int)(listing->now - contact->last_modified), "expires",
                           contact->expires == 0 ? -1 : (int)(contact->expires - listing->now));
}

/* Under the lock of the record's slot. Returns 0 or FAULT_SERVER. */
static int add_record(struct listing *listing, const urecord_t *record)
{
    for (ucontact_t *contact = record->contacts; contact != NULL; contact = contact->next) {
        if (!VALID_CONTACT(contact, listing->now))
            continue;
        if (listing->listed == listing->limit)
            listing->left_out++;
        else if (add_binding(listing, contact) < 0)
            return FAULT_SERVER;
        else
            listing->listed++;
    }
    return 0;
}

static int add_aor(struct listing *listing, udomain_t *table, str *aor)
{
    urecord_t *record;
    int fault = FAULT_NOT_FOUND;
    ul.lock_udomain(table, aor);
    if (ul.get_urecord(table, aor, &record) == 0) {
        fault = add_record(listing, record);
        ul.release_urecord(record);
    }
    ul.unlock_udomain(table, aor);
    return fault;
}

static int add_spellings(struct listing *listing, udomain_t *table, const str *key)
{
    char bytes[SPELLING_MOST];
    str aor;
    int fault = FAULT_NOT_FOUND;
    for (unsigned nth = 0; spelling_at(table, key, nth, bytes, &aor) && fault != FAULT_SERVER; nth++) {
        int found = add_aor(listing, table, &aor);
        fault = found != FAULT_NOT_FOUND ? found : fault;
    }
    return fault;
}

/* One slot is locked at a time, so that calls wait for no more than that. */
static int add_table(struct listing *listing, const udomain_t *table)
{
    int fault = 0;
    for (int i = 0; i < table->size && fault == 0; i++) {
        rec_lock_get(&table->table[i].rlock);
        for (urecord_t *record = table->table[i].first; record != NULL && fault == 0; record = record->next)
            fault = add_record(listing, record);
        rec_lock_release(&table->table[i].rlock);
    }
    return fault;
}

struct question {
    char aor_text[AOR_MOST], table_text[AOR_MOST];
    str aor; /* length 0: all */
    char *table;
    uint32_t limit;
};

static bool read_limit(const str *word, uint32_t *limit)
{
    uint32_t number = 0;
    for (int i = 0; i < word->len; i++) {
        if (word->s[i] < '0' || word->s[i] > '9' || number > LISTED_MOST)
            return false;
        number = number * 10 + (uint32_t)(word->s[i] - '0');
    }
    *limit = number;
    return word->len > 0;
}

/* [AOR] [LIMIT] [TABLE]: "*" in place of an AOR stands for all. */
static bool read_question(rpc_t *rpc, void *context, struct question *question)
{
    str word;
    *question = (struct question){.limit = LISTED_STANDARD, .table = "location"};
    question->aor.s = question->aor_text;
    if (rpc->scan(context, "*.S", &word) < 1)
        return true;
    if (!(word.len == 1 && word.s[0] == '*')) {
        question->aor.len = read_aor(&word, question->aor_text, sizeof question->aor_text);
        if (question->aor.len <= 0)
            return false;
    }
    if (rpc->scan(context, "*.S", &word) < 1)
        return true;
    if (read_limit(&word, &question->limit) && rpc->scan(context, "*.S", &word) < 1)
        return question->limit >= 1 && question->limit <= LISTED_MOST;
    snprintf(question->table_text, sizeof question->table_text, "%.*s", word.len, word.s);
    question->table = question->table_text;
    return question->limit >= 1 && question->limit <= LISTED_MOST && rpc->scan(context, "*.S", &word) < 1;
}

static void list_flows(rpc_t *rpc, void *context)
{
    struct question question;
    struct listing listing = {.rpc = rpc, .now = time(NULL)};
    udomain_t *table;
    void *answer;
    int fault = 0;
    if (!module_has_usrloc) {
        rpc->fault(context, FAULT_NOT_FOUND, "usrloc is not loaded: there are no bindings here");
        return;
    }
    if (!read_question(rpc, context, &question)) {
        rpc->fault(
            context, FAULT_REQUEST,
            "reflow.flows [AOR] [LIMIT] [TABLE]: an AOR like sip:bob@example.com or *, a limit from 1 to 100000");
        return;
    }
    if (ul.get_udomain(question.table, &table) != 0) {
        rpc->fault(context, FAULT_NOT_FOUND, "no table %s", question.table);
        return;
    }
    listing.limit = question.limit;
    if (rpc->add(context, "{", &answer) < 0 ||
        (question.aor.len > 0 && rpc->struct_add(answer, "S", "aor", &question.aor) < 0) ||
        rpc->struct_add(answer, "[", "bindings", &listing.list) < 0)
        fault = FAULT_SERVER;
    if (fault == 0)
        fault = question.aor.len > 0 ? add_spellings(&listing, table, &question.aor) : add_table(&listing, table);
    if (fault == 0 && rpc->struct_add(answer, "d", "left_out", (int)listing.left_out) < 0)
        fault = FAULT_SERVER;
    if (fault == FAULT_NOT_FOUND)
        rpc->fault(context, fault, "no bindings of %.*s", question.aor.len, question.aor.s);
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
                rpc->struct_add(item, "Sdss", "destination", &destination, "seconds", (int)views[i].seconds_left,
                                "tenant", views[i].tenant, "kind", views[i].silent ? "silent" : "rest") < 0)
                break;
        }
    }
    free(views);
}

/* --- rests --- */

static bool read_seconds(const str *word, uint32_t *seconds)
{
    uint64_t number = 0;
    const bool fine = number_read((struct text){word->s, (size_t)word->len}, REST_SECONDS_MOST, &number);
    *seconds = (uint32_t)number;
    return fine;
}

static bool is_off(const str *word)
{
    return word->len == 3 && memcmp(word->s, "off", 3) == 0;
}

/* The first word is no longer valid after the second is read. */
static bool read_rest(rpc_t *rpc, void *context, char *destination, size_t size, uint32_t *seconds)
{
    str word;
    if (rpc->scan(context, "*.S", &word) < 1 || word.len <= 0 || (size_t)word.len >= size)
        return false;
    snprintf(destination, size, "%.*s", word.len, word.s);
    if (rpc->scan(context, "*.S", &word) < 1)
        return false;
    *seconds = 0;
    return (is_off(&word) || read_seconds(&word, seconds)) && rpc->scan(context, "*.S", &word) < 1;
}

static void set_rest(rpc_t *rpc, void *context)
{
    char destination[REST_NAME_MOST + 1];
    uint32_t seconds = 0;
    void *answer;
    const bool complete = read_rest(rpc, context, destination, sizeof destination, &seconds);
    const str name = {destination, complete ? (int)strlen(destination) : 0};
    if (!complete || (seconds > 0 && !destination_is_right(&name))) {
        rpc->fault(context, FAULT_REQUEST,
                   "reflow.rest DESTINATION SECONDS: host:port or host, and 1 to %d seconds; 0 or off ends its rest",
                   REST_SECONDS_MOST);
        return;
    }
    if (seconds == 0 && !rest_end(text_of(destination))) {
        rpc->fault(context, FAULT_NOT_FOUND, "%s does not rest", destination);
        return;
    }
    if (seconds > 0)
        rest_set((struct text){NULL, 0}, text_of(destination), seconds);
    if (rpc->add(context, "{", &answer) >= 0)
        rpc->struct_add(answer, "sd", "destination", destination, "seconds", (int)seconds);
}

/* --- the bindings of a connection --- */

static void add_binding_of_flow(struct listing *listing, const struct flow_binding *binding)
{
    udomain_t *table;
    urecord_t *record;
    ucontact_t *contact;
    const str ruid = {(char *)binding->ruid, binding->ruid_length};
    if (ul.get_udomain(binding->table->s, &table) != 0 ||
        record_open(table, binding->aor_hash, &ruid, &record, &contact) < 0)
        return;
    if (VALID_CONTACT(contact, listing->now) && add_binding(listing, contact) == 0)
        listing->listed++;
    record_close(table, record);
}

/* Returns the number of bindings, or -1: no memory. */
static long list_connection(struct listing *listing, flow_id flow)
{
    struct flow_binding *bindings = malloc(LISTED_STANDARD * sizeof *bindings);
    if (bindings == NULL)
        return -1;
    const size_t count = flow_bindings(flow, bindings, LISTED_STANDARD);
    for (size_t i = 0; i < count && i < LISTED_STANDARD; i++)
        add_binding_of_flow(listing, &bindings[i]);
    free(bindings);
    return (long)count;
}

static void show_connection(rpc_t *rpc, void *context)
{
    struct listing listing = {.rpc = rpc, .now = time(NULL)};
    char described[FLOW_WORD] = "";
    int id = 0;
    str word;
    void *answer;
    if (rpc->scan(context, "*d", &id) < 1 || id <= 0 || rpc->scan(context, "*.S", &word) >= 1) {
        rpc->fault(context, FAULT_REQUEST,
                   "reflow.connection ID: the number of a connection, as reflow.flows and core.tcp_list show it");
        return;
    }
    const bool open = connection_describe(id, described, sizeof described) > 0;
    if (!open && (!module_has_usrloc || flow_bindings(flow_of_connection(id), NULL, 0) == 0)) {
        rpc->fault(context, FAULT_NOT_FOUND, "there is no connection %d", id);
        return;
    }
    if (rpc->add(context, "{", &answer) < 0 ||
        rpc->struct_add(answer, "dss[", "connection", id, "addresses", described, "state", open ? "open" : "gone",
                        "bindings", &listing.list) < 0)
        return;
    const long count = module_has_usrloc ? list_connection(&listing, flow_of_connection(id)) : 0;
    if (count < 0)
        rpc->fault(context, FAULT_SERVER, "no memory for the answer");
    else
        rpc->struct_add(answer, "d", "left_out", count > LISTED_STANDARD ? (int)(count - LISTED_STANDARD) : 0);
}

/* --- keys and counters --- */

static void rotate_keys(rpc_t *rpc, void *context)
{
    char error[256];
    void *answer;
    int result = flow_token_rotate(error, sizeof error);
    if (result != 0)
        rpc->fault(context, result == -ENOENT ? FAULT_NOT_FOUND : FAULT_SERVER, "%s", error);
    else if (rpc->add(context, "{", &answer) >= 0)
        rpc->struct_add(answer, "s", "result", "a new key signs flow tokens from now on");
}

static void reset_stats(rpc_t *rpc, void *context)
{
    (void)rpc;
    (void)context;
    stats_reset();
}

static const char *flows_doc[] = {
    "The bindings: AOR, contact, instance, reg-id, flow, whether it lives, age, expiry. [AOR] [LIMIT] [TABLE]", NULL};
static const char *rests_doc[] = {"The destinations that rest or were silent, and for how many seconds more", NULL};
static const char *rest_doc[] = {
    "Let a destination rest for all calls. Takes host:port or host, and the seconds; 0 or off ends its rest", NULL};
static const char *connection_doc[] = {
    "The bindings of a connection: AOR, contact, instance, reg-id, expiry. Takes its number", NULL};
static const char *rotate_doc[] = {"A new key signs flow tokens from now on; the older ones still verify", NULL};
static const char *reset_doc[] = {"Set the counters of group \"reflow\" to 0", NULL};

const rpc_export_t module_rpc[] = {
    {"reflow.flows", list_flows, flows_doc, 0},
    {"reflow.rests", list_rests, rests_doc, 0},
    {"reflow.rest", set_rest, rest_doc, 0},
    {"reflow.connection", show_connection, connection_doc, 0},
    {"reflow.rotate_keys", rotate_keys, rotate_doc, 0},
    {"reflow.reset_stats", reset_stats, reset_doc, 0},
    {0, 0, 0, 0},
};
