-- SPDX-License-Identifier: BSD-2-Clause
-- expect: error
-- A border that is far away.
sip_on_response(486, function(reply, call, decision)
    local t = {}
    for i = 62, 0, -1 do t[1 << i] = 1 end
    table.insert(t, 1, 0)
end)
