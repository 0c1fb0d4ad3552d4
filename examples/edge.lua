-- SPDX-License-Identifier: BSD-2-Clause
-- An edge proxy (RFC 5626 section 5): user agents keep their flows to it, a registrar behind it sends their calls. Run
-- it on an address of its own, and a registrar on another:
--
--     build/reflow serve examples/registrar.lua --listen udp:127.0.0.1:5060
--     build/reflow serve examples/edge.lua --listen udp:127.0.0.1:5070 --listen tcp:127.0.0.1:5070
--
-- What comes back with one of this edge's flow tokens never gets here: it goes over its flow, or is answered with 403
-- (not our token) or 430 (the flow is gone), at once.

local sip = require "reflow"

local REGISTRAR = "sip:127.0.0.1:5060"

-- sip.forward() sends a request on as it is. A REGISTER gets a Path with the token of the flow that it came over.
sip_on_request(function(request, call)
  if call.source == "udp:127.0.0.1:5060" then -- from the registrar, and for nobody's flow
    return sip.reply(404)
  end
  return sip.forward(REGISTRAR)
end)
