-- SPDX-License-Identifier: BSD-2-Clause
-- expect: memory overrun error
-- A substitution that makes much of little.
sip_on_response(486, function(reply, call, decision)
    local s = ('a'):rep(10000)
    while true do s = s:gsub('a', ('b'):rep(10000)) end
end)
