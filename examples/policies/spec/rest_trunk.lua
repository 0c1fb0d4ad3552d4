-- SPDX-License-Identifier: BSD-2-Clause
local first = server("127.0.0.1:5092", { name = "first" })
local second = server("127.0.0.1:5093", { name = "second" })

test("numbers go to the first trunk", function()
  local call = invite "sip:+4930123@example.com"
  expect(call):hears(200):tried { "first" }
  equal(call:bye().final.code, 200)
end)

test("a trunk that says 503 rests for its Retry-After", function()
  first:answers { 503, headers = { ["Retry-After"] = "10" } }
  expect(invite "sip:123@example.com"):hears(200):tried { "first", "second" }
  first:answers(200)
  advance(9)
  expect(invite "sip:123@example.com"):hears(200):tried { "second" }
  advance(2)
  expect(invite "sip:123@example.com"):hears(200):tried { "first" }
end)

test("without Retry-After it rests for half a minute", function()
  first:answers(503)
  expect(invite "sip:123@example.com"):tried { "first", "second" }
  first:answers(200)
  advance(29)
  expect(invite "sip:123@example.com"):tried { "second" }
  advance(2)
  expect(invite "sip:123@example.com"):tried { "first" }
end)

test("both overloaded: the caller hears 500, and nobody is tried twice", function()
  first:answers(503)
  second:answers(503)
  local call = invite "sip:123@example.com"
  expect(call):hears(500):tried { "first", "second" }
end)

test("names are users, not numbers", function()
  expect(invite "sip:bob@example.com"):hears(480):tried {}
end)

test("a trunk that is silent rests for a minute, and the second one takes the call", function()
  first:falls_silent()
  local call = invite "sip:123@example.com"
  advance(33)
  expect(call):hears(200):tried { "first", "second" }
  expect(invite "sip:123@example.com"):hears(200):tried { "second" }
  first:comes_back()
  first:answers(200)
  advance(61)
  expect(invite "sip:123@example.com"):hears(200):tried { "first" }
end)

test("a call that rings on and on at the first trunk is not repeated at the second", function()
  first:answers { 180 }
  local call = invite "sip:123@example.com"
  advance(400)
  expect(call):hears(408):tried { "first" }
end)

test("a 408 that the trunk has sent goes to the caller", function()
  first:answers(408)
  expect(invite "sip:123@example.com"):hears(408):tried { "first" }
end)
