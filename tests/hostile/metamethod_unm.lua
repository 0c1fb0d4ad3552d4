-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun
-- A sign that never ends.
sip_on_response(486, function(reply, call, decision)
    return -setmetatable({}, {__unm = function() while true do end end})
end)
