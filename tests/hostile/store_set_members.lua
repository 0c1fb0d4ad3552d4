-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun memory error default
-- Going over a set that grows.
local n = 0
sip_on_response(486, function(reply, call, decision)
    local sip = require 'reflow'
    while true do n = n + 1 sip.store.insert('set', 'member ' .. n) for m in sip.store.members('set') do break end end
end)
