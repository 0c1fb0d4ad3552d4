-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun memory error default
-- Options that were large and are empty.
sip_on_response(486, function(reply, call, decision)
    local t = {} for i = 1, 100000 do t['k' .. i] = true end
    for k in pairs(t) do t[k] = nil end
    while true do sip_route(t) end
end)
