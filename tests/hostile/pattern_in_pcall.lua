-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun
-- A pattern in a protected call, again and again.
sip_on_response(486, function(reply, call, decision)
    while true do pcall(string.find, ('a'):rep(500), '.-.-.-b') end
end)
