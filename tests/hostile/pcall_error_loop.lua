-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun
-- Raises and catches.
sip_on_response(486, function(reply, call, decision)
    while true do pcall(error, {}) end
end)
