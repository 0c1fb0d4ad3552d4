-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun memory error default
-- Copies of a long text.
sip_on_response(486, function(reply, call, decision)
    local s = ('x'):rep(1 << 20)
    while true do s:reverse() s:upper() s:lower() s:sub(2) s:len() s:byte(-1) end
end)
