-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun
-- A loop of gotos.
sip_on_response(486, function(reply, call, decision)
    ::again::
    goto again
end)
