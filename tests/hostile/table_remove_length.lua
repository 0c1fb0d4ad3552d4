-- SPDX-License-Identifier: BSD-2-Clause
-- expect: error
-- Removing where the length is a lie.
sip_on_response(486, function(reply, call, decision)
    table.remove(setmetatable({}, {__len = function() return 1 << 60 end}), 1)
end)
