-- SPDX-License-Identifier: BSD-2-Clause
-- Nobody is relayed who has no dialog here (3261-16.4.a). A victim listens on UDP and TCP and must hear nothing; and
-- real dialogs go on over each transport, in both directions, also after a restart.
local certificates = require "certificates"
local server = require "server"
local tap = require "tap"
local ua = require "ua"
local uv = require "luv"

local test = tap.test
local methods = { "INVITE", "ACK", "BYE", "UPDATE", "INFO", "PRACK", "NOTIFY", "REFER", "MESSAGE", "OPTIONS",
    "SUBSCRIBE", "PUBLISH" }
local in_dialog_only = { INVITE = true, BYE = true, UPDATE = true, INFO = true, PRACK = true }
local patience = { "--t1", "100" }

local function attack(name)
    local file <close> = assert(io.open("tests/data/attacks/" .. name, "rb"))
    return file:read "a"
end

local temporary = server.state_path

-- Somebody whom an attacker names: listens for datagrams and for connections on one port.
local function victim(t, address)
    local self, heard = {}, 0
    local datagrams, listener, port = uv.new_udp(), uv.new_tcp(), server.free_port()
    assert(datagrams:bind(address, port))
    datagrams:recv_start(function(_, bytes)
        heard = heard + (bytes and 1 or 0)
    end)
    assert(listener:bind(address, port))
    assert(listener:listen(16, function()
        heard = heard + 1
    end))
    t:defer(function()
        datagrams:close()
        listener:close()
    end)
    self.at = ("%s:%d"):format(address:find ":" and "[" .. address .. "]" or address, port)
    function self.has_heard_nothing()
        t:equal(heard, 0)
    end
    return self
end

local number = 0

-- Sends an attack and returns the status that the attacker hears; nil for an ACK.
local function try(attacker, text, fields)
    number = number + 1
    fields.N, fields.SOURCE, fields.TRANSPORT = number, attacker.sent_by, attacker.transport:upper()
    attacker:send_raw((text:gsub("@(%u+)@", function(name)
        return tostring(fields[name] or "@" .. name .. "@")
    end)))
    if fields.METHOD ~= "ACK" then
        local call = fields.CALL or "relay-" .. number
        return attacker:expect(function(received)
            return received.status and received.status >= 200 and received:get "Call-ID" == call
        end).status
    end
end

local function expected(method)
    return method ~= "ACK" and (in_dialog_only[method] and 481 or 403) or nil
end

-- What is sent after this has been received after all that came before.
local function flush(attacker)
    attacker:expect_final(attacker:request("OPTIONS", { uri = "sip:example.test", contact = false }), 200)
end

for _, kind in ipairs { { "udp", "127.0.0.1" }, { "tcp", "127.0.0.1" }, { "udp", "::1" }, { "tcp", "::1" } } do
    local transport, address = kind[1], kind[2]
    test(("3261-16.4.a a made-up tag and a Route that names us relay nothing [%s, %s]"):format(transport, address),
        function(t)
            local s = server.start(t, { args = patience, status = true,
                listen = address == "::1" and { "udp:[::1]:%d", "tcp:[::1]:%d" } or nil })
            local attacker = ua.open { port = s.port, host = address, transport = transport, user = "mallory" }
            local at = address == "::1" and ("[::1]:%d"):format(s.port) or ("127.0.0.1:%d"):format(s.port)
            local one = victim(t, address)
            for _, file in ipairs { "relay_made_up_tag.sip", "relay_route_beyond.sip" } do
                local text = attack(file)
                for _, method in ipairs(methods) do
                    for _, to in ipairs { one.at, one.at .. ";transport=tcp" } do
                        for _, route in ipairs { at, "example.test", "example.test:" .. s.port } do
                            local status = try(attacker, text, { METHOD = method, SERVER = route, VICTIM = to })
                            t:equal(status, expected(method), file .. " " .. method)
                        end
                    end
                end
            end
            flush(attacker)
            one.has_heard_nothing()
            t:equal(s:number "branches", 0)
        end)
