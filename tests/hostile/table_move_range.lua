-- SPDX-License-Identifier: BSD-2-Clause
-- expect: error
-- Moving a range without an end.
sip_on_response(486, function(reply, call, decision)
    table.move({}, 1, math.maxinteger - 1, 2)
end)
