// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_CALL_REGISTRAR_H
#define REFLOW_CALL_REGISTRAR_H

#include "core/rule.h"
#include "flow/binding.h"
#include "script/policy/policy.h"
#include "sip/registration.h"

/*
 * What a REGISTER does to the bindings of its AOR (RFC 3261 section 10.3 steps 7 and 8, RFC 5626 section 6): order,
 * room, the change for each Contact, and the list in the response. A Contact is about the binding with an equal URI
 * (3261-10.3.a), or of the same flow (5626-6.g). One that equals several bindings replaces or removes them all. A plain
 * Contact with an instance-id also replaces the bindings of the instance whose Contacts the REGISTER does not name
 * (instance-a); it never removes them. The host has read the request with
 * registration_read(), asks the policy with registrar_ask_policy(), and then calls registrar_plan(),
 * registrar_carry_out() and registrar_confirm() while nothing else changes the bindings of this AOR. Nothing here
 * allocates, except that registrar_confirm() appends to the host's buffer.
 */

/* The change for one Contact. */
enum registrar_action {
    REGISTRAR_NOTHING,
    REGISTRAR_INSERT,
    REGISTRAR_UPDATE,
    REGISTRAR_REPLACE, /* a new binding is inserted, then the known one is removed */
    REGISTRAR_REMOVE
};

/* What a Contact without an instance-id and a plain binding must have in common to be the same. RFC 3261 section 10.3
   wants an equal URI alone. Phones with the same private address behind several NATs differ in more. */
enum registrar_matching {
    MATCH_CONTACT,
    MATCH_CONTACT_AND_CALL_ID,
    MATCH_CONTACT_AND_PATH, /* a REGISTER without a Path: only the URI */
    MATCH_CALL_ID
};

/* The AOR's bindings in the host's store. A `binding` is the store's own pointer, valid until that binding is updated
   or removed. Errors are 0, -ENOMEM or -EIO; a change that fails leaves the store as it was. */
struct registrar_store {
    void *context;
    int64_t now;      /* wall seconds; bindings that expire then or earlier are not counted or listed */
    size_t aor_most;  /* living bindings that the AOR may have */
    size_t room;      /* further bindings that the whole store may have; SIZE_MAX: no limit */
    uint8_t matching; /* enum registrar_matching */
    bool fixed_key;   /* the store cannot change the instance-id of a binding, nor the Contact of one without */
    /* The binding after this one; NULL: the first. Returns NULL at the end, otherwise fills *view. */
    void *(*next)(void *context, const void *binding, struct binding_view *view);
    /* Store the nth Contact as a new binding, or in the place of *binding, and set *binding to what is stored now. The
       limits have been checked. */
    int (*insert)(void *context, size_t nth, void **binding);
    int (*update)(void *context, size_t nth, void **binding);
    int (*remove)(void *context, void *binding); /* the binding is gone in any case; -EIO: not from a database */
    /* Does the flow over which the REGISTER came already carry a binding with a reg-id? Returns true if it came over no
       flow of this host. */
    bool (*flow_is_outbound)(void *context);
};

struct registrar {
    struct registration *asked;
    const struct registrar_store *store;
    size_t flow_contact; /* the Contact with which a flow has come up; REGISTRATION_CONTACTS_MOST: no flow has */
    bool has_doubles;    /* the store has more than one binding for a key */
    bool has_former;     /* the store has a binding that an instance has left for another Contact (instance-a) */
    bool is_full;        /* the REGISTER was refused because the AOR or the store has no room */
    struct {
        struct binding_view view;           /* of `known`; valid until the store is changed */
        void *known;                        /* the binding that the Contact is about; NULL: none */
        void *made;                         /* the binding that was inserted for it */
        uint8_t action;                     /* enum registrar_action */
    } contacts[REGISTRATION_CONTACTS_MOST]; /* as many as the REGISTER has; the others are not set */
};

/* Decides what happens to each Contact. `asked` has been read; both are borrowed. Returns 0, or -EBADMSG with the
   refusal in `asked`: 500 for a request that a later one has overtaken, 403 for one that finds no room. A REGISTER that
   is repeated within 32 s changes nothing and is answered again. */
int registrar_plan(struct registrar *registrar, struct registration *asked, const struct registrar_store *store);

/* Whether the plan removes this binding although it is `known` for no Contact. May set the view's contact_key. */
bool registrar_removes_other(const struct registrar *registrar, const void *binding, struct binding_view *view);

/* Makes the changes of the plan. Returns 0; -ENOMEM: nothing was inserted or removed, but bindings may have been
   updated; -EIO: everything was done, but the database failed. */
int registrar_carry_out(struct registrar *registrar);

/* Appends the header fields of the 200: the AOR's bindings, or only those of this REGISTER (`own`), then what
   registration_confirm() adds. */
void registrar_confirm(const struct registrar *registrar, bool own, uint32_t flow_timer, struct sip_buffer *fields);

/* Turns an error of the functions above into the refusal in `asked`: 503 without memory, 500 for -EIO; what -EBADMSG
   has set stays. */
void registrar_refuse(struct registration *asked, int error);

/* For HOOK_FLOW_UP, after the answer. False: no flow has come up. `flow` describes it; the result borrows the AOR, the
   text and the request. */
bool registrar_flow_up(const struct registrar *registrar, struct text aor, struct text flow, struct script_flow *view);

/* What the policy wants of a REGISTER. */
struct registrar_verdict {
    struct script_verdict verdict;
    enum script_outcome outcome; /* of the hook */
    enum rule_id refused; /* the guardrail that the verdict would break: it is not carried out; otherwise RULE_NONE */
    bool stands;          /* there is a verdict, and it is carried out */
    bool answers;         /* the answer is the verdict's code and phrase; nothing is stored */
    bool drops;           /* there is no answer; nothing is stored */
    bool challenges;      /* the sender is asked to authenticate; nothing is stored */
};
void registrar_ask_policy(const struct host *host, const struct registration *asked, struct policy_hold *hold,
                          const struct script_call *call, struct registrar_verdict *out);

#endif
