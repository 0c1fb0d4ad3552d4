-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun memory
-- Variables to be closed, whose close functions never end, after the time is over.
sip_on_response(486, function(reply, call, decision)
    local slow = setmetatable({}, { __close = function() for i = 1, 1e9 do end end })
    local function nest(n) local c <close> = slow if n > 0 then return (nest(n - 1)) end while true do end end
    while true do pcall(nest, 100) end
end)
