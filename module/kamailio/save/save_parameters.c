// SPDX-License-Identifier: GPL-2.0-or-later
#include "kamailio/base/ksr.h"

#include "kamailio/save/save_private.h"

#include <errno.h>

/* A Contact's other parameters (5626-6.g) hang on its binding as an XAVP of ours, behind those of usrloc's own
   xavp_contact. They go with the binding; a database of usrloc's does not keep them. */

static const struct text name = {"reflow", 6};

static sr_xavp_t *find(const ucontact_t *contact)
{
    sr_xavp_t *each = contact->xavp;
    while (each != NULL && !(each->val.type == SR_XTYPE_STR && text_equal(text_of_str(&each->name), name)))
        each = each->next;
    return each;
}

/* Those of xavp_contact are lists. */
sr_xavp_t *contact_take_own(ucontact_t *contact)
{
    sr_xavp_t *own = NULL, **end = &own, **at = &contact->xavp;
    while (*at != NULL) {
        sr_xavp_t *each = *at;
        if (each->val.type == SR_XTYPE_XAVP) {
            at = &each->next;
            continue;
        }
        *at = each->next;
        each->next = NULL;
        *end = each;
        end = &each->next;
    }
    return own;
}

void contact_give_own(ucontact_t *contact, sr_xavp_t *own)
{
    sr_xavp_t **end = &contact->xavp;
    while (*end != NULL)
        end = &(*end)->next;
    *end = own;
}

struct text contact_parameters(const ucontact_t *contact)
{
    const sr_xavp_t *ours = find(contact);
    return ours != NULL ? text_of_str(&ours->val.v.s) : (struct text){NULL, 0};
}

static int append(ucontact_t *contact, struct text parameters)
{
    sr_xavp_t *made = NULL, **end = &contact->xavp;
    str own_name = str_of(name);
    sr_xval_t value = {.type = SR_XTYPE_STR};
    value.v.s = str_of(parameters);
    if (xavp_add_value(&own_name, &value, &made) == NULL)
        return -ENOMEM;
    while (*end != NULL)
        end = &(*end)->next;
    *end = made;
    return 0;
}

int contact_keep_parameters(ucontact_t *contact, const struct sip_contact *sent)
{
    char out[REGISTRATION_PARAMETERS_MOST + 1];
    struct text parameters = registration_parameters(sent, out, sizeof out);
    sr_xavp_t *before = find(contact);
    if (before != NULL && text_equal(text_of_str(&before->val.v.s), parameters))
        return 0;
    if (before != NULL)
        xavp_rm(before, &contact->xavp);
    return parameters.length > 0 ? append(contact, parameters) : 0;
}
