-- SPDX-License-Identifier: BSD-2-Clause
domain "blue.example"

local bob = phone { aor = "sip:bob@blue.example" }
local attendant = phone { aor = "sip:attendant@blue.example" }

test("a user who answers is called, and nobody else", function()
  expect(invite "sip:bob@blue.example"):hears(200):tried { "bob/1" }
end)

test("busy goes to the attendant", function()
  bob:answers(486)
  expect(invite "sip:bob@blue.example"):hears(200):tried { "bob/1", "attendant/1" }
end)

test("no answer goes to the attendant", function()
  bob:answers(180)
  local call = invite "sip:bob@blue.example"
  advance(190)
  expect(call):hears(200):tried { "bob/1", "attendant/1" }
end)

test("an attendant who is busy, too, ends the call", function()
  bob:answers(486)
  attendant:answers(486)
  expect(invite "sip:bob@blue.example"):hears(486):tried { "bob/1", "attendant/1" }
end)
