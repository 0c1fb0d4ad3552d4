-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun memory error default
-- Numbers of four hundred digits.
sip_on_response(486, function(reply, call, decision)
    local f = ('%99.99f'):rep(4000)
    local t = {} for i = 1, 4000 do t[i] = 1.7e308 end
    f:format(table.unpack(t))
end)
