// SPDX-License-Identifier: GPL-2.0-or-later
#include "kamailio/base/ksr.h"

#include "kamailio/save/save_private.h"

#include <errno.h>

#include "kamailio/base/stats.h"
#include "kamailio/flow/flows.h"
#include "kamailio/base/module_config.h"

/*
 * usrloc's record of an AOR as call/registrar.h sees it; all of it while usrloc is locked. usrloc finds contacts by
 * rules of its own (matching_mode), which are not those of RFC 3261 and RFC 5626, so its list is read instead.
 */

static struct text without_angles(const str *instance)
{
    struct text text = text_of_str(instance);
    if (text.length >= 2 && text.at[0] == '<' && text.at[text.length - 1] == '>')
        return (struct text){text.at + 1, text.length - 2};
    return text;
}

static void *record_next(void *context, const void *binding, struct binding_view *view)
{
    const struct save *save = context;
    const ucontact_t *before = binding;
    ucontact_t *contact = before != NULL ? before->next : save->record != NULL ? save->record->contacts : NULL;
    if (contact == NULL)
        return NULL;
    /* In usrloc, 0 means that the binding is permanent. */
    *view = (struct binding_view){.contact = text_of_str(&contact->c),
                                  .instance = without_angles(&contact->instance),
                                  .path = text_of_str(&contact->path),
                                  .call_id = text_of_str(&contact->callid),
                                  .parameters = contact_parameters(contact),
                                  .reg_id = contact->reg_id,
                                  .cseq = (uint32_t)contact->cseq,
                                  .q = (uint16_t)(contact->q < 0 ? MAX_Q : contact->q),
                                  .expires_at = contact->expires != 0 ? contact->expires
                                                                      : save->store.now + module_config.expires_most,
                                  .registered_at = contact->last_modified};
    return contact;
}

static int record_remove(void *context, void *binding)
{
    const struct save *save = context;
    ucontact_t *contact = binding;
    contact->flags &= ~(unsigned)FL_MEM; /* permanent ones too */
    return ul.delete_ucontact(save->record, contact) < 0 ? -EIO : 0;
}

/* What usrloc could not write to its database is in its list all the same. */
static int record_insert(void *context, size_t nth, void **binding)
{
    struct save *save = context;
    ucontact_t *made = NULL;
    if (save->record == NULL && ul.insert_urecord(save->domain, &save->aor, &save->record) < 0)
        return -ENOMEM;
    if (save_info_of(save, nth) != 0 || ul.insert_ucontact(save->record, &save->contact, &save->info, &made) < 0)
        return -ENOMEM;
    if (contact_keep_parameters(made, &save->asked.contacts[nth]) != 0) {
        record_remove(save, made);
        return -ENOMEM;
    }
    save_charge(save, nth, made);
    *binding = made;
    return 0;
}

static int record_update(void *context, size_t nth, void **binding)
{
    struct save *save = context;
    ucontact_t *known = *binding;
    if (save_info_of(save, nth) != 0)
        return -ENOMEM;
    sr_xavp_t *own = contact_take_own(known);
    const bool updated = ul.update_ucontact(save->record, known, &save->info) >= 0;
    contact_give_own(known, own);
    if (!updated)
        return -ENOMEM;
    if (contact_keep_parameters(known, &save->asked.contacts[nth]) != 0)
        stats_count(STAT_SHARED_MEMORY); /* it stands all the same */
    save_charge(save, nth, known);
    return 0;
}

static bool record_flow_is_outbound(void *context)
{
    const struct save *save = context;
    flow_id flow = flow_of_source(&save->msg->rcv);
    return flow == 0 || flow_is_outbound(flow);
}

/* While the record is locked: a flow is described by its binding. */
static void save_describe_flow(struct save *save)
{
    size_t nth = save->registrar.flow_contact;
    if (nth == REGISTRATION_CONTACTS_MOST)
        return;
    const ucontact_t *made = save->registrar.contacts[nth].made;
    save->flow_length =
        flow_describe(made != NULL ? made : save->registrar.contacts[nth].known, save->flow, sizeof save->flow);
}

int save_store(struct save *save)
{
    save->store = (struct registrar_store){.context = save,
                                           .now = save->info.last_modified,
                                           .aor_most = (size_t)module_config.contacts_most,
                                           .room = SIZE_MAX,
                                           .matching = (uint8_t)module_matching,
                                           .fixed_key = true,
                                           .next = record_next,
                                           .insert = record_insert,
                                           .update = record_update,
                                           .remove = record_remove,
                                           .flow_is_outbound = record_flow_is_outbound};
    save_gather_spellings(save);
    ul.lock_udomain(save->domain, &save->aor);
    if (ul.get_urecord(save->domain, &save->aor, &save->record) != 0)
        save->record = NULL;
    int error = registrar_plan(&save->registrar, &save->asked, &save->store);
    save->is_full = save->registrar.is_full;
    if (error == 0)
        error = save_charge_check(save);
    if (error == 0)
        error = registrar_carry_out(&save->registrar);
    if (error == 0) {
        save_describe_flow(save);
        registrar_confirm(&save->registrar, false, (uint32_t)module_config.flow_timer, &save->fields);
    }
    if (save->record != NULL)
        ul.release_urecord(save->record);
    ul.unlock_udomain(save->domain, &save->aor);
    return error;
}
