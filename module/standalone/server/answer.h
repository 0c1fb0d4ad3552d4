// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_ANSWER_H
#define REFLOW_STANDALONE_ANSWER_H

#include "script/engine/engine.h"
#include "standalone/server/server.h"

/* Responses of our own. */

struct server_transaction;

struct own_answer {
    uint32_t status;
    struct text phrase;
    struct text fields;
    bool counted; /* a failure was counted for its source, or it is no failure, whatever the status */
};
/* Without a transaction, to the source of the request. */
void answer_stateless(struct server *server, const struct sip_message *request, const struct peer *source,
                      const struct own_answer *answer);
/* With the To tag of this server. The texts are copied. */
void answer(struct server *server, struct server_transaction *transaction, const struct own_answer *answer);
/* The same, unless the answer does not fit into a datagram, or its receiver may not get it (amplification.h): then
   returns false, and nothing is sent. */
bool answer_if_allowed(struct server *server, struct server_transaction *transaction, const struct own_answer *answer);
/* The ACK of a refusal of ours carries the To tag that only its receiver knows. */
bool answer_is_acknowledged(const struct server *server, const struct sip_message *ack, const struct peer *source);
void answer_status(struct server *server, struct server_transaction *transaction, uint32_t status);

/* May the server answer a request so? Otherwise the verdict is counted as refused, and logged. */
bool verdict_may_answer(struct server *server, const struct facts *request, const struct script_verdict *verdict);
/* Counts and logs a verdict that would break a rule. */
void verdict_note_refused(struct server *server, const struct script_verdict *verdict, enum rule_id rule);
/* Carries out VERDICT_CHALLENGE as this role: for the domain of the AOR that is registered or of the sender if it is
   this server's, else that of the Request-URI or To. If this server does not authenticate, or none of them is its own,
   nobody could answer a challenge: this is logged as an error, and the request gets 403. */
void verdict_challenge(struct server *server, struct server_transaction *transaction, enum auth_role role);
/* Writes the challenges for a caller who may not do something without credentials, and who has shown none: those of a
   domain of this server in the Request-URI or To, or of server_config.realm. Returns their length; 0: there are no
   credentials that would help. */
size_t answer_invite_credentials(struct server *server, const struct sip_message *request, const struct peer *source,
                                 char *out, size_t size);
/* For server_events: the connection for the responses of the transaction is gone. They go over the connection on which
   the sender has registered since, or over a new one to the address of the lost one and the port of Via. If that does
   not open, they go to the servers of the name in Via. */
bool answer_reopen(void *context, const struct server_transaction *transaction, struct peer *back);
void answer_reopened(void *context, const struct server_transaction *transaction, const struct peer *back, int result,
                     struct text bytes);

#endif