end

-- Mallory has called bob, and has a Route of this call.
local function called(t, s, transport, phone)
    local bob = ua.open { port = s.port, transport = phone or "udp", user = "bob" }
    bob:register(phone and { instance = ua.instance(1), reg_id = 1 } or {})
    local mallory = ua.open { port = s.port, transport = transport, user = "mallory" }
    local call = mallory:invite(bob.aor)
    local invite = bob:expect "INVITE"
    bob:reply(invite, 200)
    local answer = mallory:expect_final(call, 200)
    bob:expect "ACK"
    local values = answer:values "Record-Route"
    local reversed = {}
    for index = #values, 1, -1 do
        reversed[#reversed + 1] = values[index]
    end
    t:ok(#values > 0)
    return mallory, bob, table.concat(reversed, ", "), { call = call, invite = invite, answer = answer }
end

for _, transport in ipairs { "udp", "tcp" } do
    test("3261-16.4.a the Route of one call relays nothing in another, nor elsewhere in its own [" .. transport .. "]",
        function(t)
            local s = server.start(t, { args = patience })
            local one = victim(t, "127.0.0.1")
            for _, phone in ipairs { false, "tcp" } do
                local mallory, bob, route, dialog = called(t, s, transport, phone or nil)
                local uri = route:match "<([^>]+)>"
                for _, method in ipairs(methods) do
                    for _, to in ipairs { one.at, one.at .. ";transport=tcp" } do
                        t:equal(try(mallory, attack "relay_other_call.sip",
                            { METHOD = method, VICTIM = to, ROUTE = route }), expected(method), method)
                        -- It stays a Request-URI of ours, of a user that nobody is.
                        local status = try(mallory, attack "relay_strict.sip",
                            { METHOD = method, VICTIM = to, URI = uri })
                        t:ok(method == "ACK" and not status or status == 403 or status == 480 or status == 481, method)
                    end
                    -- In his own call, to the victim: it is for bob, where he has a flow, and for nobody else.
                    local own = mallory:within(method, dialog.call, dialog.answer, { uri = "sip:v@" .. one.at,
                        cseq = 1000 + number, contact = ("<%s>"):format(mallory.contact_uri) })
                    if phone then
                        local received = bob:expect(method)
                        if method ~= "ACK" then
                            bob:reply(received, 488)
                            mallory:expect_final(own, 488)
                        end
                    elseif method ~= "ACK" then
                        mallory:expect_final(own, expected(method))
                    end
                end
                flush(mallory)
                one.has_heard_nothing()
                mallory:within("BYE", dialog.call, dialog.answer, { cseq = 5000 })
                bob:reply(bob:expect "BYE", 200)
                mallory:expect(200)
                bob:register { expires = 0, instance = phone and ua.instance(1), reg_id = phone and 1 }
            end
        end)
end

test("3261-16.4.a a new request is not led on from us by a Route of its sender", function(t)
    local trunk = ua.open { port = 9, user = "trunk" }
    local s = server.start(t, { args = patience, source = ([[
        sip_on_request(function(request)
            if request.uri:find("trunk", 1, true) then return sip_relay("sip:trunk@127.0.0.1:%d") end
            if request.uri:find("edge", 1, true) then return sip_forward("sip:127.0.0.1:%d") end
        end)]]):format(trunk.local_port, trunk.local_port) })
    trunk.port = s.port
    local one = victim(t, "127.0.0.1")
    local text = attack "relay_preloaded.sip"
    local at = ("127.0.0.1:%d"):format(s.port)
    for _, transport in ipairs { "udp", "tcp" } do
        local attacker = ua.open { port = s.port, transport = transport, user = "mallory" }
        for _, method in ipairs { "INVITE", "MESSAGE", "OPTIONS", "SUBSCRIBE" } do
            local fields = { METHOD = method, SERVER = at, VICTIM = one.at, USER = "bob@example.test" }
            t:equal(try(attacker, text, fields), 403, method)
        end
        local function through(user)
            number = number + 1
            local fields = { N = number, SOURCE = attacker.sent_by, TRANSPORT = transport:upper(), METHOD = "MESSAGE",
                SERVER = at, VICTIM = one.at, USER = user .. "@example.test" }
            attacker:send_raw((text:gsub("@(%u+)@", fields)))
            local received = trunk:expect "MESSAGE"
            trunk:reply(received, 200)
            attacker:expect(200)
            return received
        end
        t:equal(through("trunk"):get "Route", nil)
        t:equal(through("edge"):get "Route", ("<sip:%s;lr>"):format(one.at))
        flush(attacker)
    end
    one.has_heard_nothing()
end)

test("3261-16.4.a a request with a made-up tag is the policy's", function(t)
    local s = server.start(t, { args = patience, source = [[
        sip_on_request(function(request)
            if request.method == "BYE" then return sip_reply(488) end
            if request.method == "INFO" then return sip_drop() end
        end)]] })
    local one = victim(t, "127.0.0.1")
    local attacker = ua.open { port = s.port, user = "mallory" }
    local text, at = attack "relay_made_up_tag.sip", ("127.0.0.1:%d"):format(s.port)
    t:equal(try(attacker, text, { METHOD = "BYE", SERVER = at, VICTIM = one.at }), 488)
    t:equal(try(attacker, text, { METHOD = "UPDATE", SERVER = at, VICTIM = one.at }), 481)
    number = number + 1
    attacker:send_raw((text:gsub("@(%u+)@", { N = number, SOURCE = attacker.sent_by, TRANSPORT = "UDP", METHOD = "INFO",
        SERVER = at, VICTIM = one.at })))
    flush(attacker)
    attacker:expect_none(function(received)
        return received:get "CSeq" == "7 INFO"
    end, 300)
    one.has_heard_nothing()
end)

-- --- real dialogs ---

-- Each method from each side, and its answer back.
local function whole_dialog(alice, bob)
    local call = alice:invite(bob.aor)
    local invite = bob:expect "INVITE"
    bob:reply(invite, 180)
    local ringing = alice:expect(180)
    alice:within("PRACK", call, ringing, { cseq = 2 })
    bob:reply(bob:expect "PRACK", 200)
    alice:expect(200)
    bob:reply(invite, 200)
    local answer = alice:expect_final(call, 200)
    bob:expect "ACK"
    for index, method in ipairs { "UPDATE", "INFO", "REFER", "NOTIFY", "MESSAGE", "OPTIONS" } do
        local request = alice:within(method, call, answer, { cseq = 2 + index })
        bob:reply(bob:expect(method), 200)
        alice:expect_final(request, 200)
        request = bob:within_called(method, invite, { cseq = index })
        alice:reply(alice:expect(method), 200)
        bob:expect_final(request, 200)
    end
    local again = alice:within("INVITE", call, answer, { cseq = 10, contact = ("<%s>"):format(alice.contact_uri) })
    bob:reply(bob:expect "INVITE", 200)
    alice:expect(function(received)
        return received.status == 200 and received:get "CSeq" == "10 INVITE"
    end)
    alice:within("ACK", again, answer, { cseq = 10 })
    bob:expect "ACK"
    bob:within_called("BYE", invite, { cseq = 10 })
    alice:reply(alice:expect "BYE", 200)
    bob:expect(function(received)
        return received.status == 200 and received:get "CSeq" == "10 BYE"
    end)
end

test("3261-16.4.a dialogs go on in both directions, from each transport to each", function(t)
    local files = certificates.new(t):sign "default"
    local ports, listen = {}, { "udp:127.0.0.1:%d", "tcp:127.0.0.1:%d" }
    for _, kind in ipairs { "tls", "ws", "wss" } do
        ports[kind] = server.free_port()
        listen[#listen + 1] = ("%s:127.0.0.1:%d"):format(kind, ports[kind])
    end
    local s = server.start(t, { listen = listen,
        args = { "--tls-cert", files.certificate, "--tls-key", files.key } })
    ports.udp, ports.tcp = s.port, s.port
    for _, from in ipairs { "udp", "tcp", "tls", "ws", "wss" } do
        for _, to in ipairs { "udp", "tcp", "tls", "ws", "wss" } do
            local alice = ua.open { port = ports[from], transport = from, user = "alice" }
            local bob = ua.open { port = ports[to], transport = to, user = "bob" .. from .. to }
            bob:register { instance = ua.instance(1), reg_id = 1 }
            whole_dialog(alice, bob)
        end
    end
    t:ok(s:alive())
end)

test("3261-16.4.a a dialog over UDP outlives a restart with its state, and no other call does", function(t)
    for _, address in ipairs { "127.0.0.1", "::1" } do
        local state = temporary(t, ".db")
        local listen = address == "::1" and { "udp:[::1]:%d" } or { "udp:127.0.0.1:%d" }
        local s = server.start(t, { state = state, listen = listen, args = patience })
        local function open(user)
            return ua.open { port = s.port, host = address, user = user }
        end
        local alice, bob = open "alice", open "bob"
        bob:register { instance = ua.instance(1), reg_id = 1 }
        local call = alice:invite(bob.aor)
        local invite = bob:expect "INVITE"
        bob:reply(invite, 200)
        local answer = alice:expect_final(call, 200)
        bob:expect "ACK"
        local port = s.port
        s:stop()
        s = server.start(t, { state = state, listen = listen, port = port, args = patience })
        local request = bob:within_called("INFO", invite)
        alice:reply(alice:expect "INFO", 200)
        bob:expect_final(request, 200)
        local stolen = alice:request("BYE", { uri = bob.contact_uri, to_tag = answer:tag "To", contact = false,
            routes = answer:values "Record-Route" })
        alice:expect_final(stolen, 481)
        request = alice:within("BYE", call, answer)
        bob:reply(bob:expect "BYE", 200)
        alice:expect_final(request, 200)
        s:stop()
        -- The keys have gone with the state: so has the right.
        os.remove(state .. ".keys")
        s = server.start(t, { state = state, listen = listen, port = port, args = patience })
        request = alice:within("BYE", call, answer, { cseq = 9 })
        alice:expect_final(request, 481)
        s:stop()
    end
end)

-- A connection's number is not that of another one in a later run, and a Contact that may be called is.
test("3261-16.4.a after a restart a dialog over a connection goes by its Contact or ends", function(t)
    local state = temporary(t, ".db")
    local listen = { "udp:127.0.0.1:%d", "tcp:127.0.0.1:%d" }
    local s = server.start(t, { state = state, args = patience, listen = listen })
    local one = victim(t, "127.0.0.1")
    local alice, desk = ua.open { port = s.port, user = "alice" },
        ua.open { port = s.port, transport = "tcp", user = "bob" }
    desk:register { instance = ua.instance(1), reg_id = 1, contact_uri = "sip:bob@desk.invalid;transport=tcp" }
    local call = alice:invite(desk.aor)
    desk:reply(desk:expect "INVITE", 200, { contact = "<sip:bob@desk.invalid;transport=tcp>" })
    local answer = alice:expect_final(call, 200)
    desk:expect "ACK"
    local port = s.port
    s:stop()
    s = server.start(t, { state = state, port = port, args = patience, listen = listen })
    -- Whoever connects first has had the number of the first connection, once.
    local eve = ua.open { port = s.port, transport = "tcp", user = "eve" }
    flush(eve)
    local request = alice:within("BYE", call, answer, { cseq = 7 })
    alice:expect_final(request, 480)
    request = alice:within("BYE", call, answer, { cseq = 8, uri = "sip:bob@" .. one.at })
    alice:expect_final(request, 480)
    eve:expect_none("BYE", 100)
    one.has_heard_nothing()
end)

tap.done()
