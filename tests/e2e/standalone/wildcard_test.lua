-- SPDX-License-Identifier: BSD-2-Clause
-- Listeners on a wildcard address: what is written and what is sent has the address that is in use. 127.0.0.2 and
-- 127.0.0.3 stand for a machine with several addresses.
local certificates = require "certificates"
local server = require "server"
local tap = require "tap"
local ua = require "ua"
local uv = require "luv"
local wait = require "wait"
local read = require("file").read

local test = tap.test
local one, two = ua.instance(1), ua.instance(2)

local bracketed = ua.bracketed

-- A server that listens by every transport on both wildcard addresses. options: source, script, args, state, port.
local function start(t, options)
    options = options or {}
    local ports = options.ports or { tls = server.free_port(), ws = server.free_port(), wss = server.free_port() }
    local files = certificates.new(t):sign "default"
    local args = { "--tls-cert", files.certificate, "--tls-key", files.key }
    for transport, port in pairs(ports) do
        for _, host in ipairs { "0.0.0.0", "[::]" } do
            args[#args + 1] = "--listen"
            args[#args + 1] = ("%s:%s:%d"):format(transport, host, port)
        end
    end
    for _, argument in ipairs(options.args or {}) do
        args[#args + 1] = argument
    end
    local s = server.start(t, { domain = false, script = options.script, source = options.source, args = args,
        state = options.state, port = options.port, status = true,
        listen = { "udp:0.0.0.0:%d", "tcp:0.0.0.0:%d", "udp:[::]:%d", "tcp:[::]:%d" } })
    ports.udp, ports.tcp = s.port, s.port
    s.ports = ports
    return s
end

-- A phone that reaches the server by this address. Nothing that it is sent names a wildcard address, and datagrams come
-- from the address that it sends to.
local function open(t, s, user, transport, host, local_host)
    return ua.open { port = s.ports[transport], host = host, user = user, domain = bracketed(host),
        transport = transport, local_host = local_host, trace = function(flow, direction, message)
            if direction == "in" then
                local text = tostring(message.text)
                t:ok(not text:find("0.0.0.0", 1, true) and not text:find("[::]", 1, true), text)
            end
            return flow
        end }
end

local function same_source(t, phone, message)
    if phone.transport == "udp" then
        t:equal(message.source.ip, phone.host)
        t:equal(message.source.port, phone.port)
    end
end

-- A call from alice to bob, with requests within the dialog to both; each side sees the address that it uses.
local function call_both_ways(t, alice, bob)
    local call = alice:invite(bob.aor)
    local invite = bob:expect "INVITE"
    same_source(t, bob, invite)
    local own = bracketed(bob.host) .. ":" .. bob.port
    t:ok(invite:get "Via":find(" " .. own .. ";", 1, true), invite:get "Via")
    t:ok(invite:values "Record-Route"[1]:find("@" .. own, 1, true), invite:values "Record-Route"[1])
    bob:reply(invite, 180)
    same_source(t, alice, alice:expect(180))
    bob:reply(invite, 200)
    local answer = alice:expect_final(call, 200)
    same_source(t, alice, answer)
    local routes = answer:values "Record-Route"
    t:ok(routes[#routes]:find("@" .. bracketed(alice.host) .. ":" .. alice.port, 1, true), routes[#routes])
    alice:within("ACK", call, answer)
    bob:expect "ACK"
    local info = bob:within_called("INFO", invite)
    alice:reply(alice:expect "INFO", 200)
    same_source(t, bob, bob:expect_final(info, 200))
    local bye = alice:within("BYE", call, answer)
    bob:reply(bob:expect "BYE", 200)
    alice:expect_final(bye, 200)
end

local places = { { "127.0.0.1" }, { "127.0.0.3", "127.0.0.2" }, { "::1" } }

for _, transport in ipairs { "udp", "tcp", "tls", "ws", "wss" } do
    for _, place in ipairs(places) do
        test(("a call both ways by %s over %s"):format(place[1], transport), function(t)
            local s = start(t)
            local alice = open(t, s, "alice", transport, place[1], place[2])
            local bob = open(t, s, "bob", transport, place[1], place[2])
            alice:register { instance = two, reg_id = 1 }
            bob:register { instance = one, reg_id = 1 }
            call_both_ways(t, alice, bob)
        end)
    end
end

test("5658-a each side of a call sees the address that it uses", function(t)
    local s = start(t)
    local sides = { { "udp", "127.0.0.1" }, { "udp", "127.0.0.3", "127.0.0.2" }, { "tcp", "127.0.0.4" },
        { "udp", "::1" }, { "ws", "::1" } }
    for i = 2, #sides do
        local alice = open(t, s, "alice", table.unpack(sides[i - 1]))
        local bob = open(t, s, "bob", table.unpack(sides[i]))
        alice:register { instance = two, reg_id = 1 }
        bob:register { instance = one, reg_id = 1 }
        call_both_ways(t, alice, bob)
    end
end)

test("5658-a a phone with a plain Contact is called from the address to which it registered", function(t)
    local s = start(t)
    for _, place in ipairs(places) do
        local bob = open(t, s, "bob", "udp", place[1], place[2])
        local alice = open(t, s, "alice", "udp", "127.0.0.1")
        bob:register {}
        call_both_ways(t, alice, bob)
        bob:register { expires = 0 }
    end
end)

test("without --domain all addresses of the machine are served, and 0.0.0.0 is not", function(t)
    local s = start(t)
    local hosts = { "127.0.0.1", "127.0.0.9", "::1" }
    for _, addresses in pairs(uv.interface_addresses()) do
        for _, address in ipairs(addresses) do
            if not address.ip:find "^fe80" then
                hosts[#hosts + 1] = address.ip
            end
        end
    end
    local phone = ua.open { port = s.port, user = "bob" }
    for _, host in ipairs(hosts) do
        phone:register { aor = "sip:bob@" .. bracketed(host), call_id = "register-" .. host }
    end
    -- Who has registered may call elsewhere; a stranger may not.
    phone = ua.open { port = s.port, user = "mallory" }
    for _, host in ipairs { "0.0.0.0", "[::]", "192.0.2.77", "[2001:db8::77]" } do
        local answer = phone:register { aor = "sip:bob@" .. host, call_id = "register-" .. host, expect = false }
        t:ok(answer.status == 403 or answer.status == 404, host .. " " .. answer.status)
        local request = phone:request("OPTIONS", { uri = "sip:" .. host })
        phone:expect_final(request, 403)
    end
    for _, host in ipairs { "127.0.0.1", "127.0.0.200", "[::1]" } do
        phone:expect_final(phone:request("OPTIONS", { uri = ("sip:%s:%d"):format(host, s.port) }), 200)
    end
end)

test("a Route with any address of the machine is ours, one with a wildcard address is not", function(t)
    local s = start(t)
    local bob, alice = open(t, s, "bob", "udp", "127.0.0.1"), open(t, s, "alice", "udp", "127.0.0.1")
    bob:register { instance = one, reg_id = 1 }
    for _, host in ipairs { "127.0.0.1", "127.0.0.77", "[::1]" } do
        local call = alice:invite(bob.aor, { routes = { ("<sip:%s:%d;lr>"):format(host, s.port) } })
        bob:reply(bob:expect "INVITE", 486)
        alice:expect_final(call, 486)
    end
    for _, host in ipairs { "0.0.0.0", "[::]", "192.0.2.77" } do
        local routes = { ("<sip:%s:%d;lr>"):format(host, s.port) }
        alice:expect_final(alice:request("MESSAGE", { uri = bob.aor, routes = routes }), 403)
    end
    local routes = { ("<sip:127.0.0.1:%d;lr>"):format(server.free_port()) }
    alice:expect_final(alice:request("MESSAGE", { uri = bob.aor, routes = routes }), 403)
end)

test("5626-5.4.b STUN is answered from the address that was asked", function(t)
    local s = start(t)
    for _, host in ipairs { "127.0.0.1", "127.0.0.3", "::1" } do
        local socket, from, answer = uv.new_udp(), nil, nil
        assert(socket:bind(host:find ":" and "::1" or "127.0.0.2", 0))
        socket:recv_start(function(_, bytes, source)
            if bytes then
                answer, from = bytes, source
            end
        end)
        socket:send("\0\1\0\0\x21\x12\xa4\x42reflow-stun!", host, s.port)
        assert(wait.until_true(30000, function()
            return answer
        end), "no answer")
        t:equal(answer:sub(9, 20), "reflow-stun!")
        t:equal(from.ip, host)
        t:equal(from.port, s.port)
        socket:close()
    end
end)

test("5626-7.f a datagram flow by one of several addresses is found dead by ICMP", function(t)
    local s = start(t)
    for _, place in ipairs { { "127.0.0.3", "127.0.0.2" }, { "::1" } } do
        local bob = open(t, s, "bob", "udp", place[1], place[2])
        local alice = open(t, s, "alice", "udp", "127.0.0.1")
        bob:register { instance = one, reg_id = 1 }
        bob:close()
        local began = uv.hrtime()
        alice:invite(bob.aor)
        local answer = alice:expect("final", 60000)
        t:ok(answer.status == 480 or answer.status == 408, answer.status)
        -- Timer B is 32 s; nobody waits for it.
        t:ok(uv.hrtime() - began < 25e9)
    end
end)

test("5626-7.e a datagram flow leaves from its address also after a restart", function(t)
    local state = server.temporary ".db"
    t:defer(function()
        for _, suffix in ipairs { "", ".keys", "-wal", "-shm", ".policy" } do
            os.remove(state .. suffix)
        end
    end)
    local s = start(t, { state = state })
    local bob = open(t, s, "bob", "udp", "127.0.0.3", "127.0.0.2")
    bob:register { instance = one, reg_id = 1 }
    s:stop()
    local again = start(t, { state = state, port = s.port })
    local alice = open(t, again, "alice", "udp", "127.0.0.3", "127.0.0.2")
    call_both_ways(t, alice, bob)
end)

-- --- edges ---

-- Connections that the server opens have an address of their own, too.
test("an edge reaches its registrar over TCP, and is reached", function(t)
    local registrar = server.start(t, {})
    local script = "sip_on_request(function() return sip_forward 'sip:127.0.0.1:%d;transport=tcp' end)"
    local edge = start(t, { source = script:format(registrar.port) })
    local bob = open(t, edge, "bob", "udp", "127.0.0.3", "127.0.0.2")
    local alice = ua.open { port = registrar.port, user = "alice" }
    bob.domain, bob.aor = "example.test", "sip:bob@example.test"
    bob:register { instance = one, reg_id = 1 }
    alice:register {}
    local call = bob:invite(alice.aor)
    local invite = alice:expect "INVITE"
    local via = invite:all "Via"
    t:match(via[2] or via[1], "^SIP/2.0/TCP 127%.0%.0%.1:" .. edge.port .. ";")
    alice:reply(invite, 200)
    local answer = bob:expect_final(call, 200)
    bob:within("ACK", call, answer)
    alice:expect "ACK"
    local bye = alice:within_called("BYE", invite)
    bob:reply(bob:expect "BYE", 200)
    alice:expect_final(bye, 200)
    call = alice:invite(bob.aor)
    invite = bob:expect "INVITE"
    same_source(t, bob, invite)
    bob:reply(invite, 486)
    alice:expect_final(call, 486)
end)

for _, transport in ipairs { "udp", "tcp", "tls", "ws" } do
    for _, place in ipairs(places) do
        test(("5626-5.1.a an edge's Path leads back to it: %s by %s"):format(transport, place[1]), function(t)
            local registrar = server.start(t, {})
            local text = read "examples/edge.lua":gsub("127%.0%.0%.1:5060", "127.0.0.1:" .. registrar.port)
            local edge = start(t, { source = text })
            local bob = open(t, edge, "bob", transport, place[1], place[2])
            local alice = ua.open { port = registrar.port, user = "alice" }
            bob.domain, bob.aor = "example.test", "sip:bob@example.test"
            bob:register { instance = one, reg_id = 1 }
            alice:register {}
            -- To bob, and from him.
            local call = alice:invite(bob.aor)
            local invite = bob:expect "INVITE"
            same_source(t, bob, invite)
            bob:reply(invite, 200)
            local answer = alice:expect_final(call, 200)
            alice:within("ACK", call, answer)
            bob:expect "ACK"
            local bye = bob:within_called("BYE", invite)
            alice:reply(alice:expect "BYE", 200)
            bob:expect_final(bye, 200)
            call = bob:invite(alice.aor)
            invite = alice:expect "INVITE"
            t:ok(not invite:get "Record-Route":find("0.0.0.0", 1, true), invite:get "Record-Route")
            alice:reply(invite, 200)
            answer = bob:expect_final(call, 200)
            bob:within("ACK", call, answer)
            alice:expect "ACK"
            bye = alice:within_called("BYE", invite)
            bob:reply(bob:expect "BYE", 200)
            alice:expect_final(bye, 200)
        end)
    end
end

tap.done()
