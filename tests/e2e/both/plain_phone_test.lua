-- SPDX-License-Identifier: BSD-2-Clause
-- Phones without reg-id (3261-10.a): a second loopback address plays the NAT, and the Contact gives an
-- address behind it, where nobody answers.
local tap = require "tap"
local ua = require "ua"
local host = require "host"
local server = require "server"

local test = host.test
local nat = "127.0.0.2"

local function only(transport)
    return { transports = { transport } }
end

-- A phone behind the NAT, whose Contact is what the phone knows of itself.
local function open_phone(open, s, user, more)
    local phone = open(user, { local_host = nat })
    phone.contact_uri = ("sip:%s@192.168.1.10:5066%s"):format(user, s.transport == "udp" and "" or ";transport=tcp")
    phone:register(more or {})
    return phone
end

local kinds = { { "without instance-id", {} }, { "with an instance-id", { instance = ua.instance(1) } } }

for _, kind in ipairs(kinds) do
    local name, more = kind[1], kind[2]
    test("3261-10.a a phone behind NAT " .. name .. " is called over the flow on which it registered",
        function(t, open, s)
        local bob, alice = open_phone(open, s, "bob", more), open_phone(open, s, "alice", { instance = ua.instance(2) })
        t:match(alice:bindings(bob.aor)[1], "^<sip:bob@192%.168%.1%.10:5066")
        alice:call(bob)
        bob:call(alice)
    end)
end

-- A phone over TCP whose Contact leads to another socket of its own, and that socket.
local function open_pair(open, more)
    local port = server.free_port()
    local over_connection = open "bob"
    over_connection.contact_uri = ("sip:bob@127.0.0.1:%d"):format(port)
    over_connection:register { instance = more.instance }
    return over_connection, open("bob", { transport = "udp", local_port = port })
end

local function loses_connection(s, phone)
    phone:close()
    if s.kind == "kamailio" then
        ua.wait.until_true(ua.patience, function()
            return s:statistic "reflow:flows_down" == 1
        end)
    end
end

for _, kind in ipairs(kinds) do
    local name, more = kind[1], kind[2]
    test("3261-10.a the connection of a phone " .. name .. " is gone: its Contact is called", only "tcp",
        function(t, open, s)
        local bob, by_contact = open_pair(open, more)
        local alice = open "alice"
        loses_connection(s, bob)
        t:equal(#alice:bindings(bob.aor), 1)
        alice:call(by_contact)
    end)

    test("3261-10.a the connection of a phone " .. name .. " closes on INVITE: its Contact is called", only "tcp",
        function(t, open)
        local bob, by_contact = open_pair(open, more)
        local alice = open "alice"
        local call = alice:invite(bob.aor)
        bob:expect "INVITE"
        bob:close()
        by_contact:reply(by_contact:expect "INVITE", 200)
        alice:expect_final(call, 200)
        by_contact:expect "ACK"
        t:equal(#alice:bindings(bob.aor), 1)
    end)
end

test("3261-10.a the connection closes on INVITE, and nobody answers at the Contact: 408", {
    transports = { "tcp" }, answer_timeout = 1280 }, function(t, open)
    local bob, by_contact = open_pair(open, {})
    local alice = open "alice"
    local call = alice:invite(bob.aor)
    bob:expect "INVITE"
    bob:close()
    by_contact:expect "INVITE"
    t:equal(alice:expect_final(call).status, 408)
end)

test("5626-7.f a phone with reg-id is not called by its Contact when its connection is gone", only "tcp",
    function(_, open, s)
    local port = server.free_port()
    local bob, by_contact, alice = open "bob", open("bob", { transport = "udp", local_port = port }), open "alice"
    bob.contact_uri = ("sip:bob@127.0.0.1:%d"):format(port)
    bob:register { instance = ua.instance(1), reg_id = 1 }
    loses_connection(s, bob)
    alice:expect_final(alice:invite(bob.aor), 480)
    alice:expect_bindings(bob.aor, 0)
    by_contact:expect_none("INVITE", 100)
end)

for _, each in ipairs { { "a name that ends in .invalid", "sip:bob@a1b2.invalid;transport=ws" },
    { "where nobody listens", "sip:bob@127.0.0.1:9;transport=tcp" } } do
    local name, contact = each[1], each[2]
    test("3261-10.a the connection is gone, and the Contact is " .. name .. ": 480", only "tcp", function(_, open)
        local bob, alice = open "bob", open "alice"
        bob.contact_uri = contact
        bob:register()
        bob:close()
        alice:expect_final(alice:invite(bob.aor), 480)
    end)

    test("3261-10.a the connection closes on INVITE, and the Contact is " .. name .. ": 480", only "tcp",
        function(_, open)
        local bob, alice = open "bob", open "alice"
        bob.contact_uri = contact
        bob:register()
        local call = alice:invite(bob.aor)
        bob:expect "INVITE"
        bob:close()
        alice:expect_final(call, 480)
    end)
end

tap.done()
