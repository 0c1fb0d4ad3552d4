-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun
-- An order that never ends.
sip_on_response(486, function(reply, call, decision)
    local meta = {__lt = function() while true do end end}
    return setmetatable({}, meta) < setmetatable({}, meta)
end)
