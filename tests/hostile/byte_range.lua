-- SPDX-License-Identifier: BSD-2-Clause
-- expect: error memory
-- All bytes of a large text at once.
sip_on_response(486, function(reply, call, decision)
    return (('x'):rep(1 << 20)):byte(1, -1)
end)
