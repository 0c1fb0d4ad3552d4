-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun memory error default
-- Thousands of values from one text.
sip_on_response(486, function(reply, call, decision)
    local f = ('s4'):rep(4000)
    local s = ('\0\0\0\0'):rep(5000)
    while true do string.unpack(f, s) end
end)
