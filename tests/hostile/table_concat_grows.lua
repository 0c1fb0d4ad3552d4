-- SPDX-License-Identifier: BSD-2-Clause
-- expect: memory overrun
-- A concatenation with a large separator.
sip_on_response(486, function(reply, call, decision)
    local t = {}
    for i = 1, 1000 do t[i] = 'x' end
    return table.concat(t, ('y'):rep(1 << 16))
end)
