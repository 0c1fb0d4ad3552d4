// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_HEIRS_H
#define REFLOW_STANDALONE_HEIRS_H

#include "standalone/server/server.h"

/* Which flow can take the place of a flow that has died. */

/* What identifies the user agent of a binding under its AOR: the instance-id, or else the Contact. */
struct text user_agent_name(const struct binding_view *view);
/* A binding leaves its flow. If memory is short this is not noted, and requests of its dialogs get 480. */
void heirs_note(struct server *server, const struct binding_view *view);

/* What is known of the user agent that had a flow; several may have shared it. */
struct former {
    struct text aor; /* empty: not known */
    uint32_t owner;  /* of a dialog token (token_owner()), under `key`; 0: not known */
    uint8_t key;
};
/* A living flow of the user agent that had the dead one; 0: none is known. */
flow_id heirs_find(const struct server *server, flow_id dead, const struct former *former);
/* By the AOR and the owner: `flow` if the user agent still has a binding on it, else another living flow of it; 0: it
   has none, or is not known. */
flow_id heirs_find_owner(const struct server *server, flow_id flow, const struct former *former);
void heirs_clear(struct server *server);

#endif
