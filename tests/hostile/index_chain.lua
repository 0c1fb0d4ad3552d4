-- SPDX-License-Identifier: BSD-2-Clause
-- expect: error overrun
-- A chain of indexes that bites its tail.
sip_on_response(486, function(reply, call, decision)
    local a, b = {}, {}
    setmetatable(a, {__index = b}) setmetatable(b, {__index = a})
    return a.x
end)
