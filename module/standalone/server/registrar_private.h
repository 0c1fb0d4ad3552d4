// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_REGISTRAR_PRIVATE_H
#define REFLOW_STANDALONE_REGISTRAR_PRIVATE_H

#include "sip/registration.h"
#include "standalone/server/server_private.h"

/* One REGISTER on its way into the store. */
struct registrar {
    struct server *server;
    struct server_transaction *transaction;
    const struct peer *source;
    char aor[512];
    struct text aor_text;
    struct registration asked;
    enum refusal reason; /* of a refusal, for the log; REFUSAL_COUNT: the one of the status */
};

/* registration.c: read and check all of a REGISTER; nothing is stored. As registration_read(). */
int registrar_read(struct registrar *registrar);
/* The binding that the nth Contact would replace; NULL: none. */
const struct binding *registrar_known(const struct registrar *registrar, size_t i);

/* What bind_one() stores of the nth Contact, but for its flow. The parameters are written into `parameters`. */
struct binding_view registrar_view(const struct registrar *registrar, size_t i, char *parameters, size_t size);

/* verbose.c: a line in the log, with --verbose. */
void verbose_registered(const struct registrar *registrar);
void verbose_register_refused(const struct registrar *registrar, uint32_t status);

#endif
