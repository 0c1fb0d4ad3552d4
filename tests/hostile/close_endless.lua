-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun
-- A variable whose closing never ends.
sip_on_response(486, function(reply, call, decision)
    local _ <close> = setmetatable({}, {__close = function() while true do end end})
    while true do end
end)
