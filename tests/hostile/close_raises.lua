-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun
-- Variables whose closing raises, in a loop.
sip_on_response(486, function(reply, call, decision)
    while true do
        pcall(function()
            local _ <close> = setmetatable({}, {__close = function() error('closed') end})
            error('inner')
        end)
    end
end)
