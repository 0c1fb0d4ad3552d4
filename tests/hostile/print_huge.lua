-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun
-- Printing large texts for ever.
sip_on_response(486, function(reply, call, decision)
    local s = ('x'):rep(1 << 20)
    while true do print(s) end
end)
