-- SPDX-License-Identifier: BSD-2-Clause
-- The recipes of module/script/README.md with real calls, in both hosts. More of them: silent_trunk_test.lua,
-- screening_test.lua.
local example = require "example"
local host = require "host"
local server = require "server"
local ua = require "ua"
local tap = require "tap"

local test = host.test
local one, two = ua.instance(1), ua.instance(2)

-- A server that registers nowhere: a trunk, a mailbox. Its port is chosen before the host starts.
local function elsewhere(t, s, user, port)
    local agent = ua.open { port = s.port, user = user, local_port = port }
    t:defer(function()
        agent:close()
    end)
    return agent
end

local function registered(open, user, more)
    local phone = open(user, more)
    phone:register { instance = more and more.instance or one, reg_id = 1, q = more and more.q }
    return phone
end

-- --- two trunks ---

local trunk_ports = { server.free_port(), server.free_port() }
local number = "sip:+15550100@example.test"

local trunks = { policy = example.read("examples/policies/rest_trunk.lua", {
    ["127.0.0.1:5092"] = "127.0.0.1:" .. trunk_ports[1], ["127.0.0.1:5093"] = "127.0.0.1:" .. trunk_ports[2] }) }

test("rest_trunk.lua: a trunk that sends 503 rests for its Retry-After, and the other one takes the calls", trunks,
    function(t, open, s)
        local first = elsewhere(t, s, "first", trunk_ports[1])
        local second = elsewhere(t, s, "second", trunk_ports[2])
        local alice = registered(open, "alice")
        local call = alice:invite(number)
        first:reply(first:expect "INVITE", 503, { headers = { { "Retry-After", "12" } } })
        second:reply(second:expect "INVITE", 200)
        alice:expect_final(call, 200)
        call = alice:invite(number)
        second:reply(second:expect "INVITE", 200)
        alice:expect_final(call, 200)
        t:ok(not first:receive("INVITE", 0), "the trunk rests")
        t:ok(ua.wait.until_true(ua.patience, function()
            call = alice:invite(number)
            local invite
            ua.wait.until_true(ua.patience, function()
                invite = first:receive("INVITE", 0) or second:receive("INVITE", 0)
                return invite
            end)
            invite.flow:reply(invite, 200)
            alice:expect_final(call, 200)
            return invite.flow == first or ua.wait.pause(200)
        end), "the trunk is tried again")
    end)

test("rest_trunk.lua: if both trunks send 503, the caller hears 500", trunks, function(t, open, s)
    local first, second = elsewhere(t, s, "first", trunk_ports[1]), elsewhere(t, s, "second", trunk_ports[2])
    local alice = registered(open, "alice")
    local call = alice:invite(number)
    first:reply(first:expect "INVITE", 503)
    second:reply(second:expect "INVITE", 503)
    alice:expect_final(call, 500)
end)

-- --- voicemail ---

local mailbox_port = server.free_port()
local mailbox_address = { ["127.0.0.1:5094"] = "127.0.0.1:" .. mailbox_port }
local voicemail = { policy = example.read("examples/policies/voicemail.lua", mailbox_address) }

test("voicemail.lua: busy goes to voicemail when no phone is left that rings", voicemail, function(t, open, s)
    local mailbox = elsewhere(t, s, "voicemail", mailbox_port)
    local desk, cell = registered(open, "bob"), registered(open, "bob", { instance = two })
    local alice = open "alice"
    local call = alice:invite(desk.aor)
    local ringing = cell:expect "INVITE"
    cell:reply(ringing, 180)
    desk:reply(desk:expect "INVITE", 486)
    alice:expect(180)
    cell:reply(ringing, 486)
    mailbox:reply(mailbox:expect "INVITE", 200)
    alice:expect_final(call, 200)
end)

