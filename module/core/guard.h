// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_CORE_GUARD_H
#define REFLOW_CORE_GUARD_H

#include "core/decide.h"

/* What a policy asks for in place of the core's decision. */
struct proposal {
    uint8_t action;            /* enum action */
    uint16_t status;           /* FORWARD, FAIL: the status to send up; 0: as the core chooses */
    bool adds_branch;          /* a new target would be tried (relay, route, next flow, next target, recurse) */
    bool to_answered_instance; /* ... and it is an instance that has answered */
    bool instance_pending;     /* ... and a branch to that same instance still waits */
};

/* 0 (RULE_NONE) where the proposal may be carried out, else the guardrail it would break. A branch that could serve
   nobody is refused too, though no guardrail row says so: after any final has gone up (3261-16.7.e), or after the
   caller has cancelled (3261-9.a). The core's own decision is always allowed. */
enum rule_id guard_check(const struct facts *facts, const struct state *state, const struct proposal *proposal);

/* A status that a host is about to send up: the guardrails on what may reach an endpoint
   (430 never: 5626-11.5.a; 408 never to a non-INVITE: 4320-4.a). 0 where it may. */
enum rule_id guard_status(enum method method, uint32_t status);

#endif
