-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun
-- A loop that counts for ever.
sip_on_response(486, function(reply, call, decision)
    for _ = 1, math.huge do end
end)
