-- SPDX-License-Identifier: BSD-2-Clause
-- expect: default
-- Deleting the functions of the host.
sip_on_response(486, function(reply, call, decision)
    local sip = require 'reflow'
    for name in next, sip do sip[name] = nil end
    for name in next, _G do if name:find '^sip_' then _G[name] = nil end end
end)
