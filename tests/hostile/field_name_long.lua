-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun memory error default
-- Names of fields of a megabyte.
sip_on_response(486, function(reply, call, decision)
    local n = ('x'):rep(1 << 20)
    while true do pcall(function() return call[n] end) pcall(function() return sip[n] end) pcall(function() return _G[n] end) pcall(require, n) end
end)
