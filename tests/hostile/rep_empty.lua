-- SPDX-License-Identifier: BSD-2-Clause
-- expect: error
-- A repetition of nothing, for ever.
sip_on_response(486, function(reply, call, decision)
    return (''):rep(math.maxinteger)
end)
