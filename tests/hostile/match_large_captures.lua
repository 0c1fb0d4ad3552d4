-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun memory error default
-- Captures in captures of a long text.
sip_on_response(486, function(reply, call, decision)
    local s = ('a'):rep(1 << 18)
    local p = ('('):rep(31) .. '.*' .. (')'):rep(31)
    while true do s:match(p) end
end)
