-- SPDX-License-Identifier: BSD-2-Clause
-- Phones without outbound behind a NAT that forgets them: --nat-ping, and the silence of a trunk on a real network.
local lab = require "lab"
local tap = require "tap"
local ua = require "ua"

local forgets_soon <const> = { udp_timeout = 4 }

local function serve(net, seconds)
    return net:serve { status = true, args = { "--nat-ping", tostring(seconds), "--verbose" } }
end

-- A phone that registers once and then says nothing of its own accord.
local function phone(host, options)
    local bob = host:open { user = "bob", transport = options and options.transport }
    bob:register { supported = false }
    bob:serve { OPTIONS = 404 }
    return bob
end

lab.test("a NAT that forgets after 4 s: the server keeps the phone's mapping alive, and the phone is called",
    forgets_soon, function(t, net)
        local s = serve(net, 2)
        local bob, alice = phone(net.remote), net.public:open { user = "alice" }
        t:ok(ua.wait.until_true(ua.patience, function()
            return s:number "nat_pings" >= 5
        end), "pings are sent")
        alice:call(bob)
        t:equal(s:number "nat_pings_lost", 0)
        t:equal(#alice:bindings(bob.aor), 1)
    end)

lab.test("a NAT that has forgotten the phone: it is unregistered, and the next caller hears 480 at once",
    function(t, net)
        local s = serve(net, 1)
        local bob, alice = phone(net.remote), net.public:open { user = "alice" }
        t:ok(ua.wait.until_true(ua.patience, function()
            return s:number "nat_pings" >= 1
        end), "a ping is sent")
        net.office:forget()
        s:expect_log "reason=nat%-ping bindings=1"
        t:equal(#alice:bindings(bob.aor), 0)
        alice:expect_final(alice:invite(bob.aor), 480, ua.at_once)
        bob:register { supported = false }
        alice:call(bob)
    end)

lab.test("a phone on TCP whose network is gone is unregistered, and its connection is closed", function(t, net)
    local s = serve(net, 1)
    local bob, alice = phone(net.remote, { transport = "tcp" }), net.public:open { user = "alice" }
    net.office:lose(100, 100)
    s:expect_log "reason=nat%-ping bindings=1"
    t:equal(#alice:bindings(bob.aor), 0)
    t:ok(ua.wait.until_true(ua.patience, function()
        return s:number "flows_down" == 1
    end), "the connection is closed")
    alice:expect_final(alice:invite(bob.aor), 480, ua.at_once)
end)

lab.test("3263-4.3.b a host that no packet reaches is tried last, and rings when it is back", function(t, net)
    local s = net:serve { status = true, args = { "--t1", "20" } }
    local first, second = net.trunk:open { user = "trunks" }, net.remote:open { user = "trunks" }
    local alice = net.public:open { user = "alice" }
    first:register { q = "1.0", supported = false }
    second:register { q = "0.5", supported = false }
    alice:call(first)
    net.trunk:lose(100, 100)
    local function second_takes()
        local call = alice:invite(first.aor)
        second:reply(second:expect "INVITE", 200)
        alice:expect_final(call, 200)
    end
    second_takes()
    t:equal(s:number "silent", 1)
    second_takes()
    t:equal(s:number "silences", 1)
    net.trunk:lose(0, 0)
    local call = alice:invite(first.aor)
    second:reply(second:expect "INVITE", 486)
    first:reply(first:expect "INVITE", 200)
    alice:expect_final(call, 200)
    t:equal(s:number "silent", 0)
end)

tap.done()
