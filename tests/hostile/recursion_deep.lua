-- SPDX-License-Identifier: BSD-2-Clause
-- expect: memory error overrun
-- Recursion without an end.
sip_on_response(486, function(reply, call, decision)
    local function down() return 1 + down() end
    return down()
end)
