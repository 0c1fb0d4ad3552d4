-- SPDX-License-Identifier: BSD-2-Clause
local desk = phone { aor = "sip:bob@example.com", name = "desk", q = "1.0" }
local mobile = phone { aor = "sip:bob@example.com", name = "mobile", q = "0.9" }

test("the second phone rings beside the first after 15 seconds", function()
  desk:answers(180)
  mobile:answers(180, { 200, after = 2 })
  local call = invite "sip:bob@example.com"
  advance(14)
  expect(call):hears { 180 }:tried { "desk/1" }
  advance(3)
  expect(call):hears(200):tried { "desk/1", "mobile/1" }
end)

test("an answer before that rings nobody else", function()
  desk:answers(180, { 200, after = 10 })
  local call = invite "sip:bob@example.com"
  advance(60)
  expect(call):hears { 180, 200 }:tried { "desk/1" }
end)
