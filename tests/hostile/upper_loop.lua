-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun memory
-- Large texts, turned over and over.
sip_on_response(486, function(reply, call, decision)
    local s = ('x'):rep(1 << 20)
    while true do s = s:upper():lower():reverse() end
end)
