-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun
-- Repetitions just below the limit.
sip_on_response(486, function(reply, call, decision)
    while true do local _ = ('x'):rep(1 << 20) end
end)
