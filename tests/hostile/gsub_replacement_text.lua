-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun memory error default
-- A large replacement for many matches.
sip_on_response(486, function(reply, call, decision)
    local r = ('b'):rep(1 << 20)
    for i = 1, 1000 do pcall(string.gsub, ('a'):rep(1000), 'a', r) end
end)
