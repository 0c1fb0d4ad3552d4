-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun memory error default
-- Numbers that take long to write.
local t = {}
for i = 1, 200000 do t[i] = i + 0.12345678901 end
sip_on_response(486, function(reply, call, decision)
    while true do table.concat(t) end
end)
