// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_REGISTRAR_PRIVATE_H
#define REFLOW_STANDALONE_REGISTRAR_PRIVATE_H

#include "standalone/server_private.h"

enum { CONTACTS_MOST = 32 };

struct registration {
    struct server *server;
    struct server_transaction *transaction;
    const struct sip_message *request;
    const struct peer *source;
    struct sip_contact contacts[CONTACTS_MOST];
    int64_t expires[CONTACTS_MOST]; /* s, as granted; 0: remove */
    size_t count;
    char aor[512];
    struct text aor_text;
    struct sip_buffer path;
    struct sip_buffer keys; /* canonical Contact URIs, one after the other */
    struct text uris[CONTACTS_MOST];
    bool star;
    bool first_hop;
    bool outbound; /* first hop, or `ob` in the first Path (5626-6.b) */
    bool supports_outbound;
    bool applied;    /* at least one Contact was bound as a flow */
    uint32_t status; /* to refuse with */
    const char *phrase;
    char fields[128];
};

/* registration.c: read and check all of a REGISTER; nothing is stored. 0, or an error with status, phrase and fields
   set to refuse with (none of them where memory is short). */
int registration_read(struct registration *registration);
int registration_refuse(struct registration *registration, uint32_t status, const char *phrase); /* -EBADMSG */
bool registration_is_flow(const struct registration *registration, const struct sip_contact *contact);
/* The binding that the nth Contact would replace; NULL: none. */
const struct binding *registration_known(const struct registration *registration, size_t i);

#endif
