// SPDX-License-Identifier: GPL-2.0-or-later
#include "kamailio/base/ksr.h"

#include "kamailio/save/save_private.h"

#include <errno.h>

#include "core/code.h"
#include "kamailio/flow/flows.h"
#include "kamailio/base/module_config.h"
#include "kamailio/base/stats.h"

/*
 * RFC 3261 10.3 step 7 on usrloc's record of the AOR, all of it while usrloc is locked. usrloc finds contacts by its
 * own rules (matching_mode), which are none of RFC 5626's: here its list is read instead.
 */

enum { RETRANSMISSION_S = 32 }; /* a client sends a REGISTER again for so long: 64*T1 (RFC 3261 17.1.2.2) */

static struct text without_angles(const str *instance)
{
    struct text text = text_of_str(instance);
    if (text.length >= 2 && text.at[0] == '<' && text.at[text.length - 1] == '>')
        return (struct text){text.at + 1, text.length - 2};
    return text;
}

/* 5626-6.g: a flow is known by instance-id and reg-id, a plain binding by its Contact URI; side by side (6.f). */
static bool is_about(const struct save *save, size_t nth, const ucontact_t *contact)
{
    char canonical[MAX_URI_SIZE];
    const struct registration *asked = &save->asked;
    struct text uri = text_of_str(&contact->c);
    if (registration_is_flow(asked, nth))
        return contact->reg_id == asked->contacts[nth].reg_id &&
               text_equal(without_angles(&contact->instance), asked->contacts[nth].instance);
    if (contact->reg_id != 0)
        return false;
    if (text_equal(uri, asked->contacts[nth].value.uri) || text_equal(uri, asked->uris[nth]))
        return true;
    int length = sip_uri_canonical(uri, canonical, sizeof canonical);
    return length > 0 && text_equal((struct text){canonical, (size_t)length}, asked->uris[nth]);
}

/* The binding that the nth Contact is about, one that stands before one that has expired. Others, which came by the
   rules of Kamailio's registrar or of another node, are noted: there shall be one. */
static void find_known(struct save *save, size_t nth)
{
    ucontact_t *contact = save->record != NULL ? save->record->contacts : NULL, *known = NULL;
    for (; contact != NULL; contact = contact->next) {
        if (!is_about(save, nth, contact))
            continue;
        save->has_doubles |= known != NULL;
        if (known == NULL || (!VALID_CONTACT(known, save->now) && VALID_CONTACT(contact, save->now)))
            known = contact;
    }
    save->known[nth] = known;
}

static bool have_one_key(const struct registration *asked, size_t i, size_t k)
{
    bool flow = registration_is_flow(asked, i);
    if (flow != registration_is_flow(asked, k))
        return false;
    if (!flow)
        return text_equal(asked->uris[i], asked->uris[k]);
    return asked->contacts[i].reg_id == asked->contacts[k].reg_id &&
           text_equal(asked->contacts[i].instance, asked->contacts[k].instance);
}

/* Another Contact of the same REGISTER means the same binding: one that lives has its way, then the later one. */
static bool is_overruled(const struct registration *asked, size_t nth)
{
    for (size_t i = 0; asked->count > 1 && i < asked->count; i++) {
        bool stronger = (asked->expires[i] > 0) != (asked->expires[nth] > 0) ? asked->expires[i] > 0 : i > nth;
        if (i != nth && stronger && have_one_key(asked, i, nth))
            return true;
    }
    return false;
}

/* --- order --- */

/* Where no transaction stands before us, a REGISTER that is sent again comes here again, and must get its 200 again. */
static bool is_again(const struct save *save, size_t nth, const ucontact_t *known)
{
    return save->asked.expires[nth] > 0 && save->now - known->last_modified <= RETRANSMISSION_S &&
           known->expires == known->last_modified + (time_t)save->asked.expires[nth] &&
           text_equal(text_of_str(&known->c), save->asked.contacts[nth].value.uri);
}

static bool is_of_this_call(const struct save *save, const ucontact_t *contact)
{
    return VALID_CONTACT(contact, save->now) &&
           text_equal(text_of_str(&contact->callid), sip_call_id(save->asked.request));
}

static int refuse_order(struct save *save)
{
    return registration_refuse(&save->asked, SIP_SERVER_INTERNAL_ERROR, "CSeq out of order");
}

