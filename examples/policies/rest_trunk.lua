-- SPDX-License-Identifier: BSD-2-Clause
-- Calls of users to telephone numbers go to the first of two trunks; others get 403. A trunk that answers 503 rests for
-- the time in its Retry-After, or for half a minute. A trunk that does not answer at all rests for a minute. While a
-- trunk rests, nothing is sent to it and calls go to the other one at once.

local trunks = { "127.0.0.1:5092", "127.0.0.1:5093" }

-- A user has proved a password (call.user). A server that asks nobody for one, on loopback or with --open, knows its
-- users by the flows on which they have registered. From proves nothing: the caller writes it.
local function is_user(call)
  return call.user or call.registered
end

local function to_trunk(call, index)
  local number = call.aor:match("^sip:(%+?%d+)@")
  return number and sip_relay("sip:" .. number .. "@" .. trunks[index])
end

sip_on_request("INVITE", function(request, call)
  local verdict = to_trunk(call, 1)
  if verdict and not is_user(call) then
    return sip_reply(403, "Users Only")
  end
  return verdict
end)

-- The trunk is overloaded. The core tries the next target, or asks the last hook below.
sip_on_response(503, function(reply)
  return sip_rest(reply.destination, reply.retry_after or 30)
end)

-- The trunk is silent: no response came before timer B ended (32 s). A 408 that the trunk has sent, or a call that rang
-- until timer C ended, is no fault of the trunk.
local function is_silent(reply)
  return reply.origin == "timeout" and not reply.provisional_seen
end

sip_on_response(408, function(reply)
  if is_silent(reply) then
    return sip_rest(reply.destination, 60)
  end
end)

-- No target is left: try the second trunk, once.
sip_on_exhausted(function(reply, call)
  local failed = sip_is_server_error(reply) or reply.code == 408 and is_silent(reply)
  if failed and reply.branches == 1 then
    return to_trunk(call, 2)
  end
end)
