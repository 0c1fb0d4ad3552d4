-- SPDX-License-Identifier: BSD-2-Clause
-- expect: error
-- An error object whose text is an error.
sip_on_response(486, function(reply, call, decision)
    error(setmetatable({}, {__tostring = function() error(setmetatable({}, {__tostring = error})) end}))
end)
