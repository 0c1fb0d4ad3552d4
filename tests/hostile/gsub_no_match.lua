-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun memory
-- A long text in which nothing is found.
sip_on_response(486, function(reply, call, decision)
    local s = ('a'):rep(1 << 20)
    while true do s:gsub('b', '') s:gsub('[^a]', '') s:find('b') s:find(('a'):rep(1 << 19) .. 'b') end
end)
