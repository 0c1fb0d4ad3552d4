-- SPDX-License-Identifier: BSD-2-Clause
-- expect: error
-- A reply kept past its call.
sip_on_response(486, function(reply, call, decision)
    kept = rawget(_G, 'kept') or setmetatable({}, {__index = function() return reply end})
    kept = reply
    return kept.nothing
end)
