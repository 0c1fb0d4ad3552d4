-- SPDX-License-Identifier: BSD-2-Clause
-- expect: error
-- A finalizer.
sip_on_response(486, function(reply, call, decision)
    setmetatable({}, {__gc = function() while true do end end})
end)
