-- SPDX-License-Identifier: BSD-2-Clause
domain "red.example"

local desk = phone { aor = "sip:rita@red.example", name = "desk" }
local mobile = phone { aor = "sip:rita@red.example", name = "mobile" }

test("numbers are refused, but not those for help", function()
  for _, number in ipairs { "+15550100", "0015550100" } do
    expect(invite("sip:" .. number .. "@red.example")):hears(403):tried {}
  end
  expect(invite "sip:112@red.example"):hears(480):tried {} -- no trunk here: it belongs to the site's policy
end)

test("the phones of a user ring one after the other", function()
  desk:answers(180)
  mobile:answers(180, { 200, after = 2 })
  local call = invite "sip:rita@red.example"
  advance(14)
  expect(call):hears { 180 }:tried { "desk/1" }
  advance(3)
  expect(call):hears(200):tried { "desk/1", "mobile/1" }
end)
