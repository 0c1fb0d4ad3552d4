-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun memory
-- Hostile.
sip_on_response(486, function(reply, call, decision)
    local t = {}
    for i = 1, 1900 do t = setmetatable({}, { __index = t }) end
    while true do ('%s'):rep(1) local _ = t.x string.gsub('x', '.', t) end
end)
