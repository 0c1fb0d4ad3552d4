-- SPDX-License-Identifier: BSD-2-Clause
local first = server("127.0.0.1:5092", { name = "first" })
local second = server("127.0.0.1:5093", { name = "second" })
local alice = phone { aor = "sip:alice@example.com" }

local function calls(number)
  return invite { to = "sip:" .. number .. "@example.com", from = "sip:alice@example.com", over = alice }
end

test("only users call numbers, whatever From says", function()
  for _, from in ipairs { "sip:alice@example.com", "sip:mallory@example.net", "sip:anonymous@anonymous.invalid",
    "tel:+4930123" } do
    expect(invite { to = "sip:+4930123@example.com", from = from }):hears(403):tried {}
  end
end)

test("numbers go to the first trunk", function()
  local call = calls "+4930123"
  expect(call):hears(200):tried { "first" }
  equal(call:bye().final.code, 200)
end)

test("a trunk that says 503 rests for its Retry-After", function()
  first:answers { 503, headers = { ["Retry-After"] = "10" } }
  expect(calls "123"):hears(200):tried { "first", "second" }
  first:answers(200)
  advance(9)
  expect(calls "123"):hears(200):tried { "second" }
  advance(2)
  expect(calls "123"):hears(200):tried { "first" }
end)

test("without Retry-After it rests for half a minute", function()
  first:answers(503)
  expect(calls "123"):tried { "first", "second" }
  first:answers(200)
  advance(29)
  expect(calls "123"):tried { "second" }
  advance(2)
  expect(calls "123"):tried { "first" }
end)

test("both overloaded: the caller hears 500, and nobody is tried twice", function()
  first:answers(503)
  second:answers(503)
  local call = calls "123"
  expect(call):hears(500):tried { "first", "second" }
end)

test("names are users, not numbers", function()
  expect(invite "sip:bob@example.com"):hears(480):tried {}
end)

test("a trunk that is silent rests for a minute, and the second one takes the call", function()
  first:falls_silent()
  local call = calls "123"
  advance(33)
  expect(call):hears(200):tried { "first", "second" }
  expect(calls "123"):hears(200):tried { "second" }
  first:comes_back()
  first:answers(200)
  advance(61)
  expect(calls "123"):hears(200):tried { "first" }
end)

test("a call that rings on and on at the first trunk is not repeated at the second", function()
  first:answers { 180 }
  local call = calls "123"
  advance(400)
  expect(call):hears(408):tried { "first" }
end)

test("a 408 that the trunk has sent goes to the caller", function()
  first:answers(408)
  expect(calls "123"):hears(408):tried { "first" }
end)
