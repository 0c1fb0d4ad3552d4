-- SPDX-License-Identifier: BSD-2-Clause
-- Rules that need time, STUN or a destination that refuses, against both hosts.
local tap = require "tap"
local ua = require "ua"
local host = require "host"
local server = require "server"

local test = host.test
local one, two = ua.instance(1), ua.instance(2)

-- Kamailio hears of a connection that is refused only where it waits for it.
local refusing = { core = "tcp_async=no" }

-- A binding whose Path leads to a port where nobody listens: what is sent there fails.
local function register_behind_nothing(flow, more)
    local path = ("<sip:127.0.0.1:%d;transport=tcp;lr>"):format(server.free_port())
    local options = { via = { flow:via("z9hG4bKfar" .. flow.local_port), "SIP/2.0/TCP 192.0.2.7;branch=z9hG4bKnear" },
        headers = { { "Path", path } }, supported = "path" }
    for name, value in pairs(more or {}) do
        options[name] = value
    end
    flow:register(options)
end

test("3261-16.7.f nothing received: 408", { answer_timeout = 1280 }, function(_, open)
    local bob, alice = open("bob"), open("alice")
    bob:register { instance = one, reg_id = 1 }
    local call = alice:invite(bob.aor)
    bob:expect "INVITE"
    alice:expect_final(call, 408)
end)

test("5626-7.d nothing received over one flow: the other one is tried", { answer_timeout = 1280 }, function(_, open)
    local first, second, alice = open("bob"), open("bob"), open("alice")
    first:register { instance = one, reg_id = 1, q = "1.0" }
    second:register { instance = one, reg_id = 2, q = "0.5" }
    local call = alice:invite(first.aor)
    first:expect "INVITE"
    second:reply(second:expect "INVITE", 200)
    alice:expect_final(call, 200)
end)

test("4320-4.a nothing received: no 408 to a MESSAGE", { answer_timeout = 640 }, function(_, open)
    local bob, alice = open("bob"), open("alice")
    bob:register { instance = one, reg_id = 1 }
    alice:request("MESSAGE", { uri = bob.aor, contact = false })
    bob:expect "MESSAGE"
    alice:expect_none(408, 1500)
end)

test("3261-16.7.b each provisional above 100 gives the phone its time anew", {
    answer_timeout = 1280, timer_c = 1500,
}, function(t, open)
    local bob, alice = open("bob"), open("alice")
    bob:register { instance = one, reg_id = 1 }
    local call = alice:invite(bob.aor)
    local invite = bob:expect "INVITE"
    for _ = 1, 4 do
        bob:reply(invite, 180)
        bob:expect_none("CANCEL", 600)
    end
    local cancel = bob:expect "CANCEL"
    t:equal(cancel:branch(), invite:branch())
    bob:reply(cancel, 200)
    bob:reply(invite, 487)
    local answer = alice:expect_final(call)
    t:ok(answer.status == 408 or answer.status == 487, "status " .. answer.status)
end)

test("3261-16.9.a 3261-16.7.g a send that fails counts as 503: 500 goes up", refusing, function(_, open)
    local bob, alice = open("bob"), open("alice")
    register_behind_nothing(bob)
    alice:expect_final(alice:invite(bob.aor), 500)
end)

test("3261-16.9.a a send that fails leaves the other instance its chance", refusing, function(_, open)
    local desk, cell, alice = open("bob"), open("bob"), open("alice")
    register_behind_nothing(desk, { q = "1.0" })
    cell:register { instance = two, reg_id = 1, q = "0.5" }
    local call = alice:invite(desk.aor)
    cell:reply(cell:expect "INVITE", 200)
    alice:expect_final(call, 200)
end)

test("5626-5.4.c 5626-6.j Flow-Timer stands in the 2xx where outbound was applied, and only there",
    { flow_timer = 90 }, function(t, open)
    local bob = open("bob")
    t:equal(bob:register { instance = one, reg_id = 1 }:get "Flow-Timer", "90")
    t:equal(open("desk"):register { supported = false }:get "Flow-Timer", nil)
end)

-- RFC 8489: a binding request without attributes, and the mapped address of the success response.
local function binding_request(id)
    return string.pack(">I2I2I4c12", 0x0001, 0, 0x2112A442, id)
end

local function mapped_address(text)
    local kind, length = string.unpack(">I2I2", text)
    local at, stop = 21, 20 + length
    while kind == 0x0101 and at < stop do
        local attribute, size = string.unpack(">I2I2", text, at)
        if attribute == 0x0020 then
            local _, family, port, address = string.unpack(">BBI2I4", text, at + 4)
            return family, port ~ 0x2112, address ~ 0x2112A442
        end
        at = at + 4 + (size + 3) // 4 * 4
    end
end

test("5626-5.4.b 5626-6.j a STUN binding request on the SIP port is answered with the address it came from",
    { transports = { "udp" } }, function(t, open)
    local bob = open("bob")
    bob:register { instance = one, reg_id = 1 }
    bob:send_raw(binding_request "reflow-stun!")
    ua.wait.until_true(ua.patience, function()
        return #bob.odd > 0
    end)
    local answer = bob.odd[1]
    t:ok(answer, "no answer")
    t:equal(answer:sub(9, 20), "reflow-stun!")
    local family, port, address = mapped_address(answer)
    t:equal(family, 1)
    t:equal(port, bob.local_port)
    t:equal(address, 0x7f000001)
end)

tap.done()
