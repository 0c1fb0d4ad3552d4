-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun
-- Closing that runs protected loops after the stop.
sip_on_response(486, function(reply, call, decision)
    local _ <close> = setmetatable({}, {__close = function()
        for _ = 1, 1e9 do pcall(function() while true do end end) end
    end})
    while true do end
end)
