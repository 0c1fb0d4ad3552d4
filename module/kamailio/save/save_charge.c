// SPDX-License-Identifier: GPL-2.0-or-later
#include "kamailio/base/ksr.h"

#include "kamailio/save/save.h"

#include "core/code.h"
#include "flow/holdings.h"
#include "kamailio/base/host.h"
#include "kamailio/base/module_config.h"
#include "kamailio/base/stats.h"
#include "kamailio/flow/connection.h"
#include "kamailio/save/save_private.h"

/*
 * The shared memory that bindings hold, in total and for each source. A charge hangs on its binding as an XAVP, so that
 * usrloc's callbacks find it when the binding ends, however it ends. Bindings of other modules, of other nodes and from
 * a database have none.
 */

/* What usrloc, its allocator and the index of flows take for a binding without its texts (measured with 5.6). */
enum { BINDING_BYTES = 1400 };

struct charge {
    uint64_t source, bytes;
};

static struct holdings *held;
static gen_lock_t *held_lock;

static const struct text charge_name = {"reflow_charge", 13};

static sr_xavp_t *find_charge(const ucontact_t *contact)
{
    sr_xavp_t *each = contact->xavp;
    while (each != NULL && !(each->val.type == SR_XTYPE_STR && text_equal(text_of_str(&each->name), charge_name) &&
                             each->val.v.s.len == (int)sizeof(struct charge)))
        each = each->next;
    return each;
}

static sr_xavp_t *add_charge(ucontact_t *contact)
{
    static const struct charge none;
    sr_xavp_t *made = NULL, **end = &contact->xavp;
    str own_name = str_of(charge_name);
    sr_xval_t value = {.type = SR_XTYPE_STR};
    value.v.s = (str){(char *)&none, sizeof none};
    if (xavp_add_value(&own_name, &value, &made) == NULL)
        return NULL;
    while (*end != NULL)
        end = &(*end)->next;
    *end = made;
    return made;
}

static void put_charge(sr_xavp_t *at, const struct charge *now)
{
    struct charge before;
    memcpy(&before, at->val.v.s.s, sizeof before);
    if (before.source == now->source && before.bytes == now->bytes)
        return; /* most REGISTERs: the processes do not meet at the lock */
    memcpy(at->val.v.s.s, now, sizeof *now);
    lock_get(held_lock);
    holdings_remove(held, before.source, before.bytes);
    holdings_add(held, now->source, now->bytes);
    lock_release(held_lock);
}

/* Under usrloc's lock. A binding may be reported as expired and then as deleted. */
static void on_end(ucontact_t *contact, int type, void *param)
{
    static const struct charge none;
    (void)type;
    (void)param;
    sr_xavp_t *at = find_charge(contact);
    if (at != NULL)
        put_charge(at, &none);
}

static uint32_t share(int percent)
{
    const uint64_t bytes = (uint64_t)shm_mem_size / 100 * (uint64_t)percent;
    return percent == 0 || bytes > UINT32_MAX ? UINT32_MAX : (uint32_t)bytes;
}

/* Never destroyed: usrloc ends after this module, and calls back until then. */
int save_charge_create(void)
{
    const struct holdings_limits limits = {share(module_config.bindings_percent),
                                           share(module_config.source_bindings_percent)};
    held = shm_malloc(sizeof *held);
    held_lock = lock_alloc();
    if (held == NULL || held_lock == NULL || lock_init(held_lock) == NULL ||
        holdings_create(held, ksr_shared_host(), &limits) != 0) {
        ksr_log(LOG_ERROR, "no shared memory for the table of what bindings hold");
        return -1;
    }
    return ul.register_ulcb(UL_CONTACT_DELETE | UL_CONTACT_EXPIRE, on_end, NULL) < 0 ? -1 : 0;
}

uint64_t save_charge_bytes(void)
{
    return __atomic_load_n(&held->bytes, __ATOMIC_RELAXED);
}

/* --- one REGISTER --- */

static size_t cost_of(const struct save *save, size_t nth)
{
    char parameters[REGISTRATION_PARAMETERS_MOST + 1];
    const struct sip_contact *contact = &save->asked.contacts[nth];
    return BINDING_BYTES + contact->value.uri.length + contact->instance.length +
           registration_parameters(contact, parameters, sizeof parameters).length + (size_t)save->aor.len +
           (size_t)save->path.len + (size_t)save->call_id.len + (size_t)save->user_agent.len;
}

static size_t charged_bytes(const ucontact_t *contact)
{
    struct charge charge = {0};
    const sr_xavp_t *at = find_charge(contact);
    if (at != NULL)
        memcpy(&charge, at->val.v.s.s, sizeof charge);
    return charge.bytes;
}

/* In a database alone, nothing stays in shared memory. */
static bool is_charged(void)
{
    return ul.db_mode != DB_ONLY;
}

void save_charge(const struct save *save, size_t nth, ucontact_t *contact)
{
    struct charge now = {.source = limited_source_of(&save->msg->rcv)};
    sr_xavp_t *at = find_charge(contact);
    if (at == NULL && now.source != 0 && is_charged())
        at = add_charge(contact);
    if (at == NULL)
        return;
    now.bytes = cost_of(save, nth);
    put_charge(at, &now);
}

/* The bindings that are removed without a Contact for them, for example because their instance has moved. */
static size_t cost_of_others(struct save *save, size_t *count)
{
    struct binding_view view;
    size_t cost = 0;
    const struct registrar *registrar = &save->registrar;
    *count = 0;
    if (!registrar->has_former && !registrar->has_doubles && !save->asked.star)
        return 0;
    for (void *binding = NULL; (binding = save->store.next(save, binding, &view)) != NULL;) {
        if (!registrar_removes_other(registrar, binding, &view))
            continue;
        cost += charged_bytes(binding);
        ++*count;
    }
    return cost;
}

/* Whether the source may hold what the Contacts take; `removed` bytes become free beside theirs. */
static bool save_fits(const struct save *save, size_t removed)
{
    const uint64_t source = limited_source_of(&save->msg->rcv);
    size_t added = 0;
    for (size_t i = 0; source != 0 && i < save->asked.count; i++) {
        const enum registrar_action action = (enum registrar_action)save->registrar.contacts[i].action;
        const ucontact_t *known = save->registrar.contacts[i].known;
        added += action >= REGISTRAR_INSERT && action <= REGISTRAR_REPLACE ? cost_of(save, i) : 0;
        removed += action > REGISTRAR_INSERT && known != NULL ? charged_bytes(known) : 0;
    }
    if (added <= removed)
        return true;
    lock_get(held_lock);
    bool fits = holdings_fit(held, source, added - removed);
    lock_release(held_lock);
    return fits;
}

int save_charge_check(struct save *save)
{
    size_t inserted = 0, others, removed = cost_of_others(save, &others);
    if (!is_charged())
        return 0;
    for (size_t i = 0; i < save->asked.count; i++)
        inserted += save->registrar.contacts[i].action == REGISTRAR_INSERT;
    if (save_fits(save, removed) && !(inserted > others && shared_memory_is_scarce()))
        return 0;
    stats_count(STAT_OVERLOADED);
    return registration_refuse(&save->asked, SIP_SERVICE_UNAVAILABLE, NULL);
}
