-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun memory error default
-- Errors about a type with a long name.
sip_on_response(486, function(reply, call, decision)
    local t = setmetatable({}, { __name = ('x'):rep(1 << 20) })
    while true do pcall(string.rep, t) pcall(function() return t + 1 end) pcall(function() return #nil end) end
end)
