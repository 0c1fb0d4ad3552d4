-- SPDX-License-Identifier: BSD-2-Clause
-- Phones without outbound behind NATs: behind two of them, behind the same one, and without one.
local certificates = require "certificates"
local dialog = require "dialog"
local lab = require "lab"
local tap = require "tap"

local transports <const> = { "udp", "tcp", "tls" }

local function serve(t, net)
    local pair = certificates.new(t):sign("server", { names = "DNS:example.test" })
    return net:serve { transports = transports, status = true, args = { "--tls-cert", pair.certificate, "--tls-key",
        pair.key } }
end

-- A call in which both sides send requests, and `last` hangs up.
local function whole_call(caller, callee, last)
    local call = dialog.call(caller, callee, { body = dialog.offer, answer = { body = dialog.offer } })
    for _, one in ipairs { caller, callee } do
        call:ask(one, "INFO")
        call:ask(one, "INVITE", { body = dialog.offer, answer = { body = dialog.offer } })
    end
    call:ask(last, "BYE")
end

local function call_each_other(alice, bob)
    for _, pair in ipairs { { alice, bob }, { bob, alice } } do
        for _, last in ipairs(pair) do
            whole_call(pair[1], pair[2], last)
        end
    end
end

local function phones(hosts, transport, other_transport)
    local alice = hosts[1]:open { user = "alice", transport = transport }
    local bob = hosts[2]:open { user = "bob", transport = other_transport or transport }
    alice:register { supported = false }
    bob:register { supported = false }
    return alice, bob
end

for _, transport in ipairs(transports) do
    lab.test(("3261-10.a phones behind two NATs call each other [%s]"):format(transport), function(t, net)
        serve(t, net)
        call_each_other(phones({ net.desk, net.remote }, transport))
    end)

    lab.test(("3261-10.a phones behind one NAT call each other [%s]"):format(transport), function(t, net)
        serve(t, net)
        call_each_other(phones({ net.desk, net.cell }, transport))
    end)

    lab.test(("3261-10.a a phone behind a NAT and one without call each other [%s]"):format(transport),
        function(t, net)
            serve(t, net)
            call_each_other(phones({ net.public, net.remote }, transport))
        end)
end

lab.test("3261-10.a phones of different transports call each other through NATs", function(t, net)
    serve(t, net)
    for _, pair in ipairs { { "udp", "tls" }, { "tcp", "udp" } } do
        call_each_other(phones({ net.desk, net.remote }, pair[1], pair[2]))
    end
end)

lab.test("3261-10.a a NAT gives another port: the phone is called there as soon as it has registered again",
    function(t, net)
        serve(t, net)
        local alice, bob = phones({ net.public, net.remote }, "udp")
        local before = bob:bindings(bob.aor)
        net.office:change_ports()
        bob:register { supported = false }
        whole_call(alice, bob, alice)
        t:equal(#bob:bindings(bob.aor), #before, "bindings of bob")
    end)

tap.done()
