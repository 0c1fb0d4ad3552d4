-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun memory error
-- Going over a table while it grows.
sip_on_response(486, function(reply, call, decision)
    local t = {1}
    while true do
        for key in pairs(t) do t[key .. 'x'] = 1 end
    end
end)
