-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun memory error default
-- Printing thousands of objects that become long texts.
sip_on_response(486, function(reply, call, decision)
    local o, t = setmetatable({}, { __tostring = function() return ('x'):rep(1 << 20) end }), {}
    for i = 1, 8000 do t[i] = o end
    print(table.unpack(t))
end)
