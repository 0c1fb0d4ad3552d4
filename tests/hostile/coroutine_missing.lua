-- SPDX-License-Identifier: BSD-2-Clause
-- expect: error
-- A coroutine.
sip_on_response(486, function(reply, call, decision)
    return coroutine.wrap(function() while true do end end)()
end)
