-- SPDX-License-Identifier: BSD-2-Clause
-- expect: memory error overrun
-- Recursion with many values in each frame.
sip_on_response(486, function(reply, call, decision)
    local function down(...) return down(1, ...) + 1 end
    return down()
end)