static int decide_fate(struct save *save, size_t nth)
{
    bool lives = save->asked.expires[nth] > 0, overruled = is_overruled(&save->asked, nth);
    find_known(save, nth);
    const ucontact_t *known = save->known[nth];
    if (known == NULL) {
        save->fates[nth] = lives && !overruled ? FATE_INSERT : FATE_NOTHING;
        return 0;
    }
    if (is_of_this_call(save, known) && known->cseq >= save->info.cseq) {
        save->fates[nth] = FATE_NOTHING;
        return known->cseq == save->info.cseq && is_again(save, nth, known) ? 0 : refuse_order(save);
    }
    struct text instance = save->asked.contacts[nth].instance;
    if (overruled)
        save->fates[nth] = FATE_NOTHING;
    else if (!lives)
        save->fates[nth] = FATE_REMOVE;
    else /* usrloc does not update an instance-id */
        save->fates[nth] = text_equal(without_angles(&known->instance), instance) ? FATE_UPDATE : FATE_REPLACE;
    return 0;
}

static int decide_fates(struct save *save)
{
    int error = 0;
    for (size_t i = 0; error == 0 && i < save->asked.count; i++)
        error = decide_fate(save, i);
    return error;
}

/* --- room: all Contacts or none; what goes makes room for what comes --- */

static int check_room(struct save *save)
{
    size_t standing = 0, added = 0, removed = 0;
    const ucontact_t *contact = save->record != NULL ? save->record->contacts : NULL;
    for (; contact != NULL; contact = contact->next)
        standing += VALID_CONTACT(contact, save->now);
    for (size_t i = 0; i < save->asked.count; i++) {
        bool stands = save->known[i] != NULL && VALID_CONTACT(save->known[i], save->now);
        added +=
            save->fates[i] == FATE_INSERT || (save->fates[i] != FATE_NOTHING && save->asked.expires[i] > 0 && !stands);
        removed += save->fates[i] == FATE_REMOVE && stands;
    }
    if (added > 0 && standing + added > (size_t)module_config.contacts_most + removed)
        return registration_refuse(&save->asked, SIP_FORBIDDEN, "Too Many Bindings");
    return 0;
}

/* The bytes of the bindings that the REGISTER leaves as they are. */
static size_t standing_size(const struct save *save)
{
    size_t size = 0;
    const ucontact_t *contact = save->record != NULL ? save->record->contacts : NULL;
    for (; contact != NULL; contact = contact->next) {
        bool asked = !VALID_CONTACT(contact, save->now);
        for (size_t i = 0; i < save->asked.count; i++)
            asked |= save->known[i] == contact;
        if (!asked)
            size += (size_t)(contact->c.len + contact->instance.len + contact->path.len + contact->callid.len) +
                    contact_parameters(contact).length;
    }
    return size;
}

/* --- changes --- */

static void remove_contact(struct save *save, ucontact_t *contact)
{
    contact->flags &= ~(unsigned)FL_MEM; /* also where it is stored for good */
    ul.delete_ucontact(save->record, contact);
}

/* What usrloc could not write to its database is in its list all the same. */
static int insert(struct save *save, size_t nth)
{
    save->made[nth] = NULL;
    if (save_info_of(save, nth) != 0)
        return -ENOMEM;
    if (ul.insert_ucontact(save->record, &save->contact, &save->info, &save->made[nth]) < 0)
        return -ENOMEM;
    return contact_keep_parameters(save->made[nth], &save->asked.contacts[nth]);
}

static int update(struct save *save, size_t nth)
{
    if (save_info_of(save, nth) != 0)
        return -ENOMEM;
    if (ul.update_ucontact(save->record, save->known[nth], &save->info) < 0)
        return -ENOMEM;
    if (contact_keep_parameters(save->known[nth], &save->asked.contacts[nth]) != 0)
        stats_count(STAT_SHARED_MEMORY); /* it stands all the same */
    return 0;
}

static int each(struct save *save, unsigned fates, int (*change)(struct save *save, size_t nth))
{
    int error = 0;
    for (size_t i = 0; error == 0 && i < save->asked.count; i++) {
        if ((fates & 1U << save->fates[i]) != 0)
            error = change(save, i);
    }
    return error;
}

static int undo(struct save *save, size_t nth)
{
    if (save->made[nth] != NULL)
        remove_contact(save, save->made[nth]);
    return 0;
}

