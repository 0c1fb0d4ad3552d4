// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_HEIRS_H
#define REFLOW_STANDALONE_HEIRS_H

#include "standalone/server/server.h"

/* Which flows and Contacts can take the place of a flow that has died. */

/* A binding leaves its flow. If memory is short this is not noted, and requests of its dialogs get 480. */
void heirs_note(struct server *server, const struct binding_view *view);
/* A living flow of the user agent that the dead one led to; 0: none is known. */
flow_id heirs_find(const struct server *server, flow_id dead);
/* 3261-10.a: may the Contact of a dialog be called where this flow is dead? Not that of an outbound binding. */
bool heirs_leave_contact(const struct server *server, flow_id dead, struct text contact);
void heirs_clear(struct server *server);

#endif
