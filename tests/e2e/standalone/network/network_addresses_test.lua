-- SPDX-License-Identifier: BSD-2-Clause
-- A server with several addresses, and phones behind NATs that registered at one or two of them.
local dialog = require "dialog"
local lab = require "lab"
local tap = require "tap"

-- A call in which both sides send requests, hung up by the callee.
local function whole_call(caller, callee)
    local call = dialog.call(caller, callee, { body = dialog.offer, answer = { body = dialog.offer } })
    call:ask(caller, "INFO")
    call:ask(callee, "INVITE", { body = dialog.offer, answer = { body = dialog.offer } })
    call:ask(callee, "BYE")
end

local function call_each_other(alice, bob)
    alice:register { supported = false }
    bob:register { supported = false }
    whole_call(alice, bob)
    whole_call(bob, alice)
end

-- A NAT lets in only what comes from where the phone registered.
local cases = {
    { "IPv4 and IPv6", function(net) return net.server.address, net.server.address6 end },
    { "IPv6", function(net) return net.server.address6, net.server.address6 end },
    { "two IPv4 addresses", function(net) return table.unpack(net.server.addresses) end },
    { "two IPv6 addresses", function(net) return table.unpack(net.server.addresses6) end },
    { "the second IPv4 address alone", function(net) return net.server.addresses[2], net.server.addresses[2] end },
}

for _, case in ipairs(cases) do
    for _, transport in ipairs { "udp", "tcp" } do
        lab.test(("phones call each other through %s of the server [%s]"):format(case[1], transport),
            function(_, net)
                net:serve()
                local first, second = case[2](net)
                local function open(host, user, address)
                    return host:open { user = user, transport = transport, host = address,
                        ipv6 = address:find ":" ~= nil }
                end
                call_each_other(open(net.desk, "alice", first), open(net.remote, "bob", second))
            end)
    end
end

-- A trunk has no binding. What it gets comes from the address of the server that it calls.
for _, transport in ipairs { "udp", "tcp" } do
    lab.test(("5658-a phones without NAT and a trunk at different addresses of the server [%s]"):format(transport),
        function(t, net)
            net:serve()
            local addresses = net.server.addresses
            local alice = net.public:open { user = "alice", transport = transport, host = addresses[1] }
            local bob = net.remote:open { user = "bob", transport = transport, host = addresses[2] }
            call_each_other(alice, bob)
            local trunk = net.trunk:open { user = "trunk", transport = "udp", host = addresses[2] }
            for _, phone in ipairs { alice, bob } do
                local call = dialog.call(trunk, phone, { body = dialog.offer, answer = { body = dialog.offer } })
                t:equal(call:ask(phone, "INFO").source.ip, addresses[2])
                call:ask(trunk, "INFO")
                t:equal(call:ask(phone, "BYE").source.ip, addresses[2])
            end
        end)
end

tap.done()
