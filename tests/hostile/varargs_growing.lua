-- SPDX-License-Identifier: BSD-2-Clause
-- expect: memory overrun error
-- Arguments that grow at each call.
sip_on_response(486, function(reply, call, decision)
    local function grow(...) return grow(0, ...) end
    return grow()
end)
