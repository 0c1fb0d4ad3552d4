-- SPDX-License-Identifier: BSD-2-Clause
-- The tenant blue.example: a call that nobody takes goes to the attendant, who is a user of the same domain.

sip_on_exhausted(function(best, call)
  local busy = best.code == 486
  local no_answer = best.code == 408 and best.provisional_seen
  if busy or no_answer then
    return sip_route("sip:attendant@blue.example")
  end
end)
