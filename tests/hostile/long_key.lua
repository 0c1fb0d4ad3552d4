-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun memory error default
-- Long texts as keys.
sip_on_response(486, function(reply, call, decision)
    local t, s = {}, ('x'):rep(1 << 20)
    while true do t[s .. 'y'] = nil local _ = t[s .. 'z'] end
end)
