// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_SIP_REGISTRATION_H
#define REFLOW_SIP_REGISTRATION_H

#include "sip/message.h"
#include "sip/rewrite.h"

/*
 * What a REGISTER asks for, and whether it is permitted, as far as the message itself determines it (RFC 3261 section
 * 10.3, RFC 5626 section 6, RFC 3327). This is the same for every registrar. The checks that need the store (order of
 * CSeq, room) are in module/call.
 */

/*
 * Limits for what a stranger can have stored and written into requests. Without them, a few bytes could cause much
 * traffic, for example by a long Path. In bytes, except for the numbers of Contacts and Path values.
 */
enum {
    REGISTRATION_CONTACTS_MOST = 32,
    REGISTRATION_URI_MOST = 1024,        /* of a Contact's URI */
    REGISTRATION_PARAMETERS_MOST = 2048, /* of all parameters of one Contact */
    REGISTRATION_PATH_VALUES_MOST = 8,
    REGISTRATION_PATH_VALUE_MOST = 1024,
    REGISTRATION_PATH_MOST = 2048, /* of all Path values */
    REGISTRATION_AOR_MOST = 65536  /* of all bindings of an AOR: Contact, parameters, Path and Call-ID */
};

struct registration_limits { /* s */
    uint32_t expires_default;
    uint32_t expires_least; /* a shorter one is refused with 423 */
    uint32_t expires_most;  /* a longer one is cut */
    bool lengthens;         /* expires_least is granted instead of the 423 */
};

struct registration {
    const struct sip_message *request; /* borrowed; the texts below point into it, or into `path` */
    struct registration_limits limits;
    struct sip_buffer path; /* Path values in order, joined by ", " */
    size_t count;           /* of the Contacts */
    bool star;              /* Contact: * */
    bool first_hop;         /* from Via: no proxy between the user agent and this server (5626-6.a) */
    bool outbound;          /* first hop, or `ob` in the first Path (5626-6.b) */
    bool supports_outbound;
    uint32_t status;    /* to refuse with */
    const char *phrase; /* static, or in `text`; NULL: the table's */
    /* Of these, registration_create() clears the two texts, and nothing else of them is touched that a REGISTER does
       not need: they take 4 kB, which would not stay in the caches of a server with many processes. */
    char text[SIP_FAULT_SIZE];                   /* the phrase of a 400, which says what is wrong and where */
    char fields[128];                            /* header lines for the response */
    int64_t expires[REGISTRATION_CONTACTS_MOST]; /* s, as granted; 0: remove */
    uint32_t keys[REGISTRATION_CONTACTS_MOST];   /* of registration_key(); 0: not computed */
    struct sip_contact contacts[REGISTRATION_CONTACTS_MOST];
};

/* The request and the limits are borrowed. The host's allocator is used until registration_destroy(). */
void registration_create(struct registration *registration, const struct host *host, const struct sip_message *request,
                         const struct registration_limits *limits);
void registration_destroy(struct registration *registration);

/* The steps of RFC 3261 10.3 that need no store: first step 2 (extensions), then step 6 (the Contacts); in between a
   host checks the AOR. Return 0; -EBADMSG with status, phrase and fields of the response to refuse with; or -ENOMEM
   without them. */
int registration_check_extensions(struct registration *registration);
int registration_read(struct registration *registration);

/* sip_uri_key() of the nth Contact, computed at the first call. */
uint32_t registration_key(struct registration *registration, size_t nth);

/* Refuses with 403 if the bindings of the AOR would become larger than REGISTRATION_AOR_MOST. `standing` is the size
   in bytes of the bindings that are not changed. Returns 0 or -EBADMSG. */
int registration_check_size(struct registration *registration, size_t standing);

int registration_refuse(struct registration *registration, uint32_t status, const char *phrase); /* -EBADMSG */
/* Refuses with 400 and sip_fault_phrase(). `at` points into the request, or is NULL. Returns -EBADMSG. */
int registration_refuse_field(struct registration *registration, const char *header, const char *at, const char *what);

/* Returns whether the nth Contact is bound as a flow, with the key (AOR, instance-id, reg-id). Otherwise its reg-id
   is ignored. */
bool registration_is_flow(const struct registration *registration, size_t nth);
bool registration_applied(
    const struct registration *registration); /* true if at least one non-zero Contact is bound as a flow */

/* Writes the other parameters of a Contact to `out`, which are stored and listed (5626-6.g): all that have no member
   of their own. Parameters that do not fit are left out. */
struct text registration_parameters(const struct sip_contact *contact, char *out, size_t size);

/* The facts about the request, for guardrails (5626-11.6.a). */
void registration_facts(const struct registration *registration, struct facts *facts);

/* One Contact line of the 2xx. */
struct registered_contact {
    struct text uri;
    struct text instance;   /* without quotes and < >; empty: none */
    struct text parameters; /* further ones, ";a=b"; may be empty */
    uint32_t reg_id;        /* 0: none */
    int q;                  /* thousandths; 1000 and below 0: not written */
    uint64_t expires;       /* s from now */
};
void registration_list(const struct registered_contact *contact, struct sip_buffer *fields);

/* The other lines of the 2xx: Path, Supported; Require: outbound if and only if it was asked for and applied, and
   with it Flow-Timer for a first hop (5626-6.e, 6.h, 5.4.c). flow_timer 0: none. */
void registration_confirm(const struct registration *registration, uint32_t flow_timer, struct sip_buffer *fields);

#endif
