-- SPDX-License-Identifier: BSD-2-Clause
-- expect: load
-- A script that registers hooks for ever.
while true do sip_on_response('*', function() end) end
