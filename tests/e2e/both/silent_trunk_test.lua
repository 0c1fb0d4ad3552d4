-- SPDX-License-Identifier: BSD-2-Clause
-- A trunk that does not answer at all, in both hosts: with examples/policies/rest_trunk.lua, and without any policy.
local tap = require "tap"
local example = require "example"
local ua = require "ua"
local host = require "host"
local server = require "server"

local ports = { server.free_port(), server.free_port() }

local options = { answer_timeout = 1280, policy = example.read("examples/policies/rest_trunk.lua", {
    ["127.0.0.1:5092"] = "127.0.0.1:" .. ports[1], ["127.0.0.1:5093"] = "127.0.0.1:" .. ports[2] }) }

local function trunks(t, s)
    return ua.trunks(t, s, ports)
end

host.test("3263-4.3.a a silent trunk rests, and the other one takes this call and the next", options,
    function(t, open, s)
        local first, second = trunks(t, s)
        local alice = open "alice"
        alice:register {}
        local number = "sip:+15550100@" .. s.domain
        local call = alice:invite(number)
        first:expect "INVITE"
        second:reply(second:expect "INVITE", 200)
        alice:expect_final(call, 200)
        call = alice:invite(number)
        second:reply(second:expect "INVITE", 200)
        alice:expect_final(call, 200)
        local call_id = call:get "Call-ID"
        t:ok(not first:receive(function(received)
            return received.method == "INVITE" and received:get "Call-ID" == call_id
        end, 0), "the silent trunk rests")
    end)

host.test("3263-4.3.a a trunk that has sent 408 has answered: the caller hears it", options, function(t, open, s)
    local first = trunks(t, s)
    local alice = open "alice"
    alice:register {}
    local call = alice:invite("sip:+15550100@" .. s.domain)
    first:reply(first:expect "INVITE", 408)
    alice:expect_final(call, 408)
end)

-- --- without a policy: it is tried last ---

-- Two trunks registered under one AOR, the first with the higher q.
local function registered(open)
    local first, second = open "trunks", open "trunks"
    first:register { q = "1.0" }
    second:register { q = "0.5" }
    return first, second
end

local function silent_ones(s)
    if s.kind == "standalone" then
        return s:number "silent"
    end
    return select(2, assert(s:rpc "reflow.rests"):gsub("kind: silent", ""))
end

local function takes_call(alice, trunk, aor)
    local call = alice:invite(aor)
    trunk:reply(trunk:expect "INVITE", 200)
    alice:expect_final(call, 200)
    return call:get "Call-ID"
end

-- The second trunk takes a call, after the first one has been silent.
local function second_takes_it(open)
    local first, second = registered(open)
    local alice = open "alice"
    local call = alice:invite(second.aor)
    first:expect "INVITE"
    second:reply(second:expect "INVITE", 200)
    alice:expect_final(call, 200)
    return alice, first, second
end

host.test("3263-4.3.b the next call goes to the other trunk at once, and the silent one is tried last",
    { answer_timeout = 1280 }, function(t, open, s)
        local alice, first, second = second_takes_it(open)
        t:equal(silent_ones(s), 1)
        takes_call(alice, second, second.aor)
        first:expect_none("INVITE", 0)
        local call = alice:invite(second.aor)
        second:reply(second:expect "INVITE", 486)
        first:reply(first:expect "INVITE", 200)
        alice:expect_final(call, 200)
        t:equal(silent_ones(s), 0)
        takes_call(alice, first, second.aor)
    end)

host.test("3263-4.3.b a single target rings although it was silent", { answer_timeout = 1280 }, function(t, open, s)
    local bob, alice = open "bob", open "alice"
    bob:register {}
    local call = alice:invite(bob.aor)
    bob:expect "INVITE"
    alice:expect_final(call, 408)
    t:equal(silent_ones(s), 1)
    takes_call(alice, bob, bob.aor)
    t:equal(silent_ones(s), 0)
end)

host.test("3263-4.3.b a trunk that rang is not silent", { answer_timeout = 1280, timer_c = 2000 },
    function(t, open, s)
        local first, second = registered(open)
        local alice = open "alice"
        local call = alice:invite(second.aor)
        first:reply(first:expect "INVITE", 180)
        second:reply(second:expect "INVITE", 200)
        alice:expect_final(call, 200)
        t:equal(silent_ones(s), 0)
        takes_call(alice, first, second.aor)
    end)

host.test("3263-4.3.b switched off, the next call waits for the silent trunk again",
    { answer_timeout = 1280, rest_silent = 0 }, function(t, open, s)
        local alice, first, second = second_takes_it(open)
        t:equal(silent_ones(s), 0)
        local call = alice:invite(second.aor)
        first:reply(first:expect "INVITE", 200)
        alice:expect_final(call, 200)
    end)

host.test("3263-4.3.b after its time the silent trunk is the first again", { answer_timeout = 1280, rest_silent = 2 },
    function(t, open, s)
        local alice, first, second = second_takes_it(open)
        t:ok(ua.wait.until_true(ua.patience, function()
            return silent_ones(s) == 0
        end), "the rest ends by itself")
        takes_call(alice, first, second.aor)
    end)

-- The caller uses TCP: on loopback the silent trunk would use up what a caller over UDP may cause at its own host.
-- Kamailio's own resolver does not read /etc/hosts.
local redirecting = { answer_timeout = 1280, transports = { "tcp" }, core = "use_dns_cache=no",
    policy = [[sip_on_request("INVITE", function() return sip_route{recurse = true} end)]] }

for _, name in ipairs { "127.0.0.1", "localhost" } do
    host.test("3263-4.3.b a redirection to two trunks tries the silent one last, at " .. name, redirecting,
        function(t, open, s)
            local first, second = trunks(t, s)
            local alice, bob = open "alice", open "bob"
            bob:register {}
            local function redirected_call(...)
                local call, headers = alice:invite(bob.aor), {}
                for _, index in ipairs { ... } do
                    headers[#headers + 1] = { "Contact",
                        ("<sip:1@%s:%d>;q=0.%d"):format(name, ports[index], 10 - index) }
                end
                bob:reply(bob:expect "INVITE", 302, { headers = headers })
                return call
            end
            -- An address that has never answered would not get what the silent one leaves of the request's bytes.
            local call = redirected_call(2)
            second:reply(second:expect "INVITE", 200)
            alice:expect_final(call, 200)
            call = redirected_call(1, 2)
            first:expect "INVITE"
            second:reply(second:expect "INVITE", 200)
            alice:expect_final(call, 200)
            call = redirected_call(1, 2)
            second:reply(second:expect "INVITE", 200)
            alice:expect_final(call, 200)
            first:expect_none("INVITE", 0)
            t:ok(silent_ones(s) >= 1)
        end)
end

tap.done()
