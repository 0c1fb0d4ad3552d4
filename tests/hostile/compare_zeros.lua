-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun memory error default
-- One comparison of the largest texts of zero bytes that there can be.
sip_on_response(486, function(reply, call, decision)
    local s = ('\0'):rep(1 << 20)
    s = s .. s
    local r = s .. ''
    while true do if s < r then end end
end)
