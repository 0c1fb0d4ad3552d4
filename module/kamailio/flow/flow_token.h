// SPDX-License-Identifier: GPL-2.0-or-later
#ifndef REFLOW_KAMAILIO_FLOW_TOKEN_H
#define REFLOW_KAMAILIO_FLOW_TOKEN_H

#include "kamailio/base/ksr.h"

/*
 * Flow tokens of this module (flow/token.h) in the place of the outbound module's, if modparam token_keys names their
 * keys. The modules rr and path get their tokens by "bind_ob", which Kamailio looks up in the modules that were loaded
 * last first: this module exports it too, so that Path and Record-Route have its tokens. Tokens of the outbound module
 * are still read. Without token_keys, everything is the outbound module's.
 */

/* The export "bind_ob", for other modules and for this one (`ob`). From any mod_init. Returns 0, or -1 if the outbound
   module is not loaded. */
int flow_token_bind(ob_api_t *api);

/* mod_init: opens the keys. Returns 0, or -1 with a line in the log. */
int flow_token_start(void);

/* The result of reading a flow token, as decode_flow_token() of the outbound module returns it. */
enum { FLOW_TOKEN_READ = 0, FLOW_TOKEN_FORGED = -1, FLOW_TOKEN_NONE = -2 };

/* The connection that a token names. Unlike addresses, its number belongs to one connection only. */
enum { CONNECTION_BY_ADDRESS = 0, CONNECTION_OF_EARLIER_RUN = -1 };
/* A number, or one of these: a token of the outbound module has only addresses. */
int flow_token_connection(const struct receive_info *flow);

/* A new key signs tokens from now on. Returns 0, or a negative error with a line in `error`: -ENOENT without
   token_keys. */
int flow_token_rotate(char *error, size_t error_size);

#endif
