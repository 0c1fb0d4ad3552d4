-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun memory
-- Sorting what is long, again and again.
sip_on_response(486, function(reply, call, decision)
    local t = {}
    for i = 1, 100000 do t[i] = i * 7919 % 100003 end
    while true do table.sort(t) t[1], t[#t // 2] = t[#t // 2], t[1] end
end)
