-- SPDX-License-Identifier: BSD-2-Clause
-- expect: default
-- Deleting all globals.
local rawset, next, all = rawset, next, _G
sip_on_response(486, function(reply, call, decision)
    for name in next, all do
        rawset(all, name, nil)
    end
end)
