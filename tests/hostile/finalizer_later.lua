-- SPDX-License-Identifier: BSD-2-Clause
-- expect: memory overrun
-- A finalizer set after the metatable.
sip_on_response(486, function(reply, call, decision)
    local meta = {}
    local kept = setmetatable({}, meta)
    meta.__gc = function() while true do end end
    kept = nil
    local t = {}
    for i = 1, 1e9 do t[i] = {} end
    return kept
end)
