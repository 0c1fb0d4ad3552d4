-- SPDX-License-Identifier: BSD-2-Clause
-- expect: memory overrun
-- A text of many large ones at once.
sip_on_response(486, function(reply, call, decision)
    local s = ('x'):rep(1 << 20)
    local kept = {}
    while true do kept[#kept + 1] = s .. #kept .. s .. s end
end)
