-- SPDX-License-Identifier: BSD-2-Clause
-- expect: error
-- A concatenation of a range without an end.
sip_on_response(486, function(reply, call, decision)
    return table.concat(setmetatable({}, {__index = function() return 'x' end}), '', 1, 1 << 40)
end)
