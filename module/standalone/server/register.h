// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_REGISTER_H
#define REFLOW_STANDALONE_REGISTER_H

#include "standalone/server/server.h"

/* What the server does with a REGISTER. */

struct server_transaction;

/* Stores, removes or lists bindings and answers the transaction (RFC 3261 10.3, RFC 5626 section 6). user: the
   authenticated AOR, for struct caller, which has been compared to that in To. */
void register_handle(struct server *server, struct server_transaction *transaction, const char *user);

#endif
