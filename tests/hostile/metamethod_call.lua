-- SPDX-License-Identifier: BSD-2-Clause
-- expect: error overrun memory
-- A call that is a call of what is called.
sip_on_response(486, function(reply, call, decision)
    local t = {}
    setmetatable(t, {__call = t})
    t()
end)
