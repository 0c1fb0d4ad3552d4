-- SPDX-License-Identifier: BSD-2-Clause
-- expect: error
-- A repetition whose separator is what is large.
sip_on_response(486, function(reply, call, decision)
    return (''):rep(1 << 12, ('x'):rep(1 << 12))
end)
