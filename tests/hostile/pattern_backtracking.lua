-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun
-- A pattern that tries everything.
sip_on_response(486, function(reply, call, decision)
    return (('a'):rep(500)):find('.-.-.-b')
end)
