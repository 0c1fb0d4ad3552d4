-- SPDX-License-Identifier: BSD-2-Clause
-- expect: error
-- A table with weak keys.
sip_on_response(486, function(reply, call, decision)
    setmetatable({}, {__mode = 'k'})
end)
