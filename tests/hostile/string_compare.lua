-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun
-- Comparing large texts for ever.
sip_on_response(486, function(reply, call, decision)
    local a, b = ('x'):rep(1 << 20), ('x'):rep(1 << 20)
    while a == b and a <= b do end
end)
