-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun memory error default
-- Padding of gigabytes.
sip_on_response(486, function(reply, call, decision)
    for i = 1, 1000 do pcall(string.pack, 'c2000000000', '') pcall(string.pack, 'c7000000', 'x') end
    while true do end
end)
