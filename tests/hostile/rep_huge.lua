-- SPDX-License-Identifier: BSD-2-Clause
-- expect: error
-- A repetition of terabytes.
sip_on_response(486, function(reply, call, decision)
    return ('x'):rep(1 << 40)
end)
