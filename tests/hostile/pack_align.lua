-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun memory error default
-- Sizes that add up to more than there is.
sip_on_response(486, function(reply, call, decision)
    local f = ('c2000000000'):rep(10)
    while true do pcall(string.packsize, f) pcall(string.pack, 'c2000000', '') end
end)
