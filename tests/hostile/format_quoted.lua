-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun memory
-- Quoting what is all control characters.
sip_on_response(486, function(reply, call, decision)
    local s = ('\0'):rep(1 << 18)
    while true do local _ = ('%q'):format(s) end
end)
