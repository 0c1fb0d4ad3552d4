-- SPDX-License-Identifier: BSD-2-Clause
-- expect: error
-- An error that is nothing.
sip_on_response(486, function(reply, call, decision)
    error(nil)
end)
