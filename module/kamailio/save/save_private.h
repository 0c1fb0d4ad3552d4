// SPDX-License-Identifier: GPL-2.0-or-later
#ifndef REFLOW_KAMAILIO_SAVE_PRIVATE_H
#define REFLOW_KAMAILIO_SAVE_PRIVATE_H

#include "kamailio/base/ksr.h"

#include "call/registrar.h"

/* One REGISTER on its way into usrloc. */
struct save {
    struct sip_msg *msg;
    udomain_t *domain;
    str aor;
    ucontact_info_t info; /* what all of its Contacts have in common, or for the one that is being put */
    str path, call_id, user_agent, contact;
    str received;             /* of the AVP `received_avp`; empty: none */
    unsigned methods;         /* Allow */
    uint32_t names_source;    /* a bit for each living Contact: see save_info.c */
    uint32_t has_name;        /* the same: its host is a name, and contact_names forbids that */
    struct sip_buffer fields; /* of the 2xx */
    struct registrar_store store;
    urecord_t *record; /* valid while usrloc is locked; NULL: the AOR has no bindings */
    size_t flow_length;
    bool is_full; /* the AOR has too many bindings */
    /* From here on nothing is set before it is needed: see struct registration. */
    struct registration asked;
    struct registrar registrar; /* set by save_store() */
    char flow[128];             /* describes the flow that has come up */
    char source[80];            /* where the REGISTER came from, as a URI */
    char aor_bytes[512];
};

_Static_assert(REGISTRATION_CONTACTS_MOST <= 32, "each Contact has a bit");

/* save_info.c: what usrloc keeps beside the key. */
int save_info_read(struct save *save); /* 0; as registration_read() */
/* Fill info for the nth Contact, with a ruid of its own. 0 or -ENOMEM. */
int save_info_of(struct save *save, size_t nth);

int save_next_ruid(str *ruid); /* a new one, valid until the next call; 0 or -ENOMEM */

/* save_spellings.c: before usrloc is locked, moves the bindings that it has under other spellings of the AOR. */
void save_gather_spellings(struct save *save);

/* save_received.c: the URI in the AVP `received_avp`, where nathelper's fix_nated_register() puts the source of the
   REGISTER. Empty if the AVP is not set, or is not a SIP URI with an IP address. Borrows the AVP. */
str save_received(void);

/* save_contact.c: the request as sip_save() reads it: its bytes, with the changes that nathelper's fix_nated_contact()
   and set_contact_alias() have made to Contact. Uses `buffer` if there are changes. -ENOMEM. */
int save_request_text(const struct sip_msg *msg, struct sip_buffer *buffer, struct text *text);

/* save_parameters.c: the Contact's other parameters, which usrloc has no member for. Read: as long as usrloc is locked.
   Keep: in place of those before; 0 or -ENOMEM, and there are none then. */
struct text contact_parameters(const ucontact_t *contact);
int contact_keep_parameters(ucontact_t *contact, const struct sip_contact *sent);
/* With xavp_contact, an update by usrloc replaces all XAVPs of the binding: this module's are taken off before it and
   given back afterwards. */
sr_xavp_t *contact_take_own(ucontact_t *contact);
void contact_give_own(ucontact_t *contact, sr_xavp_t *own);

/* save_store.c: under usrloc's lock, plan and make the changes to its record, and write the header fields of the 200
   into `fields`. As registrar_plan() and registrar_carry_out(). */
int save_store(struct save *save);

/* save_charge.c: the shared memory that bindings hold, charged to the source of their last REGISTER until they are
   gone. Check: after registrar_plan(), under usrloc's lock; 0, or -EBADMSG with a 503 in `asked`. */
int save_charge_check(struct save *save);
void save_charge(const struct save *save, size_t nth, ucontact_t *contact); /* the binding of the nth Contact */

static inline str str_of(struct text text)
{
    return (str){(char *)text.at, (int)text.length};
}

static inline struct text text_of_str(const str *s)
{
    return (struct text){s->s, s->len > 0 ? (size_t)s->len : 0};
}

#endif
