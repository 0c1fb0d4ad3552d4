-- SPDX-License-Identifier: BSD-2-Clause
-- expect: error overrun
-- Recursion through string.gsub.
sip_on_response(486, function(reply, call, decision)
    local function down(s) return (s:gsub('.', down)) end
    return down('x')
end)
