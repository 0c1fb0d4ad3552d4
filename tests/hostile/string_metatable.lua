-- SPDX-License-Identifier: BSD-2-Clause
-- expect: error
-- Changing what all texts share.
sip_on_response(486, function(reply, call, decision)
    getmetatable('').__index = function() while true do end end
end)
