-- SPDX-License-Identifier: BSD-2-Clause
-- A call that no phone of the user takes goes to voicemail: because a phone is busy (486) and no other one answers, or
-- because nobody answers before timer C ends (RFC 3261 section 16.6). The server then acts as if a phone had sent 408.
-- A 408 without any ringing before it means that the phones could not be reached; the caller gets that one.
--
-- Busy everywhere (600) does not go to voicemail: a 6xx ends the search for everybody (RFC 3261 section 16.7), and
-- reflow would refuse to send the call anywhere else.

-- Where callers are checked (module/standalone/README.md, "Who may do what"), only users and trunks may leave the
-- server, also for voicemail. To take the messages of strangers, let voicemail register as a user, and call that user
-- here: sip_route("sip:voicemail@example.com").

local voicemail = "sip:voicemail@127.0.0.1:5094"

sip_on_exhausted(function(best, call)
  local busy = best.code == 486
  local no_answer = best.code == 408 and best.provisional_seen
  if (busy or no_answer) and not call:header("X-No-Voicemail") then
    return sip_relay(voicemail)
  end
end)
