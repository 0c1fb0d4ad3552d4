-- SPDX-License-Identifier: BSD-2-Clause
-- expect: error
-- A table that lies about its length.
sip_on_response(486, function(reply, call, decision)
    table.insert(setmetatable({}, {__len = function() return 1 << 60 end}), 1, 0)
end)
