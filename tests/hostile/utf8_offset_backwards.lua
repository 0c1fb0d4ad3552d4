-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun memory error default
-- Looking for the begin of a character among a million continuation bytes.
sip_on_response(486, function(reply, call, decision)
    local s = ('\x80'):rep(1 << 20)
    while true do utf8.offset(s, 0, #s) pcall(utf8.offset, s, 1, 1) pcall(utf8.len, s, #s) end
end)
