-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun memory
-- A replacement of a megabyte that names empty captures: each match goes over all of it and adds nothing.
sip_on_response(486, function(reply, call, decision)
    local s = ('a'):rep(4000):gsub('()a', '')
    local r = ('%1'):rep(1 << 19)
    local t = ('a'):rep(4000):gsub('(x?)a', r)
end)
