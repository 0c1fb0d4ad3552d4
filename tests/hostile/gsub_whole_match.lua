-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun memory
-- A replacement that repeats the whole match.
sip_on_response(486, function(reply, call, decision)
    local s = ('a'):rep(1 << 20)
    while true do pcall(string.gsub, s, '.+', ('%0'):rep(1 << 19)) end
end)
