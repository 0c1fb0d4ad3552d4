-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun memory
-- A long chain of indexes, gone through for ever.
sip_on_response(486, function(reply, call, decision)
    local t = {}
    for _ = 1, 1900 do t = setmetatable({}, {__index = t}) end
    while true do local _ = pcall(function() return t.x end) end
end)
