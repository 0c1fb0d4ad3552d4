-- SPDX-License-Identifier: BSD-2-Clause
-- expect: error
-- A range without an end on the stack.
sip_on_response(486, function(reply, call, decision)
    return table.unpack({}, 1, 1e9)
end)
