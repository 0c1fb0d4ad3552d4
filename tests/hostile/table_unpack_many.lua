-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun memory error
-- As many values on the stack as there may be.
sip_on_response(486, function(reply, call, decision)
    while true do select('#', table.unpack({}, 1, 8000)) end
end)
