-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun
-- A format whose argument never gets its text.
sip_on_response(486, function(reply, call, decision)
    return ('%s'):format(setmetatable({}, {__tostring = function() while true do end end}))
end)
