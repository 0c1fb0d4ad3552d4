-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun memory error default
-- Names and values that the store refuses.
sip_on_response(486, function(reply, call, decision)
    local sip = require 'reflow'
    local s = ('x'):rep(1 << 20)
    while true do sip.store.put(s, s) sip.store.get(s) sip.store.put('n', s) sip.store.put('n', s:sub(1, 4000)) end
end)
