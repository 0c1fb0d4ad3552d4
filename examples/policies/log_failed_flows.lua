-- SPDX-License-Identifier: BSD-2-Clause
-- Log every failed flow: when a call meets one, and when one dies by itself.

local sip = require "reflow"

sip_on_flow_failed(function(reply, call, decision)
  sip.log("call %s to %s: flow %s (reg-id %d) failed; %s, by rule %s; %d flows left",
    call.call_id, call.aor, reply.flow or "?", reply.reg_id or 0, decision.action, decision.rule, decision.flows_left)
end)

sip_on_flow_down(function(flow)
  sip.log("%s lost flow %s (reg-id %d): %s", flow.aor or "nobody", flow.flow or "?", flow.reg_id or 0, flow.reason)
end)
