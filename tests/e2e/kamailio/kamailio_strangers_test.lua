-- SPDX-License-Identifier: BSD-2-Clause
-- The examples for Kamailio against people who have no account and no place on the path.
local uv = require "luv"
local tap = require "tap"
local ua = require "ua"
local host = require "host"
local kamailio = require "kamailio"
local server = require "server"

local test = tap.test
local folder = "examples/kamailio/"
local registrars = { "registrar.cfg", "registrar-kemi.cfg" }
local methods = { "INVITE", "BYE", "UPDATE", "INFO", "PRACK", "MESSAGE", "OPTIONS", "NOTIFY", "SUBSCRIBE", "REFER",
    "PUBLISH", "FOO", "ACK" }

local function start(t, name, defines, memory)
    local all = { ('REFLOW="%s"'):format(uv.fs_realpath(kamailio.module) or kamailio.module), "CHILDREN=2",
        ('SCRIPT="%s"'):format(uv.fs_realpath(folder .. "registrar.lua")) }
    table.move(defines or {}, 1, #(defines or {}), #all + 1, all)
    return kamailio.start(t, { config = folder .. name, defines = all, memory = memory })
end

-- A copy of an example with other lines; `changes`: { [plain text] = replacement }, each found once.
local function changed(t, name, changes)
    local file <close> = assert(io.open(folder .. name, "rb"))
    local text, path = file:read "a", server.temporary(name)
    for from, to in pairs(changes) do
        local found
        text, found = text:gsub(from:gsub("%p", "%%%0"), to)
        assert(found == 1, name .. ": " .. from)
    end
    server.write(path, text)
    t:defer(function()
        os.remove(path)
    end)
    return path
end

-- With a limit of 50 requests a second from one source, in place of 500: a busy machine, too, takes more.
local function start_limited(t, name)
    if name ~= "registrar-kemi.cfg" then
        return start(t, name, { "REQUESTS=50" })
    end
    local script = changed(t, "registrar.lua", { ["requests_most = 500"] = "requests_most = 50" })
    local config = changed(t, name, { ['"reqs_density_per_unit", 500'] = '"reqs_density_per_unit", 50' })
    return kamailio.start(t, { config = config, defines = { ('REFLOW="%s"'):format(uv.fs_realpath(kamailio.module)),
        "CHILDREN=2", ('SCRIPT="%s"'):format(script) } })
end

-- Somebody who is only named, and counts what arrives.
local function victim(transport)
    local self = { received = 0 }
    if transport == "tcp" then
        self.socket = uv.new_tcp()
        assert(self.socket:bind("127.0.0.1", 0))
        self.socket:listen(16, function()
            self.received = self.received + 1
        end)
    else
        self.socket = uv.new_udp()
        assert(self.socket:bind("127.0.0.1", 0))
        self.socket:recv_start(function(_, bytes)
            self.received = self.received + (bytes and 1 or 0)
        end)
    end
    self.uri = ("sip:victim@127.0.0.1:%d;transport=%s"):format(self.socket:getsockname().port, transport)
    return self
end

local function count(phone, status)
    local found = 0
    for _, received in ipairs(phone.inbox) do
        found = found + (received.status == status and 1 or 0)
    end
    return found
end

--[[ Sends, until there is so little shared memory left that the flooder is refused, and on. `send` sends one request
     that is relayed. ]]
local function flood_memory(t, s, flooder, send)
    local rounds = 0
    ua.wait.until_true(ua.patience, function()
        for _ = 1, 50 do
            send()
        end
        ua.wait.pause(50)
        rounds = rounds + (count(flooder, 503) > 0 and 1 or 0)
        return rounds == 60
    end)
    t:ok(rounds == 60, "never refused")
    local memory = s:rpc "core.shmmem"
    local total, free = tonumber(memory:match "total: (%d+)"), tonumber(memory:match "free: (%d+)")
    t:ok(free > total // 10, memory)
end

-- What a stranger writes into Route; `genuine` is a value of another call.
local function made_up_routes(port, genuine)
    return { { ("<sip:127.0.0.1:%d;lr>"):format(port) }, { ("<sip:example.test;lr>") },
        { ("<sip:127.0.0.1:%d;lr;seal=d.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA>"):format(port) },
        { ("<sip:127.0.0.1:%d;lr;ftag=x;did=1>"):format(port), ("<sip:127.0.0.1:%d;lr>"):format(port) }, { genuine } }
end

local function call(caller, callee)
    local request = caller:invite(callee.aor)
    local invite = callee:expect "INVITE"
    callee:reply(invite, 200)
    local answer = caller:expect_final(request, 200)
    callee:expect "ACK"
    return request, invite, answer
end

for _, name in ipairs(registrars) do
    for _, transport in ipairs { "udp", "tcp" } do
        local function named(what)
            return ("3261-16.4.a %s %s [kamailio %s]"):format(what, name, transport)
        end

        test(named "a made-up To tag and Route lead nowhere past", function(t)
            local s = start(t, name)
            local open = host.opener(s, transport)
            local bob, alice, stranger = open "bob", open "alice", open "stranger"
            bob:register { instance = ua.instance(1), reg_id = 1 }
            local _, _, answer = call(alice, bob)
            local third = victim(transport)
            for _, routes in ipairs(made_up_routes(s.port, answer:get "Record-Route")) do
                for _, method in ipairs(methods) do
                    local request = stranger:request(method, { uri = third.uri, to_tag = "made-up", routes = routes })
                    if method ~= "ACK" then
                        stranger:expect_final(request, 403)
                    end
                end
            end
            -- Nor to a phone of ours, as a part of its calls.
            for _, method in ipairs { "INVITE", "BYE", "UPDATE", "INFO", "PRACK" } do
                stranger:expect_final(stranger:request(method, { uri = bob.aor, to_tag = "made-up",
                    routes = { answer:get "Record-Route" } }), 481)
            end
            t:equal(third.received, 0)
            bob:expect_none("BYE", 100)
        end)

        test(named "a call whose Route is sealed goes on through", function(t)
            local s = start(t, name)
            local open = host.opener(s, transport)
            local bob, alice = open "bob", open "alice"
            bob:register { instance = ua.instance(1), reg_id = 1 }
            local request, invite, answer = call(alice, bob)
            t:match(answer:get "Record-Route", ";seal=d%.")
            local hold = alice:within("INVITE", request, answer, { contact = ("<%s>"):format(alice.contact_uri) })
            bob:reply(bob:expect "INVITE", 200)
            alice:expect_final(hold, 200)
            bob:expect "ACK"
            for _, method in ipairs { "INFO", "UPDATE", "MESSAGE", "REFER" } do
                local inside = bob:within_called(method, invite, { cseq = #method })
                alice:reply(alice:expect(method), 200)
                bob:expect_final(inside, 200)
            end
            local bye = bob:within_called("BYE", invite, { cseq = 20 })
            alice:reply(alice:expect "BYE", 200)
            bob:expect_final(bye, 200)
        end)
    end

    test("REFER outside of a dialog is recorded by " .. name, function(t)
        local open = host.opener(start(t, name), "udp")
        local bob, alice = open "bob", open "alice"
        bob:register()
        local refer = alice:request("REFER", { uri = bob.aor,
            headers = { { "Refer-To", "<sip:carol@example.test>" } } })
        local got = bob:expect "REFER"
        t:match(got:get "Record-Route", ";seal=")
        bob:reply(got, 202)
        local answer = alice:expect_final(refer, 202)
        local notify = bob:within_called("NOTIFY", got)
        alice:reply(alice:expect "NOTIFY", 200)
        bob:expect_final(notify, 200)
        t:ok(answer)
    end)

    test("hold and refresh of phones whose Contact leads nowhere keep to their connections with " .. name, function(t)
        local open = host.opener(start(t, name), "tcp")
        local bob, alice = open "bob", open "alice"
        local function nowhere(user, number)
            return { contact = ("<sip:%s@127.0.0.1:9;n=%d;transport=tcp>"):format(user, number) }
        end
        bob:register { instance = ua.instance(1), reg_id = 1 }
        local request = alice:invite(bob.aor, nowhere("alice", 0))
        local invite = bob:expect "INVITE"
        bob:reply(invite, 200, nowhere("bob", 0))
        local answer = alice:expect_final(request, 200)
        bob:expect "ACK"
        local from_bob
        for number, method in ipairs { "INVITE", "UPDATE", "NOTIFY", "INVITE" } do
            local sent = alice:within(method, request, answer, { cseq = number + 1, uri = from_bob,
                contact = nowhere("alice", number).contact })
            local got = bob:expect(method)
            bob:reply(got, 200, nowhere("bob", number))
            local final = alice:expect_final(sent, 200)
            if method == "INVITE" then
                bob:expect "ACK"
            end
            -- What each has now been told leads back to the other.
            from_bob = final:get("Contact"):match "<(.-)>"
            local from_alice = got:get("Contact"):match "<(.-)>"
            t:match(from_bob, "n=" .. number)
            t:match(from_bob, "alias=")
            t:match(from_alice, "alias=")
            local info = bob:within_called("INFO", invite, { cseq = number * 10, uri = from_alice })
            alice:reply(alice:expect "INFO", 200)
            bob:expect_final(info, 200)
            info = alice:within("INFO", request, answer, { cseq = number * 10, uri = from_bob })
            bob:reply(bob:expect "INFO", 200)
            alice:expect_final(info, 200)
        end
    end)

    test("6026-7.a a second 2xx passes long after the first through " .. name, function(t)
        local open = host.opener(start(t, name), "udp")
        local bob, alice = open "bob", open "alice"
        bob:register { instance = ua.instance(1), reg_id = 1 }
        local _, invite = call(alice, bob)
        ua.wait.pause(6500) -- tm's own wt_timer is 5 s
        bob:reply(invite, 200, { to_tag = "second" })
        local late = alice:expect(function(received)
            return received.status == 200 and received:tag "To" == "second"
        end)
        t:ok(late)
    end)

    test("a flood from one source costs others nothing with " .. name, function(t)
        local s = start_limited(t, name)
        local alice = host.opener(s, "udp") "alice"
        local flooder = ua.open { port = s.port, user = "flood", transport = "udp", local_host = "127.0.0.2" }
        local answered
        for index = 1, 4000 do
            flooder:request("OPTIONS", { uri = "sip:example.test", call_id = "flood" .. index })
            if index % 50 == 0 then
                alice:expect_final(alice:request("OPTIONS", { uri = "sip:example.test" }), 200)
            end
        end
        alice:expect_final(alice:request("OPTIONS", { uri = "sip:example.test" }), 200)
        answered = count(flooder, 200)
        t:ok(answered > 0 and answered < 4000, answered .. " answers")
        -- Nobody is banned for datagrams, and an emergency call is never dropped: 416 is its answer here.
        ua.wait.until_true(ua.patience, function()
            local request = flooder:request("OPTIONS", { uri = "sip:example.test" })
            return pcall(flooder.expect_final, flooder, request, 200, 200)
        end)
        flooder:expect_final(flooder:request("INVITE", { uri = "urn:service:sos" }), 416)
    end)

    test("what one source leaves waiting does not fill the shared memory of " .. name, function(t)
        local s = start(t, name, {}, 16)
        local open = host.opener(s, "udp")
        local bob, alice = open "bob", open "alice"
        local silent = ua.open { port = s.port, user = "silent", transport = "udp", local_host = "127.0.0.2" }
        local flooder = ua.open { port = s.port, user = "flood", transport = "udp", local_host = "127.0.0.2" }
        bob:register { instance = ua.instance(1), reg_id = 1 }
        silent:register()
        silent:serve { ACK = function() end, INVITE = function(self, invite)
            self:reply(invite, 486)
        end }
        flood_memory(t, s, flooder, function()
            flooder:request("INVITE", { uri = silent.aor })
        end)
        call(alice, bob)
        -- An emergency call is never refused for it.
        flooder:expect_final(flooder:request("INVITE", { uri = "urn:service:sos" }), 416)
    end)

    test("over TCP who floods is banned with " .. name, function(t)
        local s = start_limited(t, name)
        local alice = host.opener(s, "tcp") "alice"
        local flooder = ua.open { port = s.port, user = "flood", transport = "tcp", local_host = "127.0.0.2" }
        ua.wait.until_true(ua.patience, function()
            for _ = 1, 200 do
                flooder:request("OPTIONS", { uri = "sip:example.test" })
            end
            ua.wait.pause(1)
            return s.log:find("banned source=127.0.0.2", 1, true)
        end)
        t:match(s.log, "banned source=127%.0%.0%.2 transport=tcp reason=requests")
        local again = ua.open { port = s.port, user = "flood", transport = "tcp", local_host = "127.0.0.2" }
        again:request("OPTIONS", { uri = "sip:example.test" })
        alice:expect_final(alice:request("OPTIONS", { uri = "sip:example.test" }), 200)
        again:expect_none(200, 200)
    end)
end

for _, name in ipairs { "registrar.cfg", "edge.cfg" } do
    test("the limit of requests holds in every second of a long flood: " .. name, function(t)
        local s = start(t, name, { "REQUESTS=50" })
        local flooder = ua.open { port = s.port, user = "flood", transport = "udp", local_host = "127.0.0.2" }
        local begun = os.time()
        -- The answer to a To tag that leads nowhere comes from either server itself; it makes no emergency call.
        for _ = 1, 120 do
            for _ = 1, 10 do
                flooder:request("BYE", { uri = "sip:127.0.0.1:" .. s.port, to_tag = "made-up" })
                flooder:request("BYE", { uri = "urn:service:sos", to_tag = "made-up" })
            end
            ua.wait.pause(50)
        end
        local answered = count(flooder, 481) + count(flooder, 403)
        t:ok(answered > 50 and answered <= 50 * (os.time() - begun + 1), answered .. " answers")
    end)
end

test("what one source leaves waiting does not fill the shared memory of edge.cfg", function(t)
    local registrar = start(t, "registrar.cfg")
    local edge = start(t, "edge.cfg", { "REGISTRAR_PORT=" .. registrar.port }, 16)
    local flooder = ua.open { port = edge.port, user = "flood", transport = "udp", local_host = "127.0.0.2" }
    local bob = ua.open { port = edge.port, user = "bob", transport = "udp" }
    local alice = ua.open { port = registrar.port, user = "alice", transport = "udp" }
    flood_memory(t, edge, flooder, function()
        flooder:request("OPTIONS", { uri = "sip:nobody@example.test" })
    end)
    bob:register { instance = ua.instance(1), reg_id = 1 }
    call(alice, bob)
end)

-- --- what bindings hold of the shared memory ---

local one_register = { contacts = 20, bytes = 1500 }

-- A REGISTER for an AOR of that number whose bindings take about 60 kB. Returns the status.
local function register_much(phone, number, options)
    local contacts = {}
    options = options or {}
    for index = 1, options.contact and 0 or one_register.contacts do
        contacts[index] = { "Contact", ("<sip:%s%d@192.0.2.9>;x=%s"):format(("a"):rep(600), index,
            ("b"):rep(one_register.bytes - 600)) }
    end
    return phone:register { aor = ("sip:much%d@example.test"):format(number), call_id = "much" .. number,
        contact = options.contact or false, headers = contacts, cseq = options.cseq or 1, supported = false,
        expires = options.expires or 7200, expect = false }.status
end

-- Registers AORs from 1 on until one is refused; returns its number and status.
local function register_until_refused(phone, most)
    for number = 1, most do
        local status = register_much(phone, number)
        if status ~= 200 then
            return number, status
        end
    end
end

local function share_of_memory(s, what)
    local memory = s:rpc "core.shmmem"
    return tonumber(memory:match(what .. ": (%d+)")) / tonumber(memory:match "total: (%d+)")
end

local function open_at(t, s, address, user)
    local phone = ua.open { port = s.port, user = user, transport = "udp", local_host = address }
    t:defer(function()
        phone:close()
    end)
    return phone
end

for _, name in ipairs(registrars) do
    test("the bindings of one source have a share of the shared memory of " .. name, function(t)
        local s = start(t, name, {}, 16)
        local flooder, other = open_at(t, s, "127.0.0.2", "flood"), open_at(t, s, "127.0.0.3", "other")
        local refused, status = register_until_refused(flooder, 100)
        t:equal(status, 503)
        t:ok(refused > 15, "refused at " .. tostring(refused))
        t:ok(share_of_memory(s, "free") > 0.5, s:rpc "core.shmmem")
        -- What it has, it keeps and may refresh; others are not concerned.
        t:equal(register_much(flooder, 1, { cseq = 2 }), 200)
        t:equal(register_much(other, 1000), 200)
        -- What it gives back, it may use again.
        t:equal(register_much(flooder, refused, { cseq = 2 }), 503)
        t:equal(register_much(flooder, 1, { contact = "*", expires = 0, cseq = 3 }), 200)
        t:equal(register_much(flooder, refused, { cseq = 3 }), 200)
        t:equal(register_much(flooder, refused + 1), 503)
    end)
end

test("bindings that expire give their source's share back", function(t)
    local s = kamailio.start(t, { memory = 16, params = { { "reflow", "min_expires", 1 },
        { "usrloc", "timer_interval", 1 }, { "usrloc", "timer_procs", 0 } } })
    local flooder = open_at(t, s, "127.0.0.2", "flood")
    t:ok(register_until_refused(flooder, 100))
    t:equal(register_much(flooder, 1, { expires = 1, cseq = 2 }), 200)
    t:ok(ua.wait.until_true(kamailio.patience, function()
        return register_much(flooder, 501) == 200
    end))
end)

test("while shared memory is scarce, no binding is made; those that are there are refreshed and removed", function(t)
    local s = kamailio.start(t, { memory = 16, params = { { "reflow", "max_binding_memory", 0 },
        { "reflow", "max_binding_memory_per_source", 0 } } })
    local flooder, other = open_at(t, s, "127.0.0.2", "flood"), open_at(t, s, "127.0.0.3", "other")
    other:register()
    local refused, status = register_until_refused(flooder, 400)
    t:equal(status, 503)
    local free = share_of_memory(s, "free")
    t:ok(free > 0.2 and free < 0.25, s:rpc "core.shmmem")
    t:ok(s:statistic "reflow:overloaded" > 0)
    other:register()
    t:equal(register_much(flooder, refused - 1, { cseq = 2 }), 200)
    t:equal(register_much(other, 1000), 503)
    for number = 1, 5 do
        t:equal(register_much(flooder, number, { contact = "*", expires = 0, cseq = 2 }), 200)
    end
    t:equal(register_much(other, 1000, { cseq = 2 }), 200)
end)

-- --- names ---

for _, name in ipairs(registrars) do
    test("no names of strangers are looked up for a binding by " .. name, function(t)
        local s = start(t, name)
        local stranger = open_at(t, s, "127.0.0.2", "stranger")
        local via = { stranger:via "z9hG4bKsecond", "SIP/2.0/UDP 127.0.0.2:9;branch=z9hG4bKfirst" }
        local function register(options)
            options.expect, options.call_id = false, options.aor
            return stranger:register(options)
        end
        local far = register { aor = "sip:far@example.test", contact_uri = "sip:s@h1.names.test", via = via }
        t:equal(far.status, 403)
        t:equal(far.phrase, "Host Name in Contact or Path")
        t:equal(register({ aor = "sip:path@example.test", contact_uri = "sip:s@192.0.2.9",
            headers = { { "Path", "<sip:h2.names.test;lr>" } } }).status, 403)
        for _, aor in ipairs { "sip:far@example.test", "sip:path@example.test" } do
            stranger:expect_final(stranger:invite(aor), 480)
        end
        -- Where the name is not used, it may stand there.
        t:equal(register({ aor = "sip:back@example.test", contact_uri = "sip:s@h3.names.test" }).status, 200)
        local message = stranger:request("MESSAGE", { uri = "sip:back@example.test" })
        stranger:reply(stranger:expect "MESSAGE", 200)
        stranger:expect_final(message, 200)
    end)

    test("no names of strangers are called when their connection is gone by " .. name, function(t)
        local s = start(t, name)
        local alice = host.opener(s, "udp") "alice"
        local stranger = ua.open { port = s.port, user = "stranger", transport = "tcp", local_host = "127.0.0.2" }
        for index = 1, 3 do
            stranger:register { aor = ("sip:n%d@example.test"):format(index), call_id = "n" .. index,
                contact_uri = ("sip:s@h%d.names.test"):format(index) }
        end
        stranger:close()
        ua.wait.until_true(ua.patience, function()
            return not (s:rpc "ul.dump" or ""):find "names%.test"
        end)
        for index = 1, 3 do
            alice:expect_final(alice:invite(("sip:n%d@example.test"):format(index)), 480)
        end
    end)

    test("no names of strangers are looked up within a call by " .. name, function(t)
        local open = host.opener(start(t, name), "udp")
        local bob, alice = open "bob", open "alice"
        bob:register { instance = ua.instance(1), reg_id = 1 }
        local request, _, answer = call(alice, bob)
        alice:expect_final(alice:within("INFO", request, answer, { cseq = 5, uri = "sip:bob@h4.names.test" }), 480)
        local bye = alice:within("BYE", request, answer, { cseq = 6 })
        bob:reply(bob:expect "BYE", 200)
        alice:expect_final(bye, 200)
    end)
end

test("no names of strangers are looked up by edge.cfg for a phone without outbound", function(t)
    local registrar = start(t, "registrar.cfg")
    local edge = start(t, "edge.cfg", { "REGISTRAR_PORT=" .. registrar.port })
    local bob = ua.open { port = edge.port, user = "bob", transport = "udp" }
    local alice = ua.open { port = registrar.port, user = "alice", transport = "udp" }
    bob:register { contact_uri = "sip:bob@h5.names.test", supported = "path" }
    alice:expect_final(alice:invite(bob.aor), 480)
end)

-- --- calls that ring ---

for _, name in ipairs(registrars) do
    test("calls of one source that ring have a share of the shared memory of " .. name, function(t)
        local s = start(t, name, {}, 16)
        local open = host.opener(s, "udp")
        local bob, alice = open "bob", open "alice"
        local ringing, caller = open_at(t, s, "127.0.0.2", "ringing"), open_at(t, s, "127.0.0.3", "caller")
        bob:register { instance = ua.instance(1), reg_id = 1 }
        ringing:register()
        local rung = {}
        local function ring()
            local request = caller:invite(ringing.aor)
            local answer = caller:expect(function(received)
                return received.status and received.status > 100 and received:get "Call-ID" == request:get "Call-ID"
            end)
            return answer.status
        end
        ringing:serve { ACK = function() end, INVITE = function(self, invite)
            rung[#rung + 1] = invite
            self:reply(invite, 180)
        end }
        local refused
        for _ = 1, 300 do
            refused = ring() == 503
            if refused then
                break
            end
        end
        t:ok(refused, "never refused")
        t:ok(#rung > 50, #rung .. " rang")
        t:ok(share_of_memory(s, "free") > 0.4, s:rpc "core.shmmem")
        call(alice, bob)
        -- A call that ends makes room for another one.
        for index = 1, 5 do
            ringing:reply(rung[index], 486)
        end
        t:ok(ua.wait.until_true(ua.patience, function()
            return ring() == 180
        end))
    end)
end

-- --- the keys of the seals ---

local function key_file(t)
    local path = server.temporary ".keys"
    t:defer(function()
        os.remove(path)
    end)
    return path
end

for _, name in ipairs(registrars) do
    test("3261-16.4.a a call outlives a restart where the keys are kept: " .. name, function(t)
        local path = key_file(t)
        local define = ('ROUTE_KEYS="%s"'):format(path)
        local s = start(t, name, { define })
        local open = host.opener(s, "udp")
        local bob, alice = open "bob", open "alice"
        bob:register { instance = ua.instance(1), reg_id = 1 }
        local request, invite, answer = call(alice, bob)
        t:equal(uv.fs_stat(path).mode & 511, 384)
        s:stop()
        local all = { ('REFLOW="%s"'):format(uv.fs_realpath(kamailio.module)), "CHILDREN=2", define,
            ('SCRIPT="%s"'):format(uv.fs_realpath(folder .. "registrar.lua")) }
        kamailio.start(t, { config = folder .. name, defines = all, port = s.port })
        local info = bob:within_called("INFO", invite)
        alice:reply(alice:expect "INFO", 200)
        bob:expect_final(info, 200)
        local bye = alice:within("BYE", request, answer)
        bob:reply(bob:expect "BYE", 200)
        alice:expect_final(bye, 200)
    end)
end

test("3261-16.4.a keys that others may read are refused at start", function(t)
    if not kamailio.available() then
        t:skip "no Kamailio, or no module"
    end
    local path = key_file(t)
    server.write(path, "no keys\n")
    uv.fs_chmod(path, 420)
    local fine, why = pcall(start, t, "registrar.cfg", { ('ROUTE_KEYS="%s"'):format(path) })
    t:ok(not fine)
    t:match(tostring(why), "modparam route_keys: .*others may read these keys")
end)

for _, transport in ipairs { "udp", "tcp" } do
    test(("3261-16.4.a a made-up To tag and Route lead nowhere past edge.cfg [kamailio %s]"):format(transport),
        function(t)
        local registrar = start(t, "registrar.cfg")
        local edge = start(t, "edge.cfg", { "REGISTRAR_PORT=" .. registrar.port })
        local bob = ua.open { port = edge.port, user = "bob", transport = transport }
        local alice = ua.open { port = registrar.port, user = "alice", transport = transport }
        local stranger = ua.open { port = edge.port, user = "stranger", transport = transport }
        bob:register { instance = ua.instance(1), reg_id = 1 }
        local _, invite, answer = call(alice, bob)
        local third = victim(transport)
        local genuine = invite:values("Record-Route")[1]
        for _, routes in ipairs(made_up_routes(edge.port, genuine)) do
            for _, method in ipairs(methods) do
                local request = stranger:request(method, { uri = third.uri, to_tag = "made-up", routes = routes })
                if routes[1] == genuine then -- a flow token leads to its phone, and nowhere else
                    bob:expect(method)
                elseif method ~= "ACK" then
                    t:ok(stranger:expect_final(request).status >= 400)
                end
            end
        end
        t:equal(third.received, 0)
        local bye = bob:within_called("BYE", invite)
        alice:reply(alice:expect "BYE", 200)
        bob:expect_final(bye, 200)
        t:ok(answer)
    end)
end

tap.done()
