-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun memory error default
-- Quoting a text in which each byte needs an escape.
sip_on_response(486, function(reply, call, decision)
    local s = ('\1'):rep(1 << 20)
    while true do pcall(string.format, '%q', s) end
end)
