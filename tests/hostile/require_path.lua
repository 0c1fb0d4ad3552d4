-- SPDX-License-Identifier: BSD-2-Clause
-- expect: error
-- Requiring what lies outside.
sip_on_response(486, function(reply, call, decision)
    return require('../../../etc/passwd')
end)
