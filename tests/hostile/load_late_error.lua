-- SPDX-License-Identifier: BSD-2-Clause
-- expect: load
-- A script that breaks on its last line.
sip_on_response(486, function() return sip_accept() end)
local nothing
return nothing.x
