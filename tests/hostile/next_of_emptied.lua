-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun memory error default
-- A table that was large and is empty.
sip_on_response(486, function(reply, call, decision)
    local t = {} for i = 1, 100000 do t['k' .. i] = true end
    for k in pairs(t) do t[k] = nil end
    while true do next(t) end
end)
