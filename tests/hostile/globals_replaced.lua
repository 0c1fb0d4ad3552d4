-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun
-- Globals replaced for the functions to come.
sip_on_response(486, function(reply, call, decision)
    local _ENV = setmetatable({}, {__index = function() while true do end end})
    return anything
end)
