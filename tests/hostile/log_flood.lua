-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun
-- Log lines for ever.
sip_on_response(486, function(reply, call, decision)
    while true do sip_log('%s', ('x'):rep(1000)) end
end)
