-- SPDX-License-Identifier: BSD-2-Clause
-- expect: error
-- An error with a text of a megabyte.
sip_on_response(486, function(reply, call, decision)
    error(('x'):rep(1 << 20))
end)
