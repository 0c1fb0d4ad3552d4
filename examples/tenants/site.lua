-- SPDX-License-Identifier: BSD-2-Clause
-- The policy of the site. The hooks of a tenant are asked before it, for calls to users of the tenant's domain. Above
-- both there is a layer that no tenant can get around, because its priority is above 1000:
--
--     build/reflow serve examples/tenants/site.lua --domain blue.example --domain red.example \
--         --tenant blue.example=examples/tenants/blue.lua --tenant red.example=examples/tenants/red.lua \
--         --layer blocked:2000=examples/policies/block_prefixes.lua
--
-- In Kamailio: modparam("reflow", "policy", PATH), modparam("reflow", "tenant", "blue.example=PATH") and
-- modparam("reflow", "layer", "blocked:2000=PATH").

local trunk = "127.0.0.1:5092"

-- Telephone numbers go to the trunk if a user calls: one who has proved a password or, where the server asks nobody
-- for one, who has registered over the flow of the call. For all other calls the hook returns nothing: the core rings
-- the user's phones.
sip_on_request("INVITE", function(request, call)
  local number = call.aor:match("^sip:(%+?%d+)@")
  if number and not (call.user or call.registered) then
    return sip_reply(403, "Users Only")
  end
  return number and sip_relay("sip:" .. number .. "@" .. trunk)
end)
