-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun
-- Sorting with an order that is none.
sip_on_response(486, function(reply, call, decision)
    local t = {}
    for i = 1, 1000 do t[i] = i end
    while true do pcall(table.sort, t, function() return true end) end
end)
