-- SPDX-License-Identifier: BSD-2-Clause
-- expect: error
-- Stopping the collector.
sip_on_response(486, function(reply, call, decision)
    collectgarbage('stop')
end)
