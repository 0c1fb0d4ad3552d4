-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun memory error default
-- Joining many empty texts.
sip_on_response(486, function(reply, call, decision)
    local t = {} for i = 1, 200000 do t[i] = '' end
    while true do table.concat(t) end
end)
