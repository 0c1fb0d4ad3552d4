-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun memory error default
-- Looking for header fields that are not there.
sip_on_response(486, function(reply, call, decision)
    local sip = require 'reflow'
    local vias = ('Via: SIP/2.0/UDP h;branch=z9hG4bK1\r\n'):rep(250)
    local m = sip.parse('INVITE sip:a@b SIP/2.0\r\n' .. vias .. 'From: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n\r\n')
    for i = 1, 1e9 do m:header('X', i) m:header('Via', 250) end
end)
