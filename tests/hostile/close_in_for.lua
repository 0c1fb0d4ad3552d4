-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun
-- The closing value of a loop.
sip_on_response(486, function(reply, call, decision)
    local closing = setmetatable({}, {__close = function() while true do end end})
    for _ in function() end, nil, nil, closing do end
end)
