-- SPDX-License-Identifier: BSD-2-Clause
-- An edge proxy (RFC 5626 section 5): user agents keep their flows to it, a registrar behind it sends their calls. The
-- two need different addresses, because a server registers the users of its own addresses itself:
--
--     build/reflow serve examples/registrar.lua --listen udp:127.0.0.1:5060 --domain example.com --trust 127.0.0.2
--     build/reflow serve examples/edge.lua --edge --listen udp:127.0.0.2:5060 --listen tcp:127.0.0.2:5060
--
-- A phone of sip:bob@example.com then has 127.0.0.2 as its outbound proxy. A request that comes back with one of this
-- edge's flow tokens does not reach the hook below: it goes over its flow, or is answered at once with 403 (not our
-- token) or 430 (the flow is gone).

local sip = require "reflow"

local REGISTRAR = "sip:127.0.0.1:5060"

-- sip.forward() sends a request on as it is. A REGISTER gets a Path with the token of the flow that it came over.
sip_on_request(function(request, call)
  if call.source == "udp:127.0.0.1:5060" then -- from the registrar, but without a flow token
    return sip.reply(404)
  end
  return sip.forward(REGISTRAR)
end)
