-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun memory error default
-- Arithmetic on long texts.
sip_on_response(486, function(reply, call, decision)
    local s = (' '):rep(1 << 20) .. '1'
    while true do local x = s + 1 x = s | 1 x = -s for i = tonumber(s), 2 do end end
end)
