-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun
-- A message handler that raises for every message.
sip_on_response(486, function(reply, call, decision)
    local function handler() error('again') end
    while true do xpcall(error, handler, 'x') end
end)
