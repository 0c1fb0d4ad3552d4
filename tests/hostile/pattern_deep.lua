-- SPDX-License-Identifier: BSD-2-Clause
-- expect: error overrun
-- A pattern that goes deep.
sip_on_response(486, function(reply, call, decision)
    return (('a'):rep(100000)):find(('a?'):rep(100000) .. ('a'):rep(100000))
end)
