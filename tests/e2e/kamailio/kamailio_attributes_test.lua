-- SPDX-License-Identifier: BSD-2-Clause
-- What the configuration keeps with a binding at a REGISTER (usrloc's xavp_contact), and the User-Agent: each branch
-- has those of its own binding, as with lookup().
local kamailio = require "kamailio"
local peer = require "peer"
local server = require "server"
local tap = require "tap"
local ua = require "ua"
local ways = require "kamailio_ways"

local test = tap.test
local one, two = ua.instance(1), ua.instance(2)

-- The branch route writes into each branch what it sees of its binding.
local attributes = [[
route[SAVE] {
    if (is_present_hf("X-Color")) $xavp(attrs=>color) = $hdr(X-Color);
    if (is_present_hf("X-Floor")) $xavp(attrs[0]=>floor) = $hdr(X-Floor);
}
route[BRANCH] {
    append_hf("X-Branch: $T_branch_idx $xavp(attrs[$T_branch_idx]=>color) $xavp(attrs[$T_branch_idx]=>floor)\r\n");
}
]]

local function start(t, options)
    options = options or {}
    local params = { { "usrloc", "xavp_contact", "attrs" } }
    for _, each in ipairs(options.params or {}) do
        params[#params + 1] = each
    end
    return ways.start(t, { params = params, extra = attributes, memory = options.memory })
end

local function colored(color, more)
    local headers = { { "X-Color", color } }
    for _, each in ipairs(more or {}) do
        headers[#headers + 1] = each
    end
    return headers
end

local refuse = ua.refuse

local for_each_way = ways.for_each

local function color_of(request)
    return (request:get "X-Branch"):match "^%d+ (%S+)"
end

for_each_way("the attributes of a single binding", function(t, way)
    local _, open = start(t)
    local bob, alice = open "bob", open("alice", "udp")
    ways.register(way, bob, { headers = colored("red", { { "X-Floor", "3" } }) })
    local call = alice:invite(bob.aor, { headers = ways.headers(way) })
    t:equal(refuse(bob, 486):get "X-Branch", "0 red 3")
    alice:expect_final(call, 486)
end)

for_each_way("each branch has the attributes of its own binding", function(t, way)
    local _, open = start(t)
    local desk, plain, cell, alice = open("bob", "udp"), open("bob", "udp"), open "bob", open("alice", "udp")
    ways.register(way, desk, { headers = colored "red" })
    ways.register(way, plain)
    ways.register(way, cell, { headers = colored "blue" })
    local call = alice:invite(desk.aor, { headers = ways.headers(way) })
    local first, second, third = desk:expect "INVITE", plain:expect "INVITE", cell:expect "INVITE"
    t:equal(color_of(first), "red")
    t:equal(color_of(second), "<null>")
    t:equal(color_of(third), "blue")
    desk:reply(first, 486)
    plain:reply(second, 486)
    cell:reply(third, 486)
    alice:expect_final(call, 486)
end)

-- usrloc of 5.6 drops the attributes of a binding when a REGISTER sets none; that of 6.0 keeps them.
local without_attributes <const> = kamailio.version() < 600 and "<null>" or "green"

for_each_way("a REGISTER changes the attributes, and one without them does what usrloc does then", function(t, way)
    local _, open = start(t)
    local bob, alice = open "bob", open("alice", "udp")
    for _, color in ipairs { "red", "blue", "green" } do
        ways.register(way, bob, { headers = colored(color) })
        local call = alice:invite(bob.aor, { headers = ways.headers(way) })
        t:equal(color_of(refuse(bob, 486)), color)
        alice:expect_final(call, 486)
    end
    ways.register(way, bob)
    local call = alice:invite(bob.aor, { headers = ways.headers(way) })
    t:equal(color_of(refuse(bob, 486)), without_attributes)
    alice:expect_final(call, 486)
end)

for_each_way("phones with a long User-Agent ring", function(t, way)
    local _, open = start(t)
    local desk, cell, alice = open "bob", open("bob", "udp"), open("alice", "udp")
    for _, phone in ipairs { desk, cell } do
        ways.register(way, phone, { headers = { { "User-Agent", ("phone/1.0 "):rep(way == "stock" and 20 or 60) } } })
    end
    local call = alice:invite(desk.aor, { headers = ways.headers(way) })
    local first, second = desk:expect "INVITE", cell:expect "INVITE"
    desk:reply(first, 486)
    cell:reply(second, 486)
    alice:expect_final(call, 486)
end)

test("5626-7.b the flow that replaces another has the attributes of its own binding", function(t)
    local host, open = start(t)
    local first, second, alice = open "bob", open "bob", open("alice", "udp")
    first:register { instance = one, reg_id = 1, q = "0.9", headers = colored "red" }
    second:register { instance = one, reg_id = 2, q = "0.5", headers = colored "blue" }
    local call = alice:invite(first.aor)
    t:equal(refuse(first, 430):get "X-Branch", "0 red <null>")
    t:equal(refuse(second, 486):get "X-Branch", "1 blue <null>")
    alice:expect_final(call, 486)
    t:equal(#host:log_lines "ERROR", 0)
end)

test("the targets of the next class have theirs", function(t)
    local _, open = start(t)
    local desk, cell, alice = open "bob", open "bob", open("alice", "udp")
    desk:register { instance = one, reg_id = 1, q = "0.9", headers = colored "red" }
    cell:register { instance = two, reg_id = 1, q = "0.5", headers = colored "blue" }
    local call = alice:invite(desk.aor)
    t:equal(color_of(refuse(desk, 486)), "red")
    t:equal(color_of(refuse(cell, 486)), "blue")
    alice:expect_final(call, 486)
end)

test("3261-10.a a binding whose connection is gone keeps its attributes and its parameters", function(t)
    local host, open = start(t)
    local bob, alice = open "bob", open("alice", "udp")
    local phone = peer.open(t, server.free_port(), function(request)
        return request.method == "INVITE" and peer.answer(request, 486) or nil
    end)
    bob:register { contact_uri = ("sip:bob@127.0.0.1:%d;transport=tcp"):format(phone.port), parameters = ";x=y",
        headers = colored "red" }
    bob:close()
    host:wait_for_log "the binding is kept and called by its Contact"
    local call = alice:invite(bob.aor)
    t:equal(color_of(phone:expect(1)), "red")
    alice:expect_final(call, 486)
    t:match(alice:bindings(bob.aor)[1], "x=y")
end)

test("refreshed bindings with attributes do not add up in the memory of their source", function(t)
    local _, open = start(t, { memory = 16, params = { { "reflow", "max_binding_memory_per_source", 1 } } })
    local bob = open("bob", "udp", { local_host = "127.0.0.2" })
    for _ = 1, 250 do
        bob:register { instance = one, reg_id = 1, headers = colored "red" }
    end
    t:equal(#bob:bindings(bob.aor), 1)
end)

tap.done()
