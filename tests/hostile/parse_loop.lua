-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun error
-- Messages parsed for ever.
sip_on_response(486, function(reply, call, decision)
    local text = 'OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\n' ..
        'To: <sip:a@b>\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\n\r\n'
    while true do sip_parse(text) end
end)
