-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun memory error default
-- Explaining codes.
sip_on_response(486, function(reply, call, decision)
    local sip = require 'reflow'
    while true do sip.explain(486) sip.compare(486, 603) pcall(sip.explain, 486, ('x'):rep(1 << 20)) sip.code(486) end
end)
