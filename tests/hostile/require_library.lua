-- SPDX-License-Identifier: BSD-2-Clause
-- expect: error
-- Requiring what the interpreter has.
sip_on_response(486, function(reply, call, decision)
    return require('os').exit(1)
end)
