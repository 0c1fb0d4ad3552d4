-- SPDX-License-Identifier: BSD-2-Clause
local bob = phone { aor = "sip:bob@example.com" }
local trunk = server("127.0.0.1:5092", { name = "trunk" })

test("numbers go to the trunk", function()
  local call = { to = "sip:+15550100@example.com", from = "sip:bob@example.com", over = bob }
  expect(invite(call)):hears(200):tried { "trunk" }
  trunk:answers(486)
  expect(invite(call)):hears(486)
end)

test("strangers do not call numbers", function()
  expect(invite { to = "sip:+15550100@example.com", from = "sip:bob@example.com" }):hears(403):tried {}
end)

test("users are called", function()
  expect(invite "sip:bob@example.com"):hears(200):tried { "bob/1" }
  expect(bob):registered()
end)
