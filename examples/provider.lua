-- SPDX-License-Identifier: BSD-2-Clause
-- A small provider: users with passwords who call each other, and one trunk for telephone numbers. The chapter "A small
-- provider" of the manual of reflow serve has the commands that belong to it.
--
-- The server checks the passwords of users (--users) and recognizes the trunk (--trunk, --trunk-cert). This script
-- decides which calls go where.

-- Where calls to numbers go. For a trunk over TLS, write for example "trunk.example.net;transport=tls".
local trunk = "127.0.0.1:5092"

-- The users who are called when a call from the trunk is for one of our numbers.
local numbers = {
  ["+15550101"] = "sip:alice@example.com",
  ["+15550102"] = "sip:bob@example.com",
}

sip_on_request("INVITE", function(request, call)
  local number = call.aor:match "^sip:(%+%d+)@" or call.aor:match "^tel:(%+%d+)"
  if not number then
    return sip_route() -- all phones of the user
  elseif numbers[number] then
    return sip_route(numbers[number])
  elseif not call.user then -- strangers and the trunk: only users call out, because each such call costs money
    return sip_reply(403, "Users Only")
  end
  return sip_relay("sip:" .. number .. "@" .. trunk)
end)
