-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun memory error default
-- Many values, each written wide.
sip_on_response(486, function(reply, call, decision)
    local f = ('%99s'):rep(2000)
    local a = {} for i = 1, 2000 do a[i] = 'x' end
    while true do f:format(table.unpack(a)) end
end)
