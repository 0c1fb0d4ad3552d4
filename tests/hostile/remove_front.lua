-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun memory error default
-- Moving all elements of a large table.
sip_on_response(486, function(reply, call, decision)
    local t = {} for i = 1, 200000 do t[i] = i end
    while true do table.remove(t, 1) table.insert(t, 1, 1) end
end)
