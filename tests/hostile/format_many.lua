-- SPDX-License-Identifier: BSD-2-Clause
-- expect: memory overrun
-- Formats with many large arguments.
sip_on_response(486, function(reply, call, decision)
    local s, kept = ('x'):rep(1 << 18), {}
    while true do kept[#kept + 1] = ('%s%s%s%s%d'):format(s, s, s, s, #kept) end
end)
