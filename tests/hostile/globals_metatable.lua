-- SPDX-License-Identifier: BSD-2-Clause
-- expect: error
-- Changing how globals are looked up.
sip_on_response(486, function(reply, call, decision)
    setmetatable(_G, {__index = function() while true do end end})
end)
