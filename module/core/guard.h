// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_CORE_GUARD_H
#define REFLOW_CORE_GUARD_H

#include "core/decide.h"

/* What a policy asks for in place of the core's decision. */
struct proposal {
    uint8_t action;            /* enum action */
    uint16_t status;           /* FORWARD, FAIL: the status to send up; 0: as the core chooses */
    bool adds_branch;          /* a new target would be tried (relay, route, next flow, next target, recurse) */
    bool to_answered_instance; /* the new target is an instance that has answered */
    bool instance_pending;     /* a branch to the instance of the new target is pending */
};

/* Returns RULE_NONE (0) if the proposal may be carried out, or else the guardrail that it would break. A new branch is
   also refused when it could serve nobody: after a final response was forwarded (3261-16.7.e), or after the caller has
   cancelled (3261-9.a). The core's own decision is always allowed. */
enum rule_id guard_check(const struct facts *facts, const struct state *state, const struct proposal *proposal);

/* Checks a status that a host is about to forward against the guardrails on what may reach an endpoint (never 430:
   5626-11.5.a; never 408 to a request other than INVITE: 4320-4.a). Returns RULE_NONE (0) if it may be sent. */
enum rule_id guard_status(enum method method, uint32_t status);

#endif
