-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun
-- A megabyte read character by character.
sip_on_response(486, function(reply, call, decision)
    local s = ('\u{10FFFF}'):rep(1 << 18)
    while true do local _ = utf8.len(s) + utf8.offset(s, -1) end
end)
