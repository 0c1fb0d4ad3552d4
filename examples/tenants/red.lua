-- SPDX-License-Identifier: BSD-2-Clause
-- The tenant red.example: no calls to telephone numbers other than those for help, and the phones of a user ring one
-- after the other.

local help = { ["112"] = true, ["911"] = true } -- the site's policy sends these to the trunk

sip_on_request("INVITE", function(request, call)
  local number = call.aor:match("^sip:(%+?%d+)@")
  if not number then
    return sip_route(nil, { next_after = 15 })
  elseif not help[number] then
    return sip_reply(403, "No Outside Calls")
  end
end)
