-- SPDX-License-Identifier: BSD-2-Clause
-- expect: error
-- Ending the process.
sip_on_response(486, function(reply, call, decision)
    os.exit(1)
end)
