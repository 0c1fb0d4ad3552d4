-- SPDX-License-Identifier: BSD-2-Clause
-- Calls to telephone numbers go to two trunks in turn. A trunk that says 503 rests: for the time its Retry-After asks
-- for, or half a minute; until then nothing is sent to it, and calls go to the other one at once.

local trunks = { "127.0.0.1:5092", "127.0.0.1:5093" }

local function to_trunk(call, index)
  local number = call.aor:match("^sip:(%+?%d+)@")
  return number and sip_relay("sip:" .. number .. "@" .. trunks[index])
end

sip_on_request("INVITE", function(request, call)
  return to_trunk(call, 1)
end)

-- A trunk that is overloaded rests, and the core then goes on: to the next target, or on to the hook below.
sip_on_response(503, function(reply)
  return sip_rest(reply.destination, reply.retry_after or 30)
end)

-- Nothing is left to try: the second trunk, once.
sip_on_exhausted(function(reply, call)
  if sip_is_server_error(reply) and reply.branches == 1 then
    return to_trunk(call, 2)
  end
end)
