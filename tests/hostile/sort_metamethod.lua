-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun
-- Sorting by a metamethod that never returns.
sip_on_response(486, function(reply, call, decision)
    local meta = {__lt = function() while true do end end}
    table.sort({setmetatable({}, meta), setmetatable({}, meta)})
end)
