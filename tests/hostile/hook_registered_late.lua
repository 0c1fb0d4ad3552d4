-- SPDX-License-Identifier: BSD-2-Clause
-- expect: error
-- A hook registered by a hook.
sip_on_response(486, function(reply, call, decision)
    sip_on_response('*', function() while true do end end)
end)
