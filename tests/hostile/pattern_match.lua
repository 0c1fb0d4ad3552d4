-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun
-- A match that tries everything.
sip_on_response(486, function(reply, call, decision)
    return (('a'):rep(2000)):match('.*.*.*.*b')
end)
