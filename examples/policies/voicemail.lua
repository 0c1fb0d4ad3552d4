-- SPDX-License-Identifier: BSD-2-Clause
-- Busy here (486) goes to voicemail. Busy everywhere (600) does not: a 6xx ends the search for everybody (RFC 3261
-- section 16.7), and reflow would refuse to send the call anywhere else.

local voicemail = "sip:voicemail@127.0.0.1:5094"

sip_on_response(486, function(reply, call)
  if call:header("X-No-Voicemail") then
    return -- nothing: the core decides, and the caller hears 486
  end
  return sip_relay(voicemail)
end)
