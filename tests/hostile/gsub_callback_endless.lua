-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun
-- A substitution that calls for ever.
sip_on_response(486, function(reply, call, decision)
    return (('a'):rep(10)):gsub('a', function() while true do end end)
end)
