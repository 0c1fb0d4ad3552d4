-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun memory error default
-- One call with thousands of values.
sip_on_response(486, function(reply, call, decision)
    local f = ('%s'):rep(8000)
    local t = {} for i = 1, 8000 do t[i] = 'x' end
    while true do f:format(table.unpack(t)) end
end)
