-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun memory error default
-- Joining ranges that are nearly endless.
sip_on_response(486, function(reply, call, decision)
    while true do pcall(table.concat, {}, '', 1, 1 << 60) pcall(table.concat, { '' }, '', -(1 << 62), 1 << 62) end
end)
