-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun memory error default
-- Format options that neither take nor give: a million of them.
sip_on_response(486, function(reply, call, decision)
    local f = ('!<=> '):rep(1 << 17)
    while true do string.packsize(f) string.pack(f) string.unpack(f, '') end
end)
