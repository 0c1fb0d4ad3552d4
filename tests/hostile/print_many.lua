-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun memory error default
-- Printing thousands of long texts.
sip_on_response(486, function(reply, call, decision)
    local s, t = ('x'):rep(1 << 20), {}
    for i = 1, 8000 do t[i] = s end
    print(table.unpack(t))
end)
