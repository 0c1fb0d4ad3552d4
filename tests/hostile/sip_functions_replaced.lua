-- SPDX-License-Identifier: BSD-2-Clause
-- expect: default
-- Replacing the functions of the host.
sip_on_response(486, function(reply, call, decision)
    for name in next, _G do
        if name:find '^sip_' then _G[name] = function() while true do end end end
    end
end)
