-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun memory
-- Plain search for a long text that is nearly there everywhere.
sip_on_response(486, function(reply, call, decision)
    local s = ('a'):rep(1 << 20)
    local n = ('a'):rep(1 << 19) .. 'b' .. ('a'):rep(1 << 18)
    while true do s:find(n, 1, true) end
end)
