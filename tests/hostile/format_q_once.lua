-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun memory error default
-- One call that quotes seven megabytes.
sip_on_response(486, function(reply, call, decision)
    local s = ('\1'):rep(1 << 20)
    string.format('%q%q%q%q%q%q%q', s, s, s, s, s, s, s)
end)
