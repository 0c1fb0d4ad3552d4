-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun memory
-- Texts of zero bytes, which are compared piece by piece.
sip_on_response(486, function(reply, call, decision)
    local s, t = ('\0'):rep(1 << 20), {}
    for i = 1, 1000 do t[i] = s end
    table.sort(t)
end)
