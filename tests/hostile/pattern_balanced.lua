-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun
-- A balance looked for from everywhere.
sip_on_response(486, function(reply, call, decision)
    return (('('):rep(200000)):find('%b()')
end)
