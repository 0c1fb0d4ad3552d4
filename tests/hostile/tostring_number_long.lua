-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun memory error default
-- Numbers in long texts.
sip_on_response(486, function(reply, call, decision)
    local s = (' '):rep(1 << 20) .. '1' .. (' '):rep(1 << 20)
    while true do tonumber(s) tonumber(('1'):rep(1 << 20)) tonumber(('z'):rep(1 << 20), 36) math.tointeger(s) end
end)
