-- SPDX-License-Identifier: BSD-2-Clause
-- A registrar and proxy: the smallest script that serves. Run it:
--
--     build/reflow serve examples/registrar.lua
--
-- Each function below is a hook. It is asked, and returns what is to be done; where it returns nothing, reflow does
-- what the RFCs say. Delete all of them and the server still registers phones and connects calls.

local sip = require "reflow"

-- A phone registers. sip_accept() binds it by the rules: with outbound (RFC 5626), each of its flows by itself.
-- Refuse with sip_reply(403).
sip_on_register(function(request)
  return sip_accept()
end)

-- A call comes in. sip_route() rings every phone of the user that was called, each over one of its living flows.
sip_on_request("INVITE", function(request, call)
  return sip_route()
end)

-- A phone asks for its own state, for example with a subscription to message-summary (messages on its voicemail), and
-- nobody here keeps that. The user's other phones could not answer it either. After 404 the phone stops; after 480, 489
-- or 501 many phones try again at once.
local function not_kept_here(request)
  if request.from == request.to then
    return sip_reply(404)
  end
end
sip_on_request("SUBSCRIBE", not_kept_here)
sip_on_request("PUBLISH", not_kept_here)

-- A flow to a phone failed: the connection broke, or an edge proxy said 430. The core has already decided, usually to
-- try the phone's next flow; `decision` says what, and why. This hook only watches.
sip_on_flow_failed(function(reply, call, decision)
  sip.log("%s: flow %s failed, %d left: %s", call.aor or call.uri, reply.flow or "?", decision.flows_left,
    decision.action)
end)
