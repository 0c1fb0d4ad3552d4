-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun memory error default
-- Long lines for the log.
sip_on_response(486, function(reply, call, decision)
    local s = ('x'):rep(1 << 20)
    while true do sip_log(s) sip_log('%s', s) end
end)
