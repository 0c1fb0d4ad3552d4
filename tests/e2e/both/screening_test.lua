-- SPDX-License-Identifier: BSD-2-Clause
-- A policy that screens calls keeps screening them, whatever one stranger sends to make its hook fail.
local host = require "host"
local tap = require "tap"
local ua = require "ua"
local read = require("file").read

local test = host.test
local over_udp = { "udp" }

local example = read "examples/policies/screening.lua"
local fold = read("tests/data/attacks/header_fold.sip"):match "\r\nX%-Permit: (.-)\r\nContent"

-- The same hook with a fault: a header field makes it run past its time.
local fault = 'if call:header "X-Fault" then while true do end end\n  local permit'
local fragile = example:gsub("local permit", function() return fault end, 1)
local open_fragile = fragile:gsub(", on_error = 603", "")

local function registered(open)
    local bob = open "bob"
    bob:register { instance = ua.instance(1), reg_id = 1 }
    return bob
end

local function call(caller, bob, name, value)
    return caller:request("INVITE", { uri = bob.aor, headers = { { name, value } } })
end

local function expect_screened(caller, bob)
    caller:expect_final(call(caller, bob, "X-Permit", "no"), 603)
    local request = call(caller, bob, "X-Permit", "yes")
    bob:reply(bob:expect "INVITE", 486)
    caller:expect_final(request, 486)
end

test("15 kB of white space and a fold in a header field do not lead past the hook that reads it",
    { policy = example, transports = over_udp }, function(_, open)
    local bob, mallory = registered(open), open "mallory"
    for _ = 1, 8 do
        mallory:expect_final(call(mallory, bob, "X-Permit", fold), 603)
    end
    expect_screened(mallory, bob)
    bob:expect_none("INVITE", 0)
end)

test("a hook with a status in on_error refuses what it fails for, and goes on for all others",
    { policy = fragile, transports = over_udp }, function(_, open)
    local bob, mallory = registered(open), open "mallory"
    local alice = open("alice", { local_host = "127.0.0.2" })
    for _ = 1, 8 do
        mallory:expect_final(call(mallory, bob, "X-Fault", "1"), 603)
    end
    expect_screened(alice, bob)
    expect_screened(mallory, bob)
    bob:expect_none("INVITE", 0)
end)

test("one source does not turn a hook off by making it overrun, not even one without on_error",
    { policy = open_fragile, transports = over_udp }, function(_, open)
    local bob, mallory = registered(open), open "mallory"
    local alice = open("alice", { local_host = "127.0.0.2" })
    for _ = 1, 8 do
        local request = call(mallory, bob, "X-Fault", "1") -- the core decides
        bob:reply(bob:expect "INVITE", 486)
        mallory:expect_final(request, 486)
    end
    expect_screened(alice, bob)
    expect_screened(mallory, bob)
end)

-- Kamailio forwards header fields that our parser refuses as too long.
test("a request that the policy cannot be shown gets past it no more than another one",
    { policy = example, transports = over_udp }, function(_, open)
    local bob, mallory = registered(open), open "mallory"
    local request = mallory:request("INVITE", { uri = bob.aor,
        headers = { { "X-Permit", "no" }, { "X-Fill", ("x"):rep(17000) } } })
    mallory:expect_final(request, 400)
    expect_screened(mallory, bob)
    bob:expect_none("INVITE", 0)
end)

tap.done()
