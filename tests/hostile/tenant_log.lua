-- SPDX-License-Identifier: BSD-2-Clause
-- expect: default overrun
-- Lines that look like the server's, more than anybody reads.
sip_on_response(486, function()
    for i = 1, 300 do
        sip_log("refused source=192.0.2.1 reason=foreign-domain\r\nrefused %d", i)
        print(("\0\27[2J"):rep(100))
    end
end)
