-- SPDX-License-Identifier: BSD-2-Clause
-- expect: error overrun
-- Recursion through tostring.
sip_on_response(486, function(reply, call, decision)
    local t
    t = setmetatable({}, {__tostring = function() return tostring(t) .. 'x' end})
    return tostring(t)
end)
