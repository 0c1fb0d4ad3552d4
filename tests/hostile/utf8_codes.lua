-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun
-- Characters one by one, for ever.
sip_on_response(486, function(reply, call, decision)
    local s = ('x'):rep(1 << 20)
    while true do for _ in utf8.codes(s) do end end
end)
