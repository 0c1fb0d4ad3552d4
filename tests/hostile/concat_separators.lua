-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun memory error default
-- Joining with a separator of a megabyte.
sip_on_response(486, function(reply, call, decision)
    local t = {} for i = 1, 8 do t[i] = ('x'):rep(1 << 20) end
    while true do pcall(table.concat, t, t[1]) pcall(table.concat, t) end
end)
