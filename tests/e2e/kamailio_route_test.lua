-- SPDX-License-Identifier: BSD-2-Clause
-- sip_route_flows() in Kamailio: which bindings of an AOR ring, and over what.
local host = require "host"
local kamailio = require "kamailio"
local server = require "server"
local tap = require "tap"
local ua = require "ua"

local test = tap.test
local one, two = ua.instance(1), ua.instance(2)

local function start(t, options)
    options = options or {}
    options.params = options.params or { { "usrloc", "use_domain", 1 } }
    local k = kamailio.start(t, options)
    return k, host.opener(k, options.transport or "tcp")
end

-- With a policy, as text.
local function start_with(t, policy, options)
    options = options or {}
    local path = server.temporary ".lua"
    server.write(path, policy)
    t:defer(function()
        os.remove(path)
    end)
    options.params = { { "usrloc", "use_domain", 1 }, { "reflow", "policy", path } }
    return start(t, options)
end

-- The called user agent answers; the caller gets it.
local function take(caller, call, callee)
    local invite = callee:expect "INVITE"
    callee:reply(invite, 200)
    caller:expect_final(call, 200)
    callee:expect "ACK"
    return invite
end

for _, transport in ipairs { "udp", "tcp" } do
    test("a call from end to end, and it is counted [" .. transport .. "]", function(t)
        local k, open = start(t, { transport = transport })
        local bob, alice = open "bob", open "alice"
        bob:register { instance = one, reg_id = 1 }
        alice:call(bob)
        t:equal(k:statistic "reflow:requests_routed", 1)
        t:equal(k:statistic "reflow:requests_unreachable", 0)
    end)
end

test("two instances ring at the same time", function(_)
    local _, open = start(_)
    local desk, phone, alice = open "bob", open "bob", open "alice"
    desk:register { instance = one, reg_id = 1 }
    phone:register { instance = two, reg_id = 1 }
    local call = alice:invite(desk.aor)
    desk:reply(desk:expect "INVITE", 180)
    phone:reply(phone:expect "INVITE", 180)
    alice:cancel(call)
    desk:expect "CANCEL"
    phone:expect "CANCEL"
end)

test("5626-7.a of an instance's two flows only one rings, the one registered last", function(t)
    local _, open = start(t)
    local first, second, alice = open "bob", open "bob", open "alice"
    first:register { instance = one, reg_id = 1 }
    ua.wait.pause(1100) -- usrloc counts whole seconds
    second:register { instance = one, reg_id = 2 }
    local call = alice:invite(first.aor)
    take(alice, call, second)
    first:expect_none("INVITE", 200)
end)

test("3261-16.5 a lower q class is no target while a higher one is tried", function(t)
    local _, open = start(t)
    local high, low, alice = open "bob", open "bob", open "alice"
    low:register { q = "0.3" }
    high:register { q = "0.8" }
    local call = alice:invite(high.aor)
    high:reply(high:expect "INVITE", 180)
    low:expect_none("INVITE", 200)
    alice:cancel(call)
    high:expect "CANCEL"
end)

test("5626-7.e a request goes over the flow of its binding, whatever Contact says", function(t)
    local _, open = start(t)
    for _, transport in ipairs { "tcp", "udp" } do
        local bob, alice = open("bob" .. transport, { transport = transport }), open "alice"
        local uri = "sip:bob@192.0.2.1:5999" .. (transport == "tcp" and ";transport=tcp" or "")
        bob:register { instance = one, reg_id = 1, contact_uri = uri }
        local invite = take(alice, alice:invite(bob.aor), bob)
        t:equal(invite.uri, uri)
    end
end)

test("3327 with Path the request goes to its first hop, and Route leads on", function(t)
    local _, open = start(t)
    local bob, edge, alice = open "bob", open("edge", { transport = "udp" }), open "alice"
    local path = ("<sip:token@127.0.0.1:%d;lr;ob>"):format(edge.local_port)
    bob:register { instance = one, reg_id = 1, headers = { { "Path", path } },
        contact_uri = "sip:bob@192.0.2.1:5999" }
    local call = alice:invite(bob.aor)
    local invite = edge:expect "INVITE"
    t:equal(invite.uri, "sip:bob@192.0.2.1:5999")
    t:equal(invite:get "Route", path)
    edge:reply(invite, 486)
    alice:expect_final(call, 486)
end)

test("nobody bound, or none that takes the method: what lookup() returns", function(t)
    local k, open = start(t, { extra = [[
route[CALL] {
    $var(result) = sip_route_flows("location");
    sl_send_reply("480", "Result $var(result)");
    exit;
}]] })
    local bob, alice = open "bob", open "alice"
    t:equal(alice:expect_final(alice:invite(bob.aor)).phrase, "Result -1")
    bob:register { parameters = ';methods="INVITE,ACK,BYE,CANCEL"' }
    t:equal(alice:expect_final(alice:request("MESSAGE", { uri = bob.aor })).phrase, "Result -2")
    t:equal(alice:expect_final(alice:invite(bob.aor)).phrase, "Result 1")
    t:equal(alice:expect_final(alice:invite("sip:" .. k.domain)).phrase, "Result -3")
end)

tap.done()
