-- SPDX-License-Identifier: BSD-2-Clause
-- One phone rings first, the next one rings beside it after 15 seconds, and so on. Phones with a higher q value come
-- first, then those that registered earlier. An answer on any phone stops the others.

sip_on_request("INVITE", function()
  return sip_route(nil, { next_after = 15 })
end)
