-- SPDX-License-Identifier: BSD-2-Clause
-- What one peer may take, and that a counter tells when more was asked for; keep-alives of flows.
local tap = require "tap"
local ua = require "ua"
local server = require "server"

local test = tap.test
local one = ua.instance(1)

local function start(t, args)
    local s = server.start(t, { args = args, status = true })
    return ua.opener(s), s
end

local function becomes(s, name, least)
    local got
    ua.wait.until_true(ua.patience, function()
        got = s:number(name)
        return got >= least
    end)
    return got
end

test("past --max-connections a new one is closed, those there go on", function(t)
    local open, s = start(t, { "--max-connections", "4" })
    local bob, alice = open("bob"), open("alice")
    bob:register { instance = one, reg_id = 1 }
    local more = {}
    for index = 1, 6 do
        more[index] = open("more")
    end
    t:ok(becomes(s, "refused", 4) >= 4)
    local function closed()
        local count = 0
        for _, flow in ipairs(more) do
            count = count + (flow.closed_by_peer and 1 or 0)
        end
        return count
    end
    ua.wait.until_true(ua.patience, function()
        return closed() == 4
    end)
    t:equal(closed(), 4)
    alice:call(bob)
    for _, flow in ipairs(more) do
        flow:close()
    end
    ua.wait.until_true(ua.patience, function()
        return s:number "connections" == 2
    end)
    open("late"):ping()
end)

test("--idle closes a connection that has neither traffic nor bindings", function(t)
    local open, s = start(t, { "--idle", "3" })
    local bob, idler, pinger = open("bob"), open("idler"), open("pinger")
    bob:register { instance = one, reg_id = 1 }
    ua.wait.until_true(ua.patience, function()
        pinger:ping()
        ua.wait.pause(100)
        return idler.closed_by_peer
    end)
    idler:expect_closed()
    t:ok(not bob.closed_by_peer, "a flow with bindings was closed")
    t:ok(not pinger.closed_by_peer, "a flow with traffic was closed")
    t:equal(s:number "idle", 1)
end)

test("--message-time closes a connection whose message does not end", function(t)
    local open, s = start(t, { "--message-time", "3" })
    local quiet = open("quiet")
    quiet:ping() -- who has never said anything is closed as well
    local slow = open("slow")
    slow:send_raw("OPTIONS sip:example.test SIP/2.0\r\nX: ")
    ua.wait.until_true(ua.patience, function()
        ua.wait.pause(150)
        if not slow.closed_by_peer then
            slow:send_raw("x")
        end
        return slow.closed_by_peer
    end)
    slow:expect_closed()
    quiet:ping()
    t:equal(s:number "unfinished", 1)
end)

test("--max-headers: 400 past it, and a counter", function(t)
    local open, s = start(t, { "--max-headers", "16" })
    local alice = open("alice", { transport = "udp" })
    local headers = {}
    for index = 1, 16 do
        headers[index] = { "X-" .. index, "y" }
    end
    alice:expect_final(alice:request("OPTIONS", { uri = "sip:example.test", headers = headers }), 400)
    alice:expect_final(alice:request("OPTIONS", { uri = "sip:example.test" }), 200)
    t:equal(s:number "malformed_answered", 1)
end)

test("--max-message: 413 or closed past it, and a counter", function(t)
    local open, s = start(t, { "--max-message", "2000" })
    local alice = open("alice")
    alice:request("OPTIONS", { uri = "sip:example.test", body = ("x"):rep(3000) })
    alice:expect_closed()
    local answer = alice:receive("final", 10)
    t:ok(not answer or answer.status == 413)
    t:ok(s:number "oversized" + s:number "malformed_answered" >= 1)
end)

test("past --max-transactions a new request hears 503", function(t)
    local open, s = start(t, { "--max-transactions", "2" })
    local bob, alice = open("bob"), open("alice")
    bob:register { instance = one, reg_id = 1 }
    t:ok(ua.wait.until_true(ua.patience, function()
        return s:number "transactions" == 0
    end))
    for _ = 1, 4 do
        alice:invite(bob.aor)
    end
    alice:expect(503)
    t:ok(s:number "overloaded" >= 1)
end)

