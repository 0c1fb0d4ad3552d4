// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_SIP_REGISTRATION_H
#define REFLOW_SIP_REGISTRATION_H

#include "sip/message.h"
#include "sip/rewrite.h"

/*
 * What a REGISTER asks for, and whether it may be done, as far as the message itself tells (RFC 3261 section 10.3, RFC
 * 5626 section 6, RFC 3327): the same for every registrar. What its store has to say, order of CSeq and room, is the
 * registrar's own.
 */

/*
 * What is stored for a stranger, and written into requests to what he names. A Path longer than the message that it is
 * put into, say, would let few bytes cause many. In bytes, but for the numbers of Contacts and Path values.
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
    uint32_t expires_least; /* shorter is refused with 423 */
    uint32_t expires_most;  /* longer is cut */
};

struct registration {
    const struct sip_message *request; /* borrowed; the texts below stand in it, or in `path` and `keys` */
    struct registration_limits limits;
    struct sip_contact contacts[REGISTRATION_CONTACTS_MOST];
    struct text uris[REGISTRATION_CONTACTS_MOST]; /* canonical; as sent where they have no canonical form */
    int64_t expires[REGISTRATION_CONTACTS_MOST];  /* s, as granted; 0: remove */
    size_t count;
    struct sip_buffer path; /* Path values in order, joined by ", " */
    struct sip_buffer keys; /* the canonical Contact URIs, one after the other */
    bool star;              /* Contact: * */
    bool first_hop;         /* Via: no proxy between the user agent and us (5626-6.a) */
    bool outbound;          /* first hop, or `ob` in the first Path (5626-6.b) */
    bool supports_outbound;
    uint32_t status;           /* to refuse with */
    const char *phrase;        /* static, or in `text`; NULL: the table's */
    char text[SIP_FAULT_SIZE]; /* the phrase of a 400 that says what is wrong and where */
    char fields[128];          /* header lines that go along */
};

/* The request and the limits are borrowed, the host's allocator is used until registration_destroy(). */
void registration_create(struct registration *registration, const struct host *host, const struct sip_message *request,
                         const struct registration_limits *limits);
void registration_destroy(struct registration *registration);

/* The steps of RFC 3261 10.3 that need no store: 2, extensions, then 6, the Contacts; between them a host looks at the
   AOR. 0; -EBADMSG with status, phrase and fields set to refuse with; -ENOMEM without. */
int registration_check_extensions(struct registration *registration);
int registration_read(struct registration *registration);

/* Refuses with 403 what would make the AOR's bindings larger than REGISTRATION_AOR_MOST. `standing`: the bytes of the
   bindings that stay as they are. 0 or -EBADMSG. */
int registration_check_size(struct registration *registration, size_t standing);

int registration_refuse(struct registration *registration, uint32_t status, const char *phrase); /* -EBADMSG */
/* Refuse with 400 and sip_fault_phrase(). `at` stands in the request; NULL: at no byte. -EBADMSG. */
int registration_refuse_field(struct registration *registration, const char *header, const char *at, const char *what);

/* Is the nth Contact bound as a flow, its key (AOR, instance-id, reg-id)? Otherwise its reg-id is ignored. */
bool registration_is_flow(const struct registration *registration, size_t nth);
bool registration_applied(const struct registration *registration); /* at least one living Contact is */

/* What else a Contact said is kept and listed (5626-6.g): its parameters but for those that have a member of their own.
   Written to `out`; what does not fit is left out. */
struct text registration_parameters(const struct sip_contact *contact, char *out, size_t size);

/* The request as guardrails see it (5626-11.6.a). */
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

/* The other lines of the 2xx: Path, Supported; Require: outbound exactly where it was asked for and applied, and
   Flow-Timer with it for a first hop (5626-6.e, 6.h, 5.4.c). flow_timer 0: none. */
void registration_confirm(const struct registration *registration, uint32_t flow_timer, struct sip_buffer *fields);

#endif
