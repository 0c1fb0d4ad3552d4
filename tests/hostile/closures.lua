-- SPDX-License-Identifier: BSD-2-Clause
-- expect: memory overrun
-- Functions inside functions, all kept.
sip_on_response(486, function(reply, call, decision)
    local kept
    for i = 1, 1e9 do
        local before = kept
        kept = function() return before, i end
    end
end)
