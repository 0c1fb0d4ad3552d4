-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun memory error default
-- Messages of a megabyte.
sip_on_response(486, function(reply, call, decision)
    local sip = require 'reflow'
    local s = 'INVITE sip:a@b SIP/2.0\r\n' .. ('X: y\r\n'):rep(150000)
    while true do sip.parse(s) sip.parse((' '):rep(1 << 20)) sip.parse(('\r\n'):rep(1 << 19)) end
end)