static int remove_doubles(struct save *save, size_t nth)
{
    for (ucontact_t *contact = save->record->contacts, *next; contact != NULL; contact = next) {
        next = contact->next;
        if (contact != save->known[nth] && contact != save->made[nth] && is_about(save, nth, contact))
            remove_contact(save, contact);
    }
    return 0;
}

static int remove_known(struct save *save, size_t nth)
{
    remove_contact(save, save->known[nth]);
    return 0;
}

/* What can fail for want of memory comes first, what can be undone before what cannot. */
static int carry_out(struct save *save)
{
    const unsigned inserts = 1U << FATE_INSERT | 1U << FATE_REPLACE, removals = 1U << FATE_REMOVE | 1U << FATE_REPLACE,
                   known = removals | 1U << FATE_UPDATE;
    if (save->record == NULL && ul.insert_urecord(save->domain, &save->aor, &save->record) < 0)
        return -ENOMEM;
    int error = each(save, inserts, insert);
    if (error == 0)
        error = each(save, 1U << FATE_UPDATE, update);
    if (error != 0) {
        each(save, inserts, undo);
        return error;
    }
    if (save->has_doubles)
        each(save, known, remove_doubles);
    return each(save, removals, remove_known);
}

static bool changes_anything(const struct save *save)
{
    for (size_t i = 0; i < save->asked.count; i++) {
        if (save->fates[i] != FATE_NOTHING)
            return true;
    }
    return false;
}

/* At most one living Contact is a flow (5626-6.d). */
static void look_at_flow(struct save *save)
{
    struct flow_binding any;
    for (size_t i = 0; save->path.len == 0 && i < save->asked.count; i++) {
        if (save->asked.expires[i] == 0 || save->fates[i] == FATE_NOTHING || !registration_is_flow(&save->asked, i))
            continue;
        flow_id flow = flow_of_source(&save->msg->rcv);
        save->flow_is_new = flow != 0 && flow_bindings(flow, &any, 1) == 0;
        save->flow_contact = i;
    }
}

static int change_contacts(struct save *save)
{
    int error = decide_fates(save);
    if (error == 0)
        error = check_room(save);
    if (error == 0)
        error = registration_check_size(&save->asked, standing_size(save));
    if (error != 0 || !changes_anything(save))
        return error;
    look_at_flow(save);
    error = carry_out(save);
    if (error != 0 || !save->flow_is_new)
        return error;
    size_t nth = save->flow_contact;
    const ucontact_t *contact = save->made[nth] != NULL ? save->made[nth] : save->known[nth];
    save->flow_length = flow_describe(contact, save->flow, sizeof save->flow);
    return 0;
}

static int remove_all(struct save *save)
{
    if (save->record == NULL)
        return 0;
    for (ucontact_t *contact = save->record->contacts; contact != NULL; contact = contact->next) {
        if (is_of_this_call(save, contact) && contact->cseq >= save->info.cseq)
            return refuse_order(save);
    }
    for (ucontact_t *contact = save->record->contacts; contact != NULL; contact = contact->next)
        contact->flags &= ~(unsigned)FL_MEM;
    urecord_t *record = save->record;
    if (ul.delete_urecord(save->domain, &save->aor, record) < 0)
        return -EIO;
    save->record = NULL; /* it went with its contacts */
    return 0;
}

/* --- the list in the 2xx --- */

static void list(struct save *save)
{
    const ucontact_t *contact = save->record != NULL ? save->record->contacts : NULL;
    for (; contact != NULL; contact = contact->next) {
        if (!VALID_CONTACT(contact, save->now))
            continue;
        /* 0 is usrloc's word for one that stays for good. */
        bool permanent = contact->expires == 0;
        struct registered_contact listed = {.uri = text_of_str(&contact->c),
                                            .instance = without_angles(&contact->instance),
                                            .parameters = contact_parameters(contact),
                                            .reg_id = contact->reg_id,
                                            .q = contact->q,
                                            .expires = permanent ? (uint64_t)module_config.expires_most
                                                                 : (uint64_t)(contact->expires - save->now)};
        registration_list(&listed, &save->fields);
    }
}

int save_store(struct save *save)
{
    ul.lock_udomain(save->domain, &save->aor);
    if (ul.get_urecord(save->domain, &save->aor, &save->record) != 0)
        save->record = NULL;
    int error = save->asked.star ? remove_all(save) : change_contacts(save);
    if (error == 0)
        list(save);
    if (save->record != NULL)
        ul.release_urecord(save->record);
    ul.unlock_udomain(save->domain, &save->aor);
    return error;
}
