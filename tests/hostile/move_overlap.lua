-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun memory error default
-- Moving a large table onto itself.
sip_on_response(486, function(reply, call, decision)
    local t = {} for i = 1, 150000 do t[i] = i end
    while true do table.move(t, 1, #t, 2) t[#t] = nil end
end)
