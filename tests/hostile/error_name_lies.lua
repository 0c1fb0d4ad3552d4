-- SPDX-License-Identifier: BSD-2-Clause
-- expect: error
-- An error object with a name that is a table.
sip_on_response(486, function(reply, call, decision)
    error(setmetatable({}, {__name = {}, __index = error, __concat = error}))
end)
