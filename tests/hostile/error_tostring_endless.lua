-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun
-- An error object whose text takes for ever.
sip_on_response(486, function(reply, call, decision)
    error(setmetatable({}, {__tostring = function() while true do end end}))
end)
