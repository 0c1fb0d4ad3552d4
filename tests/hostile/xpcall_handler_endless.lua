-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun
-- A message handler that never returns.
sip_on_response(486, function(reply, call, decision)
    xpcall(error, function() while true do end end, 'x')
end)
