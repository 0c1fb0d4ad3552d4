-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun memory error
-- select over very many values.
sip_on_response(486, function(reply, call, decision)
    local function pick(...)
        while true do for i = 1, select('#', ...) do local _ = select(-i, ...) end end
    end
    pick(table.unpack({}, 1, 8000))
end)
