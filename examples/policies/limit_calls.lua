-- SPDX-License-Identifier: BSD-2-Clause
-- At most 30 new calls a minute from one address; more of them get 480. What is counted outlives this script: a reload
-- forgives nobody.

local sip = require "reflow"

local most, seconds = 30, 60
local help = { ["112"] = true, ["911"] = true } -- who dials these is never counted

sip_on_request("INVITE", function(request, call)
  -- The address, not From: there a caller writes what he likes.
  local calls = "calls from " .. call.source:match("^%a+:(.*):%d+$")
  if help[call.uri:match("^sip:(%d+)@")] or sip.store.contains(calls, call.call_id) then
    return -- the second: the same call once more, with credentials for one
  end
  if sip.store.size(calls) >= most then
    return sip_reply(480, "Too Many Calls")
  end
  -- A set with a member for each call, which is gone a minute later.
  local kept, why, code = sip.store.insert(calls, call.call_id, seconds)
  if code == "ENAMETOOLONG" then
    return sip_reply(400, "Call-ID Too Long")
  elseif not kept then
    sip.log("calls from %s are not counted: %s", call.source, why)
  end
end)
