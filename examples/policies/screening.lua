-- SPDX-License-Identifier: BSD-2-Clause
-- Screening that fails closed: a call with the header field "X-Permit: no" gets 603, and so does a call for which this
-- hook fails. Three options matter. INVITE: other methods begin no call. priority: no other hook decides before this
-- one. on_error: without it the core decides when the hook fails, and the call goes through. A hook with a status in
-- on_error is never turned off.

sip_on_request("INVITE", function(request, call)
  local permit = call:header "X-Permit"
  if permit and permit:lower():find "^no?%f[%W]" then
    return sip_reply(603, "Declined by Screening")
  end
end, { priority = 1000, on_error = 603 })
