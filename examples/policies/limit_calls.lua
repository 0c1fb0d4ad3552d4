-- SPDX-License-Identifier: BSD-2-Clause
-- At most 30 new calls a minute from one address; further ones get 480. The server keeps the counts, so that a reload
-- does not reset them.

local sip = require "reflow"

local most, seconds = 30, 60
local help = { ["112"] = true, ["911"] = true } -- calls to these numbers are not counted

sip_on_request("INVITE", function(request, call)
  if help[call.uri:match("^sip:(%d+)@")] then
    return
  end
  -- Count by address: a caller can write anything into From. A datagram can come from anybody, so what comes over UDP
  -- does not count against those who use connections.
  local transport, address = call.source:match("^(%a+):(.*):%d+$")
  local calls = ("calls from %s %s"):format(transport == "udp" and "udp" or "connections at", address)
  if sip.store.size(calls) >= most then
    return sip_reply(480, "Too Many Calls")
  end
  -- The set has one member for each INVITE. Each member expires after a minute.
  local kept, why, code = sip.store.insert(calls, call.call_id .. " " .. request.cseq, seconds)
  if code == "ENAMETOOLONG" then
    return sip_reply(400, "Call-ID Too Long")
  elseif not kept then
    sip.log("calls from %s are not counted: %s", call.source, why)
  end
end)
