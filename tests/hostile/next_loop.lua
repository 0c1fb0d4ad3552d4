-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun
-- next from its begin, for ever.
sip_on_response(486, function(reply, call, decision)
    local t = {1}
    while next(t) do end
end)
