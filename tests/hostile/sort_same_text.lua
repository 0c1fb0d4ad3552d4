-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun memory
-- A thousand times the same long text: each comparison goes over all of it.
sip_on_response(486, function(reply, call, decision)
    local s, t = ('x'):rep(1 << 20), {}
    for i = 1, 1000 do t[i] = s end
    table.sort(t)
end)
