-- SPDX-License-Identifier: BSD-2-Clause
-- At most 30 new calls a minute from one address; further ones get 480. The server keeps the counts, so that a reload
-- does not reset them.

local sip = require "reflow"

local most, seconds = 30, 60
local help = { ["112"] = true, ["911"] = true } -- calls to these numbers are not counted

sip_on_request("INVITE", function(request, call)
  -- Count by address: a caller can write anything into From.
  local calls = "calls from " .. call.source:match("^%a+:(.*):%d+$")
  if help[call.uri:match("^sip:(%d+)@")] or sip.store.contains(calls, call.call_id) then
    return -- a call for help, or the same call repeated, for example with credentials
  end
  if sip.store.size(calls) >= most then
    return sip_reply(480, "Too Many Calls")
  end
  -- The set has one member for each call. Each member expires after a minute.
  local kept, why, code = sip.store.insert(calls, call.call_id, seconds)
  if code == "ENAMETOOLONG" then
    return sip_reply(400, "Call-ID Too Long")
  elseif not kept then
    sip.log("calls from %s are not counted: %s", call.source, why)
  end
end)
