-- SPDX-License-Identifier: BSD-2-Clause
local bob = phone { aor = "sip:bob@example.com", flows = 2 }
local voicemail = server("127.0.0.1:5094", { name = "voicemail" })

test("busy goes to voicemail", function()
  bob:answers(180, { 486, after = 5 })
  local call = invite "sip:bob@example.com"
  expect(call):hears { 180 }
  advance(5)
  expect(call):hears { 180, 200 }
  expect(call):tried { "bob/1", "voicemail" }
  expect(call):decided { code = 486, verdict = "relay" }
end)

test("who wants no voicemail hears busy", function()
  bob:answers(486)
  local call = invite("sip:bob@example.com", { headers = { ["X-No-Voicemail"] = "yes" } })
  expect(call):hears { 486 }
  expect(call):never_tried "voicemail"
end)

test("busy everywhere ends the search", function()
  bob:answers(600)
  local call = invite "sip:bob@example.com"
  expect(call):hears(600)
  expect(call):tried { "bob/1" }
end)

test("voicemail that is gone leaves the caller with busy", function()
  bob:answers(486)
  voicemail:dies()
  local call = invite "sip:bob@example.com"
  expect(call):hears(486)
end)
