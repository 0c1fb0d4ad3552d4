-- SPDX-License-Identifier: BSD-2-Clause
-- Ring one phone first; the next one rings beside it after 15 seconds, and so on. The order is that of the q values
-- and of the registrations. An answer anywhere stops the others.

sip_on_request("INVITE", function()
  return sip_route(nil, { next_after = 15 })
end)
