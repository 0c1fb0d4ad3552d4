-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun memory error default
-- Counting characters in a long text.
sip_on_response(486, function(reply, call, decision)
    local s = ('é'):rep(1 << 19)
    while true do utf8.len(s) utf8.offset(s, 400000) utf8.offset(s, -400000) utf8.codepoint(s, 1, 100) end
end)
