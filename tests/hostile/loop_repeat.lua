-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun
-- A loop that asks the library each time.
sip_on_response(486, function(reply, call, decision)
    repeat until tostring(1) == tostring(2)
end)
