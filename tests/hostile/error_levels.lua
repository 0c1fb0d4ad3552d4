-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun memory error default
-- Errors that look for their place deep in the stack.
sip_on_response(486, function(reply, call, decision)
    local function deep(n) if n == 0 then while true do pcall(error, 'x', 150) pcall(error, 'x', 1000000) end end return (deep(n - 1)) end
    deep(150)
end)
