-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun
-- A message handler that calls again.
sip_on_response(486, function(reply, call, decision)
    while true do
        xpcall(function() while true do end end, function() while true do end end)
    end
end)
