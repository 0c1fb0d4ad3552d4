-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun
-- Numbers from texts, for ever.
sip_on_response(486, function(reply, call, decision)
    local s = ('9'):rep(200)
    while true do local _ = tonumber(s) or math.tointeger(s) end
end)
