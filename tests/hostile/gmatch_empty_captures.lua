-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun memory error default
-- Iterators over long texts.
sip_on_response(486, function(reply, call, decision)
    local s = ('a'):rep(1 << 20)
    for a in s:gmatch('b') do end
    for i = 1, 1e9 do s:gmatch('a')() end
end)
