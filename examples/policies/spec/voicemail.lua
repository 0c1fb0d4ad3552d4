-- SPDX-License-Identifier: BSD-2-Clause
local bob = phone { aor = "sip:bob@example.com", flows = 2 }
local mobile = phone { aor = "sip:bob@example.com", name = "mobile" }
local voicemail = server("127.0.0.1:5094", { name = "voicemail" })

mobile:answers(486)

test("busy goes to voicemail", function()
  bob:answers(180, { 486, after = 5 })
  local call = invite "sip:bob@example.com"
  expect(call):hears { 180 }
  advance(5)
  expect(call):hears { 180, 200 }
  expect(call):tried { "bob/1", "mobile/1", "voicemail" }
  expect(call):decided { code = 486, action = "fail" }
end)

test("a phone that is busy does not end the ringing of another one", function()
  mobile:answers(180, { 200, after = 10 })
  bob:answers(486)
  local call = invite "sip:bob@example.com"
  advance(9)
  expect(call):hears { 180 }
  advance(2)
  expect(call):hears { 180, 200 }:never_tried "voicemail"
end)

test("no answer before timer C ends goes to voicemail", function()
  bob:answers(180)
  mobile:answers(180)
  local call = invite "sip:bob@example.com"
  advance(184)
  expect(call):hears { 180, 180 }
  advance(2)
  expect(call):hears { 180, 180, 200 }:tried { "bob/1", "mobile/1", "voicemail" }
  expect(call):decided { code = 408, origin = "timeout", action = "fail" }
end)

test("voicemail that does not answer either ends the call", function()
  bob:answers(180)
  mobile:answers(180)
  voicemail:answers(180)
  local call = invite "sip:bob@example.com"
  advance(400)
  expect(call):hears(408):tried { "bob/1", "mobile/1", "voicemail" }
end)

test("phones that cannot be reached do not lead to voicemail", function()
  bob:answers(408)
  mobile:answers(408)
  local call = invite "sip:bob@example.com"
  expect(call):hears(408):never_tried "voicemail"
end)

test("a caller who declines voicemail hears busy", function()
  bob:answers(486)
  local call = invite("sip:bob@example.com", { headers = { ["X-No-Voicemail"] = "yes" } })
  expect(call):hears { 486 }
  expect(call):never_tried "voicemail"
end)

test("busy everywhere ends the search", function()
  bob:answers(600)
  local call = invite "sip:bob@example.com"
  expect(call):hears(600):never_tried "voicemail"
end)

test("voicemail that is gone leaves the caller with busy", function()
  bob:answers(486)
  voicemail:dies()
  local call = invite "sip:bob@example.com"
  expect(call):hears(486)
end)
