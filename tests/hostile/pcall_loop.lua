-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun
-- Catches whatever stops it, and goes on.
sip_on_response(486, function(reply, call, decision)
    while true do
        pcall(function() while true do end end)
    end
end)
