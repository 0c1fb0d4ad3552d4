-- SPDX-License-Identifier: BSD-2-Clause
-- expect: error
-- Taking the hook away.
sip_on_response(486, function(reply, call, decision)
    debug.sethook()
end)
