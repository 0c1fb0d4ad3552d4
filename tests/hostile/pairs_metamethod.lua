-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun
-- pairs by a metamethod that never ends.
sip_on_response(486, function(reply, call, decision)
    for _ in pairs(setmetatable({}, {__pairs = function() return function() return 1 end end})) do end
end)
