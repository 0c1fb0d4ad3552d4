-- SPDX-License-Identifier: BSD-2-Clause
-- expect: memory overrun
-- A table that grows over the calls, and is kept.
sip_on_response(486, function(reply, call, decision)
    kept = {}
    for i = 1, 1e9 do kept[i] = i end
end)
