-- SPDX-License-Identifier: BSD-2-Clause
-- expect: error
-- More values on the stack than one call may return.
sip_on_response(486, function(reply, call, decision)
    return select("#", table.unpack({}, 1, 100000))
end)
