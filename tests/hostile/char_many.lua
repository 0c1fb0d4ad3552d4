-- SPDX-License-Identifier: BSD-2-Clause
-- expect: error memory overrun
-- A text of very many arguments.
sip_on_response(486, function(reply, call, decision)
    while true do local _ = string.char(table.unpack({}, 1, 8000)) end
end)
