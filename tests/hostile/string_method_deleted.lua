-- SPDX-License-Identifier: BSD-2-Clause
-- expect: default
-- Deleting the methods of texts.
sip_on_response(486, function(reply, call, decision)
    for name in pairs(string) do string[name] = nil end
    assert(('x'):upper() == 'X')
end)
