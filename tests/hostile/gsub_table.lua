-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun memory
-- A table with an __index that is a chain of tables.
sip_on_response(486, function(reply, call, decision)
    local t = {}
    for i = 1, 1500 do t = setmetatable({}, { __index = t }) end
    while true do (('a'):rep(1 << 20)):gsub('.', t) end
end)
