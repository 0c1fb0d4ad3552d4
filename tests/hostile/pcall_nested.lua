-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun
-- Protected calls inside each other, each of which goes on.
sip_on_response(486, function(reply, call, decision)
    local function again()
        pcall(function() pcall(function() while true do end end) while true do end end)
        while true do end
    end
    while true do pcall(again) end
end)
