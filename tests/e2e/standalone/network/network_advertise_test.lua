-- SPDX-License-Identifier: BSD-2-Clause
-- A server behind a 1:1 NAT, as in a cloud. `desk` is the server. `home` is the NAT, which gives all that its public
-- address receives to `desk`, with the ports as they are. `cell` is a phone in the network of the server, the others
-- are outside.
local dialog = require "dialog"
local lab = require "lab"
local tap = require "tap"
local temporary = require "temporary"

local function translate_one_to_one(net)
    net.home:nft(([[
table ip nat {}
delete table ip nat
table ip nat {
    chain pre { type nat hook prerouting priority dstnat; iifname "eth0" dnat to %s; }
    chain post { type nat hook postrouting priority srcnat; oifname "eth0" snat to %s; }
}
delete table inet wall
]]):format(net.desk.address, net.home.address))
end

-- What outside peers get must not name the private address, and what inside peers get not the public one.
local function open(t, net, on, user, transport)
    local inside = on == net.cell
    local own, other = net.desk.address, net.home.address
    if not inside then
        own, other = other, own
    end
    return on:open { user = user, transport = transport, host = own, trace = function(_, direction, received)
        if direction == "in" and received.method then
            t:ok(received:get "Via":find(" " .. own .. ":5060;", 1, true), received:get "Via")
            local first = received:values "Record-Route"[1]
            t:ok(not first or first:find("@" .. own .. ":5060", 1, true), first)
            t:ok(not (received:get "Via":find(other, 1, true)), "the other form of the address")
        end
    end }
end

local function serve(net, state)
    local args = { "--local-net", net.desk.plan.net4 .. ".0/24", "--local-net", net.cell.plan.net4 .. ".0/24" }
    for _, transport in ipairs { "udp", "tcp" } do
        args[#args + 1] = "--advertise"
        args[#args + 1] = ("%s:%s:5060=%s"):format(transport, net.desk.address, net.home.address)
    end
    return net:serve { on = net.desk, addresses = { net.desk.address }, state = state, args = args }
end

local function talk(alice, bob)
    local call = dialog.call(alice, bob, { body = dialog.offer, answer = { body = dialog.offer } })
    for _, one in ipairs { alice, bob } do
        call:ask(one, "INVITE", { body = dialog.offer, answer = { body = dialog.offer } })
    end
    return call
end

local pairs_of_hosts <const> = { { "public", "remote" }, { "cell", "remote" }, { "public", "cell" } }

for _, transport in ipairs { "udp", "tcp" } do
    for _, names in ipairs(pairs_of_hosts) do
        lab.test(("a server behind a 1:1 NAT: %s and %s call each other [%s]"):format(names[1], names[2], transport),
            function(t, net)
                translate_one_to_one(net)
                serve(net)
                local alice = open(t, net, net[names[1]], "alice", transport)
                local bob = open(t, net, net[names[2]], "bob", transport)
                alice:register { supported = false }
                bob:register { supported = false }
                talk(alice, bob):ask(alice, "BYE")
                talk(bob, alice):ask(alice, "BYE")
            end)
    end
end

lab.test("5626-5.2.b a server behind a 1:1 NAT restarts, and calls go on", function(t, net)
    local state = temporary.path ".db"
    t:defer(function()
        for _, suffix in ipairs { "", ".keys", ".policy", "-wal", "-shm" } do
            os.remove(state .. suffix)
        end
    end)
    translate_one_to_one(net)
    local s = serve(net, state)
    local alice, bob = open(t, net, net.cell, "alice", "udp"), open(t, net, net.remote, "bob", "udp")
    alice:register { instance = "urn:uuid:1", reg_id = 1 }
    bob:register { instance = "urn:uuid:2", reg_id = 1 }
    local call = talk(alice, bob)
    s:stop()
    serve(net, state)
    for _, one in ipairs { alice, bob } do
        call:ask(one, "INFO")
        call:ask(one, "INVITE", { body = dialog.offer, answer = { body = dialog.offer } })
    end
    call:ask(bob, "BYE")
    -- The bindings lead to the same flows.
    talk(bob, alice):ask(alice, "BYE")
end)


tap.done()
