-- SPDX-License-Identifier: BSD-2-Clause
-- expect: error overrun
-- Recursion through the C stack.
sip_on_response(486, function(reply, call, decision)
    local t = setmetatable({}, {})
    getmetatable(t).__index = function(self, key) return self[key .. 'x'] end
    return t.x
end)
