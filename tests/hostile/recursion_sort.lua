-- SPDX-License-Identifier: BSD-2-Clause
-- expect: error overrun
-- Recursion through table.sort.
sip_on_response(486, function(reply, call, decision)
    local function down() table.sort({1, 2, 3}, down) return true end
    down()
end)
