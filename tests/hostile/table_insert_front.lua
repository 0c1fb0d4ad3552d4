-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun memory
-- Inserting at the front of what is long.
sip_on_response(486, function(reply, call, decision)
    local t = {}
    for i = 1, 50000 do t[i] = i end
    while true do table.insert(t, 1, 0) table.remove(t, 1) end
end)
