-- SPDX-License-Identifier: BSD-2-Clause
-- expect: memory
-- A text that doubles.
sip_on_response(486, function(reply, call, decision)
    local s = 'x'
    while true do s = s .. s end
end)
