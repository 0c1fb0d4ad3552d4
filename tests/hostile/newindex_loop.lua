-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun
-- An assignment that never ends.
sip_on_response(486, function(reply, call, decision)
    local t = setmetatable({}, {__newindex = function() while true do end end})
    t.x = 1
end)
