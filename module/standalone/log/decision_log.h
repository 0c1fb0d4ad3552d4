// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_DECISION_LOG_H
#define REFLOW_STANDALONE_DECISION_LOG_H

#include "standalone/server/server.h"

/*
 * Decisions as JSON lines, one object each, whose members' names stay as they are: `reflow replay` reads them again.
 * A member that has nothing to say is left out, but for those marked with *.
 *
 *   time_ms*   when it was decided, milliseconds since 1970
 *   ms*        milliseconds since the request was received
 *   call       Call-ID
 *   method     of the request, as written in it
 *   origin*    "wire", "timeout", "transport", "flow_down"
 *   code*      the code that the response acts as; facts.code has the received one
 *   action*    of the core: "forward", "next_flow", ...
 *   rule*      the id of the rule that the core carried out: "5626-7.b"
 *   why*       one sentence
 *   status     the code that is forwarded instead
 *   drop       "binding", "flow"
 *   aor target instance flow   texts
 *   reg_id flows_left          numbers; flows_left is also written if it is 0 and there is an instance
 *   version    of the policy that the call holds
 *   hook       the hook that decided or failed: its place "base/10-trunks.lua:12" if known, else "response"
 *   verdict    its name, if it was carried out: "rest"
 *   refused    the id of the guardrail that refused it
 *   outcome    of a hook that failed: "error", "overrun", "memory"
 *   ns         nanoseconds that the decision took, core and hook together
 *   facts*     an object: code, and what else the core was given, named as the options of `reflow decide` with "_" for
 *              "-". What is zero, false, proxy or wire is left out. Numbers and true; texts for method, role, origin.
 *
 * With numbers masked, the user part of aor and target that is a telephone number shows its ends alone:
 * "sip:+15****00@example.com"; below seven digits nothing of it.
 */

/* Appends one line for a decision, with its newline, to `out`; out->failed is set without memory. */
void decision_log_line(const struct decided *decided, int64_t wall_ms, bool mask_numbers, struct sip_buffer *out);

#endif
