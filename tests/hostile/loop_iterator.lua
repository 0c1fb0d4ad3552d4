-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun
-- An iterator that never ends.
sip_on_response(486, function(reply, call, decision)
    for _ in function() return 1 end do end
end)
