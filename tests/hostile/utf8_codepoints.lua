-- SPDX-License-Identifier: BSD-2-Clause
-- expect: error memory
-- All characters of a large text at once.
sip_on_response(486, function(reply, call, decision)
    return utf8.codepoint(('x'):rep(1 << 20), 1, -1)
end)
