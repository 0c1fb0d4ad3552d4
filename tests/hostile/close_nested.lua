-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun
-- Closing that opens what must be closed.
sip_on_response(486, function(reply, call, decision)
    local function open()
        return setmetatable({}, {__close = function()
            local _ <close> = open()
        end})
    end
    while true do pcall(function() local _ <close> = open() end) end
end)
