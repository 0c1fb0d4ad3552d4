// SPDX-License-Identifier: GPL-2.0-or-later
#include "kamailio/base/ksr.h"

#include "kamailio/save/save_private.h"

#include <stdlib.h>

#include "kamailio/base/module_config.h"
#include "kamailio/flow/spellings.h"

/* Moves the bindings that usrloc has under another spelling of the AOR, so that a REGISTER finds all of them in one
   record. usrloc's locks are taken one after the other: for a moment both records have them, but a call has each target
   once. */

struct copied {
    struct copied *next;
    ucontact_t contact; /* its texts are in `bytes`; xavp has copies of the attributes alone (xavp_contact) */
    char bytes[];
};

static size_t text_bytes(const ucontact_t *contact)
{
    return (size_t)contact->c.len + (size_t)contact->received.len + (size_t)contact->path.len +
           (size_t)contact->callid.len + (size_t)contact->user_agent.len + (size_t)contact->instance.len +
           (size_t)contact->ruid.len;
}

static void copy_text(str *text, char **at)
{
    if (text->len > 0)
        memcpy(*at, text->s, (size_t)text->len);
    text->s = *at;
    *at += text->len;
}

static struct copied *copied_new(const ucontact_t *contact)
{
    struct copied *copied = malloc(sizeof *copied + text_bytes(contact));
    if (copied == NULL)
        return NULL;
    char *at = copied->bytes;
    copied->contact = *contact;
    const bool has_attributes = contact->xavp != NULL && contact->xavp->val.type == SR_XTYPE_XAVP;
    copied->contact.xavp = has_attributes ? xavp_clone_level_nodata(contact->xavp) : NULL;
    str *const texts[] = {&copied->contact.c,      &copied->contact.received,   &copied->contact.path,
                          &copied->contact.callid, &copied->contact.user_agent, &copied->contact.instance,
                          &copied->contact.ruid};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        copy_text(texts[i], &at);
    return copied;
}

static void copied_delete_all(struct copied *first)
{
    for (struct copied *next; first != NULL; first = next) {
        next = first->next;
        xavp_destroy_list(&first->contact.xavp);
        free(first);
    }
}

/* The living bindings of a record, as far as there is memory. */
static struct copied *copy_record(const struct save *save, str *aor)
{
    struct copied *first = NULL, **end = &first;
    urecord_t *record;
    ul.lock_udomain(save->domain, aor);
    if (ul.get_urecord(save->domain, aor, &record) == 0) {
        for (const ucontact_t *each = record->contacts; each != NULL; each = each->next) {
            if (VALID_CONTACT(each, save->info.last_modified) && (*end = copied_new(each)) != NULL) {
                (*end)->next = NULL;
                end = &(*end)->next;
            }
        }
        ul.release_urecord(record);
    }
    ul.unlock_udomain(save->domain, aor);
    return first;
}

static bool same_str(const str *a, const str *b)
{
    return text_equal(text_of_str(a), text_of_str(b));
}

static bool record_has(const urecord_t *record, const ucontact_t *contact)
{
    const ucontact_t *each = record->contacts;
    while (each != NULL && !(same_str(&each->c, &contact->c) && same_str(&each->instance, &contact->instance) &&
                             each->reg_id == contact->reg_id))
        each = each->next;
    return each != NULL;
}

/* A database that compares without case has the same row for both spellings. */
static bool is_row_of(const urecord_t *record, const ucontact_t *copy)
{
    const ucontact_t *each = record->contacts;
    while (each != NULL && !same_str(&each->ruid, &copy->ruid))
        each = each->next;
    return each != NULL;
}

static bool put_copy(urecord_t *record, ucontact_t *copy)
{
    ucontact_t *made;
    if (is_row_of(record, copy)) {
        copy->ruid.len = 0; /* it must not be removed */
        return true;
    }
    ucontact_info_t info = {.c = &copy->c,
                            .received = copy->received,
                            .path = copy->path.len > 0 ? &copy->path : NULL,
                            .expires = copy->expires,
                            .q = copy->q,
                            .callid = &copy->callid,
                            .cseq = copy->cseq,
                            .flags = copy->flags,
                            .cflags = copy->cflags,
                            .user_agent = &copy->user_agent,
                            .sock = copy->sock,
                            .methods = copy->methods,
                            .instance = copy->instance,
                            .reg_id = copy->reg_id,
                            .server_id = copy->server_id,
                            .tcpconn_id = copy->tcpconn_id,
                            .keepalive = copy->keepalive,
                            .last_modified = copy->last_modified};
    if (record_has(record, copy))
        return true;
    /* usrloc takes the attributes of a new binding from those of the process. */
    sr_xavp_t **list = xavp_set_list(&copy->xavp);
    const bool put = save_next_ruid(&info.ruid) == 0 && ul.insert_ucontact(record, &copy->c, &info, &made) == 0;
    xavp_set_list(list);
    return put;
}

static bool put_copies(struct save *save, struct copied *first)
{
    bool put = true;
    urecord_t *record = NULL;
    ul.lock_udomain(save->domain, &save->aor);
    if (ul.get_urecord(save->domain, &save->aor, &record) != 0 &&
        ul.insert_urecord(save->domain, &save->aor, &record) < 0)
        record = NULL;
    for (struct copied *each = first; each != NULL && record != NULL; each = each->next)
        put = put_copy(record, &each->contact) && put;
    if (record != NULL)
        ul.release_urecord(record);
    ul.unlock_udomain(save->domain, &save->aor);
    return put && record != NULL;
}

static void remove_copied(const struct save *save, str *aor, const struct copied *first)
{
    urecord_t *record;
    ul.lock_udomain(save->domain, aor);
    if (ul.get_urecord(save->domain, aor, &record) == 0) {
        for (ucontact_t *next, *each = record->contacts; each != NULL; each = next) {
            const struct copied *copied = first;
            next = each->next;
            while (copied != NULL && !same_str(&copied->contact.ruid, &each->ruid))
                copied = copied->next;
            if (copied != NULL)
                ul.delete_ucontact(record, each);
        }
        ul.release_urecord(record);
    }
    ul.unlock_udomain(save->domain, aor);
}

void save_gather_spellings(struct save *save)
{
    char bytes[SPELLING_MOST];
    str aor;
    for (unsigned nth = 1; spelling_at(save->domain, &save->aor, nth, bytes, &aor);) {
        struct copied *copies = copy_record(save, &aor);
        if (copies != NULL && !put_copies(save, copies)) {
            nth++; /* it stays where it is found, and the next REGISTER tries again */
        } else {
            remove_copied(save, &aor, copies);
            spelling_forget(save->domain, &aor);
        }
        copied_delete_all(copies);
    }
}