test("a peer that never reads is cut off, others are served", function(t)
    local open, s = start(t)
    local deaf, bob, alice = open("deaf"), open("bob"), open("alice")
    bob:register { instance = one, reg_id = 1 }
    deaf.socket:read_stop()
    local request = deaf:request("OPTIONS", { uri = "sip:example.test", contact = false, send = false,
        headers = { { "X-Fill", ("x"):rep(3000) } } }).text
    for index = 1, 3000 do
        deaf:send_raw((request:gsub("z9hG4bK", "z9hG4bK" .. index)))
        if index % 100 == 0 then
            ua.wait.pause(1)
        end
    end
    alice:call(bob)
    t:ok(s:alive())
    deaf:close()
    alice:call(bob)
end)

test("5626-5.4.c 5626-6.j a silent flow is pinged after Flow-Timer, given up when no pong comes, and its calls move",
    function(t)
    local open, s = start(t, { "--flow-timer", "1" })
    local silent, lively = open("bob"), open("bob")
    local answer = silent:register { instance = one, reg_id = 1, q = "1.0" }
    t:equal(answer:get "Flow-Timer", "1")
    lively:register { instance = one, reg_id = 2, q = "0.5" }
    -- Ten seconds above Flow-Timer before the ping, ten more for the pong.
    ua.wait.until_true(2 * ua.patience, function()
        lively:ping()
        ua.wait.pause(200)
        return silent.closed_by_peer
    end)
    t:ok(silent.closed_by_peer, "never given up")
    t:ok(silent.pongs >= 2, "no CRLFCRLF came first")
    t:equal(s:number "keepalive_lost", 1)
    local alice = open("alice")
    t:equal(#alice:bindings(lively.aor), 1)
    alice:call(lively)
end)

test("--status: JSON that counts flows, bindings, transactions and decisions by code and action", function(t)
    local open, s = start(t)
    local first, second, alice = open("bob"), open("bob"), open("alice")
    first:register { instance = one, reg_id = 1, q = "1.0" }
    second:register { instance = one, reg_id = 2, q = "0.5" }
    t:equal(s:number "bindings", 2)
    t:equal(s:number "flows", 2)
    t:equal(s:number "connections", 3)
    local call = alice:invite(first.aor)
    first:reply(first:expect "INVITE", 430)
    second:reply(second:expect "INVITE", 486)
    alice:expect_final(call, 486)
    local json = s:status_text()
    t:match(json, '"430":{[^}]*"next_flow":1')
    t:match(json, '"486":{')
    t:equal(s:number "bindings", 1)
    first:close()
    second:close()
    t:ok(ua.wait.until_true(ua.patience, function()
        return s:number "bindings" == 0
    end))
end)

test("--log-decisions: one line of JSON a decision, with rule and reason", function(t)
    local open, s = start(t, { "--log-decisions" })
    local bob, alice = open("bob"), open("alice")
    bob:register { instance = one, reg_id = 1 }
    local call = alice:invite(bob.aor)
    bob:reply(bob:expect "INVITE", 486)
    alice:expect_final(call, 486)
    local line = ua.wait.until_true(ua.patience, function()
        return (s.out .. s.err):match "{[^\n]*\"code\":486[^\n]*}"
    end)
    t:ok(line, s.out .. s.err)
    for _, member in ipairs { '"ms":%d', '"call":"', '"action":"', '"rule":"', '"why":"' } do
        t:match(line, member)
    end
end)

test("more connections than descriptors are reported at start", function(t)
    local s = server.start(t, { args = { "--max-connections", "1000000" } })
    local file <close> = assert(io.open(("/proc/%d/limits"):format(s.pid)))
    local soft, hard = file:read("a"):match "Max open files%s+(%d+)%s+(%d+)"
    if not soft or tonumber(hard) >= 1000256 then
        t:skip "a process may have them all here"
    end
    t:equal(soft, hard)
    s:expect_log("warning: " .. soft .. " descriptors are allowed, but 1000256 are needed for " ..
        "%-%-max%-connections 1000000")
end)

tap.done()