test("voicemail.lua: not for a caller who declines it, and not after 600", voicemail, function(t, open, s)
    local mailbox = elsewhere(t, s, "voicemail", mailbox_port)
    local bob, alice = registered(open, "bob"), open "alice"
    local call = alice:invite(bob.aor, { headers = { { "X-No-Voicemail", "yes" } } })
    bob:reply(bob:expect "INVITE", 486)
    alice:expect_final(call, 486)
    call = alice:invite(bob.aor)
    bob:reply(bob:expect "INVITE", 600)
    alice:expect_final(call, 600)
    t:ok(not mailbox:receive("INVITE", 0), "no call for voicemail")
end)

-- Timer C must be the longer one: over TCP, tm looks at it only when its first timer has fired.
local impatient = { policy = voicemail.policy, answer_timeout = 6400, timer_c = 8000 }

test("voicemail.lua: a phone that rings until timer C ends goes to voicemail", impatient, function(t, open, s)
    local mailbox = elsewhere(t, s, "voicemail", mailbox_port)
    local bob, alice = registered(open, "bob"), open "alice"
    local call = alice:invite(bob.aor)
    local ringing = bob:expect "INVITE"
    bob:reply(ringing, 180)
    bob:reply(bob:expect "CANCEL", 200)
    bob:reply(ringing, 487)
    mailbox:reply(mailbox:expect "INVITE", 200)
    alice:expect_final(call, 200)
end)

-- --- one phone after the other ---

local in_turn = { policy = example.read("examples/policies/second_instance.lua",
    { ["next_after = 15"] = "next_after = 8" }) }

test("second_instance.lua: the second phone rings beside the first in time", in_turn, function(_, open)
    local desk = registered(open, "bob", { q = "1.0" })
    local cell = registered(open, "bob", { instance = two, q = "0.5" })
    local alice = open "alice"
    local call = alice:invite(desk.aor)
    local at_desk = desk:expect "INVITE"
    desk:reply(at_desk, 180)
    cell:expect_none("INVITE", 700)
    cell:reply(cell:expect "INVITE", 200)
    alice:expect_final(call, 200)
    desk:reply(desk:expect "CANCEL", 200)
    desk:reply(at_desk, 487)
end)

test("second_instance.lua: the next phone rings at once when the first one is busy",
    { policy = example.read "examples/policies/second_instance.lua" }, function(_, open)
        local desk = registered(open, "bob", { q = "1.0" })
        local cell = registered(open, "bob", { instance = two, q = "0.5" })
        local alice = open "alice"
        local call = alice:invite(desk.aor)
        desk:reply(desk:expect "INVITE", 486)
        cell:reply(cell:expect "INVITE", 200)
        alice:expect_final(call, 200)
    end)

-- --- tenants ---

local trunk_port = server.free_port()
local tenants = {
    names = { "blue.example", "red.example" },
    policy = example.read("examples/tenants/site.lua", { ["127.0.0.1:5092"] = "127.0.0.1:" .. trunk_port }),
    tenants = { ["blue.example"] = example.read "examples/tenants/blue.lua",
        ["red.example"] = example.read "examples/tenants/red.lua" },
    layers = { ["blocked:2000"] = example.read "examples/policies/block_prefixes.lua" },
}

test("tenants: each domain has its own policy, the site's comes after it, and a layer above 1000 before it", tenants,
    function(t, open, s)
        local trunk = elsewhere(t, s, "trunk", trunk_port)
        local blue, red = { domain = "blue.example" }, { domain = "red.example", instance = two }
        local bob = registered(open, "bob", blue)
        local attendant = registered(open, "attendant", { domain = "blue.example", instance = two })
        local rita, alice = registered(open, "rita", red), registered(open, "alice", blue)

        local call = alice:invite(bob.aor)
        bob:reply(bob:expect "INVITE", 486)
        attendant:reply(attendant:expect "INVITE", 200)
        alice:expect_final(call, 200)

        call = alice:invite(rita.aor)
        rita:reply(rita:expect "INVITE", 486)
        alice:expect_final(call, 486)

        t:equal(alice:expect_final(alice:invite "sip:+15550100@red.example", 403).phrase, "No Outside Calls")
        for _, uri in ipairs { "sip:+15550100@blue.example", "sip:112@red.example" } do
            call = alice:invite(uri)
            trunk:reply(trunk:expect "INVITE", 200)
            alice:expect_final(call, 200)
        end
        for _, domain in ipairs { "blue.example", "red.example" } do
            call = alice:invite("sip:+19005550100@" .. domain)
            t:equal(alice:expect_final(call, 403).phrase, "Number Blocked")
        end
    end)

