-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun memory error default
-- Divisions that take long.
sip_on_response(486, function(reply, call, decision)
    while true do local _ = 1.7e308 % 1e-308 _ = 1.7e308 // 5e-324 _ = 2 ^ 0.3 end
end)
