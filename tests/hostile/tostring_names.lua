-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun memory error default
-- The name of a type is a megabyte long.
sip_on_response(486, function(reply, call, decision)
    local t = setmetatable({}, { __name = ('x'):rep(1 << 20) })
    while true do tostring(t) end
end)
