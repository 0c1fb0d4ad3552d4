-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun
-- A message handler that opens another protected call.
sip_on_response(486, function(reply, call, decision)
    local function handler(message) return xpcall(error, handler, message) end
    while true do xpcall(error, handler, 'x') end
end)
