-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun memory
-- Sorting objects whose comparison compares long texts.
sip_on_response(486, function(reply, call, decision)
    local s, t = ('x'):rep(1 << 20), {}
    local mt = { __lt = function(a, b) return s < s end }
    for i = 1, 1000 do t[i] = setmetatable({}, mt) end
    table.sort(t)
end)
