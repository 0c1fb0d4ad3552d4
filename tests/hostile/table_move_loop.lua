-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun
-- Moving nothing, in large ranges.
sip_on_response(486, function(reply, call, decision)
    while true do table.move({}, 1, 1 << 17, 2) end
end)
