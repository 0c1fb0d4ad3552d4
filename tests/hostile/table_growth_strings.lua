-- SPDX-License-Identifier: BSD-2-Clause
-- expect: memory overrun
-- A table of ever new texts.
sip_on_response(486, function(reply, call, decision)
    local t = {}
    for i = 1, 1e9 do t['key' .. i] = i end
end)
