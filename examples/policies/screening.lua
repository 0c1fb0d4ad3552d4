-- SPDX-License-Identifier: BSD-2-Clause
-- Screening that fails closed: a call that somebody has marked with "X-Permit: no", or that this hook cannot look at,
-- gets 603. The three options matter: INVITE, because other methods begin no call; priority, so that no hook decides
-- before this one; and on_error, because without it the core decides when the hook fails, and the call goes through.
-- A hook with a status in on_error is never turned off.

sip_on_request("INVITE", function(request, call)
  local permit = call:header "X-Permit"
  if permit and permit:lower():find "^no?%f[%W]" then
    return sip_reply(603, "Declined by Screening")
  end
end, { priority = 1000, on_error = 603 })
