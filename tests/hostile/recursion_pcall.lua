-- SPDX-License-Identifier: BSD-2-Clause
-- expect: error overrun default
-- Recursion through pcall.
sip_on_response(486, function(reply, call, decision)
    local function down() return pcall(down) end
    down()
end)
