-- SPDX-License-Identifier: BSD-2-Clause
local bob = phone { aor = "sip:bob@example.com" }
local trunk = server("127.0.0.1:5092", { name = "trunk" })

test("numbers go to the trunk", function()
  expect(invite "sip:+15550100@example.com"):hears(200):tried { "trunk" }
  trunk:answers(486)
  expect(invite "sip:+15550100@example.com"):hears(486)
end)

test("users are called", function()
  expect(invite "sip:bob@example.com"):hears(200):tried { "bob/1" }
  expect(bob):registered()
end)
