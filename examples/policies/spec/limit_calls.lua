-- SPDX-License-Identifier: BSD-2-Clause
local bob = phone { aor = "sip:bob@example.com" }

local function call_often(times, options)
  local last
  for _ = 1, times do last = invite("sip:bob@example.com", options) end
  return last
end

test("thirty calls a minute go through, the next one does not", function()
  expect(call_often(30)):hears(200)
  local call = invite "sip:bob@example.com"
  expect(call):hears(480):tried {}
  equal(call.final.phrase, "Too Many Calls")
end)

test("each address is counted by itself", function()
  call_often(31)
  expect(invite("sip:bob@example.com", { source = "203.0.113.2:5060" })):hears(200)
end)

test("a minute later the address may call again", function()
  expect(call_often(31)):hears(480)
  advance(61)
  expect(invite "sip:bob@example.com"):hears(200)
end)

test("calls for help are not counted", function()
  local help = phone { aor = "sip:112@example.com" }
  call_often(31)
  expect(invite "sip:112@example.com"):hears(200):tried { "112/1" }
  expect(help):registered()
  expect(bob):registered()
end)

test("a Call-ID that is too long to be counted is refused", function()
  expect(invite("sip:bob@example.com", { call_id = ("x"):rep(200) })):hears(400)
end)
