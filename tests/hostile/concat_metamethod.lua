-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun
-- Concatenation that never ends.
sip_on_response(486, function(reply, call, decision)
    local t = setmetatable({}, {__concat = function() while true do end end})
    return t .. 'x'
end)
