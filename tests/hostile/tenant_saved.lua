-- SPDX-License-Identifier: BSD-2-Clause
-- expect: default
-- Much is saved for the next version, and what it gets is refused.
sip_save(function() return { a = ("x"):rep(900000) } end)
sip_restore(function() error "never" end)
sip_on_response(486, function() end)
