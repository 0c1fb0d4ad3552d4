-- SPDX-License-Identifier: BSD-2-Clause
-- expect: error
-- A packed structure of gigabytes.
sip_on_response(486, function(reply, call, decision)
    return string.pack('!16 s8 ' .. ('Xi16 '):rep(1 << 18), ('x'):rep(1 << 19)), string.packsize('c2147483647c2147483647')
end)
