-- SPDX-License-Identifier: BSD-2-Clause
-- expect: error
-- A table that looks like a verdict.
sip_on_response(486, function(reply, call, decision)
    return setmetatable({kind = 'relay', uri = 'sip:x@y'}, {__name = 'verdict'})
end)
