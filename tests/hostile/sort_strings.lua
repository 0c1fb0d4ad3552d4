-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun memory
-- Sorting long texts that differ at their end.
sip_on_response(486, function(reply, call, decision)
    local t, s = {}, ('x'):rep(1 << 16)
    for i = 1, 60 do t[i] = s .. i * 7919 % 61 end
    while true do table.sort(t, function(a, b) return a > b end) table.sort(t) end
end)
