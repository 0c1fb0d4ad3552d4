-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun
-- Catches itself at every depth.
sip_on_response(486, function(reply, call, decision)
    local function again()
        pcall(again)
        pcall(again)
    end
    while true do again() end
end)
