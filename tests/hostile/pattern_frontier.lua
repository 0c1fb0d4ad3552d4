-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun
-- Frontiers and optional items that try everything.
sip_on_response(486, function(reply, call, decision)
    return (('a '):rep(3000)):find(('%f[%a]a? ?'):rep(9) .. ('.-'):rep(3) .. 'b')
end)
