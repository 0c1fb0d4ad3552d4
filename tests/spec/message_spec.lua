-- SPDX-License-Identifier: BSD-2-Clause
local tap = require "tap"
local test = tap.test
local sip = require "reflow"

local function lines(list)
    return table.concat(list, "\r\n") .. "\r\n\r\n"
end

local invite = lines {
    "INVITE sip:bob@example.com SIP/2.0",
    "Via: SIP/2.0/TCP 192.0.2.1:5060;branch=z9hG4bKa",
    "Max-Forwards: 70",
    "f: Alice <sip:alice@example.com>;tag=a1",
    "To: <sip:bob@example.com>",
    "Call-ID: spec@192.0.2.1",
    "CSeq: 7 INVITE",
    "X-Color: green",
    "X-Color: blue,",
    "\twhite",
    "Expires: 60",
    "Content-Length: 0",
}

local busy = lines {
    "SIP/2.0 503 Too Many Calls",
    "Via: SIP/2.0/TCP 192.0.2.1:5060;branch=z9hG4bKa",
    "From: Alice <sip:alice@example.com>;tag=a1",
    "To: <sip:bob@example.com>;tag=b1",
    "Call-ID: spec@192.0.2.1",
    "CSeq: 7 INVITE",
    "Retry-After: 18 (back soon);duration=30",
    "Content-Length: 0",
}

test("a request has its getters", function(t)
    local message = assert(sip.parse(invite))
    t:equal(message.is_request, true)
    t:equal(message.method, "INVITE")
    t:equal(message.code, nil)
    t:equal(message.uri, "sip:bob@example.com")
    t:equal(message.from, "sip:alice@example.com")
    t:equal(message.from_tag, "a1")
    t:equal(message.to, "sip:bob@example.com")
    t:equal(message.to_tag, nil)
    t:equal(message.call_id, "spec@192.0.2.1")
    t:equal(message.cseq, 7)
    t:equal(message.expires, 60)
    t:equal(message.body, nil)
end)

test("a response has its getters and stands for its code", function(t)
    local message = assert(sip.parse(busy))
    t:equal(message.is_request, false)
    t:equal(message.code, 503)
    t:equal(message.phrase, "Too Many Calls")
    t:equal(message.method, "INVITE")
    t:equal(message.uri, nil)
    t:equal(message.to_tag, "b1")
    t:equal(message.retry_after, 18)
    t:equal(sip.is_server_error(message), true)
    t:equal(sip.is_success(message), false)
    t:equal(sip.decide(message, { role = "proxy" }).rest, 18)
end)

test("headers are found by name in any case and by their compact form", function(t)
    local message = assert(sip.parse(invite))
    t:equal(message:header "x-COLOR", "green")
    t:equal(message:header("X-Color", 2), "blue, white")
    t:equal(message:header("X-Color", 3), nil)
    t:equal(message:header "From", "Alice <sip:alice@example.com>;tag=a1")
    t:equal(message:header "Route", nil)
    local names = {}
    for name in message:headers() do
        names[#names + 1] = name
    end
    t:equal(table.concat(names, " "),
        "Via Max-Forwards f To Call-ID CSeq X-Color X-Color Expires Content-Length")
end)

test("a broken message is nil, what and where, and a status", function(t)
    for _, text in ipairs { "", "x", "INVITE", invite:sub(1, 80), (invite:gsub("CSeq: 7", "CSeq: 4294967296")) } do
        local message, what, status = sip.parse(text)
        t:equal(message, nil)
        t:match(what, "at byte %d+")
        t:ok(math.type(status) == "integer" and status >= 400)
    end
end)

test("parse takes a string and nothing else", function(t)
    for _, value in ipairs { 7, true, {} } do
        t:equal(pcall(sip.parse, value), false)
    end
    t:equal(pcall(sip.parse), false)
end)

test("an unknown field and a foreign object are errors", function(t)
    local message = assert(sip.parse(invite))
    t:equal(pcall(function() return message.metod end), false)
    t:equal(pcall(message.header, io.stdout, "Via"), false)
    t:equal(pcall(message.header, {}, "Via"), false)
    t:equal(pcall(message.header, message), false)
    t:equal(pcall(message.header, message, "Via", 0), false)
    t:equal(getmetatable(message), false)
end)

test("messages are collected as they come", function(t)
    collectgarbage()
    local before = collectgarbage "count"
    for _ = 1, 5000 do
        sip.parse(invite)
    end
    t:at_most(collectgarbage "count", before + 200)
end)

tap.done()
