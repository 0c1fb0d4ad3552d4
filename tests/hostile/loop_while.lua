-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun
-- An empty loop.
sip_on_response(486, function(reply, call, decision)
    while true do end
end)
