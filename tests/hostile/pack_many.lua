-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun memory error default
-- A million padding bytes.
sip_on_response(486, function(reply, call, decision)
    local f = ('x'):rep(1 << 20)
    while true do string.pack(f) end
end)
