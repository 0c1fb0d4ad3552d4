-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun
-- An iteration that tries everything.
sip_on_response(486, function(reply, call, decision)
    for _ in (('a'):rep(2000)):gmatch('.-.-.-b') do end
end)