-- --- blocked prefixes ---

test("block_prefixes.lua: a blocked number gets 403, in whatever form it is written",
    { policy = example.read "examples/policies/block_prefixes.lua" }, function(t, open)
        local user = registered(open, "+15550100")
        local premium = registered(open, "+19005550100", { instance = two })
        local alice = open "alice"
        for _, blocked in ipairs { "+19005550100", "%2B1-900-555-0100", "+1(900)555.0100;a=b" } do
            local call = alice:invite("sip:" .. blocked .. "@example.test")
            t:equal(alice:expect_final(call, 403).phrase, "Number Blocked")
        end
        alice:call(user)
        t:ok(not premium:receive("INVITE", 0), "nobody is called")
    end)

-- --- call rates ---

local few = { policy = example.read("examples/policies/limit_calls.lua",
    { ["most, seconds = 30, 60"] = "most, seconds = 2, 15" }) }

test("limit_calls.lua: one address gets 480 for the calls over its limit, until the earlier ones are old", few,
    function(t, open)
        local bob, alice, mallory = registered(open, "bob"), open "alice", open "mallory"
        local carol = open("carol", { transport = "udp", local_host = "127.0.0.2" })
        local function connects(flow)
            local call = flow:invite(bob.aor)
            bob:reply(bob:expect "INVITE", 486)
            flow:expect_final(call, 486)
            return call
        end
        local first = connects(alice)
        connects(alice)
        t:equal(mallory:expect_final(mallory:invite(bob.aor), 480).phrase, "Too Many Calls")
        t:ok(not bob:receive("INVITE", 0), "bob is not called")
        -- The Call-ID of an earlier call does not help; other addresses and calls for help do not count.
        local again = alice:invite(bob.aor, { call_id = first:get "Call-ID", cseq = 2 })
        alice:expect_final(again, 480)
        connects(carol)
        t:ok(alice:expect_final(alice:invite("sip:112@" .. bob.domain), 480).phrase ~= "Too Many Calls")
        t:ok(ua.wait.until_true(ua.patience, function()
            local call = mallory:invite(bob.aor)
            local invite
            ua.wait.until_true(ua.patience, function()
                invite = bob:receive("INVITE", 0)
                return invite or mallory:receive("final", 0)
            end)
            if invite then
                bob:reply(invite, 486)
                mallory:expect_final(call, 486)
            end
            return invite or ua.wait.pause(200)
        end), "earlier calls are forgotten")
    end)

-- --- the log ---

test("log_failed_flows.lua logs a call that meets a failed flow, and a flow that dies by itself",
    { policy = example.read "examples/policies/log_failed_flows.lua" }, function(t, open, s)
        local first, second, alice = open "bob", open "bob", open "alice"
        first:register { instance = one, reg_id = 1, q = "1.0" }
        second:register { instance = one, reg_id = 2, q = "0.5" }
        local call = alice:invite(first.aor)
        first:reply(first:expect "INVITE", 430)
        second:reply(second:expect "INVITE", 486)
        alice:expect_final(call, 486)
        local function is_logged(pattern)
            return ua.wait.until_true(ua.patience, function()
                return (s.err or s.log):find(pattern)
            end)
        end
        t:ok(is_logged "to sip:bob@example.test: flow .* %(reg%-id 1%) failed; next_flow, by rule 5626%-7.b")
        if s.transport == "tcp" then
            second:close()
            t:ok(is_logged "sip:bob@example.test lost flow .* %(reg%-id 2%): closed", s.log)
        end
    end)

tap.done()
