-- SPDX-License-Identifier: BSD-2-Clause
-- expect: error
-- A format that is none.
sip_on_response(486, function(reply, call, decision)
    return ('%p%n%y'):format({}, 1, 2)
end)
