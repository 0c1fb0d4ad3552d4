// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_REST_H
#define REFLOW_STANDALONE_REST_H

#include "standalone/server/server.h"

/* Destinations that rest: nothing is sent there for a time. What has failed is tried last. */

struct branch;
struct target;

/* `tenant`: whose policy says so, and for whose calls alone it holds; empty: for all. */
void rest_set(struct server *server, struct text tenant, struct text destination, uint32_t seconds);
/* For a destination that a caller or a user agent may have named: it rests for calls in which somebody but the policy
   names it. */
void rest_set_named(struct server *server, struct text destination, uint32_t seconds);
/* `chosen`: only the policy names it. `aor`: of the call, which tells the tenant. */
bool rest_is_on(const struct server *server, bool chosen, struct text aor, struct text destination);
void rest_sweep(struct server *server);
void rest_clear(struct server *server);
size_t rest_count(const struct server *server);

/* Destinations that have failed: 3263-4.3.b; see struct call_host. Those that only a policy named are probed until they
   answer (failed_address.h). Others are noted for config.rest_silent seconds. */
void silence_begin(struct branch *branch);
/* The address could not be reached, or has sent a 503. */
void failure_begin(struct branch *branch);
/* Something was received from it. */
void failure_end(struct branch *branch);
/* The sender of an accepted REGISTER is alive, as silent_names_end() says. */
void failures_end_of_sender(struct server *server, const struct sip_message *request, const struct peer *source);
bool silence_is_on(const struct server *server, const struct target *target);
/* Puts the places that have failed behind the others, and those that were silent last. */
void failures_sort(const struct branch *branch, struct place *places, size_t count);
size_t silence_count(const struct server *server);

#endif
