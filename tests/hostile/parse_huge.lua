-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun error default memory
-- A message of a megabyte.
sip_on_response(486, function(reply, call, decision)
    while true do sip_parse('OPTIONS sip:a@b SIP/2.0\r\n' .. ('X: y\r\n'):rep(50000) .. '\r\n') end
end)
