-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun
-- pcall called by pcall called by pcall.
sip_on_response(486, function(reply, call, decision)
    while true do pcall(pcall, pcall, pcall, error) end
end)
