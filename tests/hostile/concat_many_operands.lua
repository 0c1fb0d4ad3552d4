-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun memory error default
-- Concatenation of many long texts.
sip_on_response(486, function(reply, call, decision)
    local s = ('x'):rep(1 << 19)
    while true do local _ = s .. s .. s .. s .. s .. s .. s .. s end
end)
