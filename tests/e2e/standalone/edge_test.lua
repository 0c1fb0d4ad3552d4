-- SPDX-License-Identifier: BSD-2-Clause
-- Two edges and a registrar, three processes: RFC 5626 section 5, and what happens when an edge goes down.
local server = require "server"
local tap = require "tap"
local ua = require "ua"

local test = tap.test
local one = ua.instance(1)

local function read(path)
    local file = assert(io.open(path))
    local text = file:read "a"
    file:close()
    return text
end

-- examples/edge.lua with its registrar's address moved.
local function edge_script(registrar)
    local text, found = read "examples/edge.lua":gsub("127%.0%.0%.1:5060", "127.0.0.1:" .. registrar.port)
    assert(found > 1, "examples/edge.lua names no registrar")
    return text
end

-- It listens on IPv6 too, at the same port.
local function start_edge(t, registrar, keys, port)
    port = port or server.free_port()
    return server.start(t, { source = edge_script(registrar), domain = false, port = port, status = true,
        args = { "--edge", "--token-keys", keys, "--t1", "100", "--listen", "udp:[::1]:" .. port } })
end

local function start(t, edges)
    local stage = { registrar = server.start(t, { status = true, args = { "--t1", "100" } }), edges = {}, keys = {} }
    for i = 1, edges or 2 do
        local keys = server.temporary ".keys"
        t:defer(function()
            os.remove(keys)
        end)
        stage.keys[i] = keys
        stage.edges[i] = start_edge(t, stage.registrar, keys)
    end
    function stage.open(user, edge, transport)
        return ua.open { port = edge.port, user = user, domain = stage.registrar.domain, transport = transport }
    end
    stage.alice = ua.open { port = stage.registrar.port, user = "alice", domain = stage.registrar.domain }
    return stage
end

-- The first flow is the one that is tried first.
local function registered(flow, reg_id)
    return flow:register { instance = one, reg_id = reg_id, q = reg_id == 1 and "1.0" or "0.5" }
end

for _, transport in ipairs { "udp", "tcp" } do
    local function named(what)
        return ("%s [standalone %s]"):format(what, transport)
    end

    test(named "5626-5.1.a 5626-5.4.c a REGISTER through an edge is outbound, with the edge's Flow-Timer", function(t)
        local stage = start(t, 1)
        local bob = stage.open("bob", stage.edges[1], transport)
        local answer = registered(bob, 1)
        t:equal(answer:get "Require", "outbound")
        t:equal(answer:get "Flow-Timer", "120")
    end)

    test(named "3261-10.3.c an edge leaves a bad Contact to its registrar, which refuses it", function(t)
        local stage = start(t, 1)
        local bob = stage.open("bob", stage.edges[1], transport)
        for _, contact in ipairs { "<sip:bob@192.0.2.9:>", "<sip:bob@192.0.2.9>;;x", "\"bob <sip:bob@192.0.2.9>" } do
            local answer = bob:register { contact = contact, expect = 400 }
            t:match(answer.phrase, "^Bad Request: Contact: ", contact)
            t:ok(answer:get "To":find ";tag=", contact)
        end
        t:equal(stage.registrar:number "register_refused", 3)
        t:equal(stage.edges[1]:number "malformed_answered", 0)
    end)

    test(named "5626-5.1.b what comes from a proxy before the edge gets a Path without ob", function(t)
        local sink = ua.open { port = 9, user = "registrar" }
        local keys = server.temporary ".keys"
        t:defer(function()
            os.remove(keys)
        end)
        local edge = start_edge(t, { port = sink.local_port }, keys)
        local proxy = ua.open { port = edge.port, user = "bob", transport = transport }
        proxy:request("REGISTER", { uri = "sip:example.test", contact = proxy:contact { instance = one, reg_id = 1 },
            via = { proxy:via "z9hG4bK-proxy", "SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK-phone" } })
        local path = sink:expect "REGISTER":get "Path"
        t:match(path, "^<sip:127")
        t:ok(not path:find ";ob", path)
    end)

    test(named "5626-5.2.a each flow has a token of its own, in one spelling", function(t)
        local sink = ua.open { port = 9, user = "registrar" }
        local keys = server.temporary ".keys"
        t:defer(function()
            os.remove(keys)
        end)
        local edge = start_edge(t, { port = sink.local_port }, keys)
        local seen = {}
        for _ = 1, 5 do
            local phone = ua.open { port = edge.port, user = "bob", transport = transport }
            phone:request("REGISTER", { uri = "sip:example.test", contact = phone:contact { instance = one,
                reg_id = 1 } })
            local token = sink:expect "REGISTER":get "Path":match "^<sip:([^@]+)@"
            t:equal(#token, 56)
            t:equal(seen[token], nil)
            seen[token] = true
        end
    end)

    test(named "5626-5.3.a 5626-5.3.d a call comes over the flow, and its dialog keeps to it", function(t)
        local stage = start(t, 1)
        local bob = stage.open("bob", stage.edges[1], transport)
        registered(bob, 1)
        local call = stage.alice:invite(bob.aor)
        local invite = bob:expect "INVITE"
        bob:reply(invite, 200)
        local answer = stage.alice:expect_final(call, 200)
        stage.alice:within("ACK", call, answer)
        bob:expect "ACK"
        local bye = stage.alice:within("BYE", call, answer)
        bob:reply(bob:expect "BYE", 200)
        stage.alice:expect_final(bye, 200)
    end)

    test(named "5626-5.3.e a call from behind the edge comes back over its flow", function(t)
        local stage = start(t, 1)
        local bob = stage.open("bob", stage.edges[1], transport)
        registered(bob, 1)
        stage.alice:register {}
        local call = bob:invite(stage.alice.aor)
        local invite = stage.alice:expect "INVITE"
        stage.alice:reply(invite, 200)
        local answer = bob:expect_final(call, 200)
        -- The last one is the first that bob's requests go to: of his own transport (RFC 5658).
        local routes = answer:values "Record-Route"
        t:equal(routes[#routes]:find(";transport=tcp", 1, true) ~= nil, transport == "tcp", routes[#routes])
        bob:within("ACK", call, answer)
        stage.alice:expect "ACK"
        local bye = stage.alice:within_called("BYE", invite)
        bob:reply(bob:expect "BYE", 200)
        stage.alice:expect_final(bye, 200)
    end)

    test(named "5626-5.3.b a forged token is forbidden", function(t)
        local stage = start(t, 1)
        local bob = stage.open("bob", stage.edges[1], transport)
        registered(bob, 1)
        local mallory = ua.open { port = stage.edges[1].port, user = "mallory", transport = transport }
        local route = ("Route: <sip:%s@127.0.0.1:%d;lr;ob>"):format(("A"):rep(56), stage.edges[1].port)
        local request = mallory:request("OPTIONS", { uri = bob.contact_uri, headers = { route } })
        mallory:expect_final(request, 403)
    end)
end

test("5626-5.2.b 5626-7.b an edge that was killed and is back says 430 for a connection, and the other flow rings",
    function(t)
        local stage = start(t, 2)
        local first, second = stage.open("bob", stage.edges[1], "tcp"), stage.open("bob", stage.edges[2], "tcp")
        registered(second, 2)
        registered(first, 1)
        stage.edges[1]:kill()
        local again = start_edge(t, stage.registrar, stage.keys[1], stage.edges[1].port)
        local call = stage.alice:invite(first.aor)
        second:reply(second:expect "INVITE", 200)
        stage.alice:expect_final(call, 200)
        t:equal(again:number "tokens_gone", 1)
        t:equal(again:number "tokens_forged", 0)
    end)

-- A call through the edge to its user agent, up to the answer.
local function call_up(stage, bob)
    local call = stage.alice:invite(bob.aor)
    local invite = bob:expect "INVITE"
    bob:reply(invite, 200)
    local answer = stage.alice:expect_final(call, 200)
    stage.alice:within("ACK", call, answer)
    bob:expect "ACK"
    return call, answer, invite
end

for _, address in ipairs { "127.0.0.1", "::1" } do
    for how, stop in pairs { ["ended"] = server.stop, ["was killed"] = server.kill } do
        test(("5626-5.2.b an edge that %s and is back reaches its phone over UDP, also in a dialog [%s]"):format(how,
            address), function(t)
            local stage = start(t, 1)
            local bob = ua.open { port = stage.edges[1].port, host = address, user = "bob",
                domain = stage.registrar.domain }
            registered(bob, 1)
            local call, answer = call_up(stage, bob)
            stop(stage.edges[1])
            local again = start_edge(t, stage.registrar, stage.keys[1], stage.edges[1].port)
            local bye = stage.alice:within("BYE", call, answer)
            bob:reply(bob:expect "BYE", 200)
            stage.alice:expect_final(bye, 200)
            local _, _, invite = call_up(stage, bob)
            bye = bob:within_called("BYE", invite)
            stage.alice:reply(stage.alice:expect "BYE", 200)
            bob:expect_final(bye, 200)
            t:equal(#stage.alice:bindings(bob.aor), 1)
            t:equal(again:number "tokens_gone", 0)
            t:equal(again:number "tokens_forged", 0)
        end)
    end
end

test("5626-5.3.c 5626-7.b a connection that closed gives 430 at once, and the other flow rings", function(t)
    local stage = start(t, 2)
    local first, second = stage.open("bob", stage.edges[1], "tcp"), stage.open("bob", stage.edges[2], "tcp")
    registered(second, 2)
    registered(first, 1)
    first:close()
    local call = stage.alice:invite(first.aor)
    second:reply(second:expect "INVITE", 200)
    stage.alice:expect_final(call, 200)
end)

test("5626-5.3.c 5626-7.h a connection that closes under a call gives 430, and the other flow rings", function(t)
    local stage = start(t, 2)
    local first, second = stage.open("bob", stage.edges[1], "tcp"), stage.open("bob", stage.edges[2], "tcp")
    registered(second, 2)
    registered(first, 1)
    local call = stage.alice:invite(first.aor)
    first:expect "INVITE"
    first:close()
    second:reply(second:expect "INVITE", 200)
    stage.alice:expect_final(call, 200)
end)

test("5626-5.2.b keys rotate by command, and tokens of the old key still find their flow", function(t)
    local control = server.temporary ".control"
    local stage = { registrar = server.start(t) }
    local keys = server.temporary ".keys"
    t:defer(function()
        os.remove(keys)
    end)
    local edge = server.start(t, { source = edge_script(stage.registrar), domain = false,
        args = { "--token-keys", keys, "--control", control } })
    local bob = ua.open { port = edge.port, user = "bob", domain = stage.registrar.domain, transport = "tcp" }
    local alice = ua.open { port = stage.registrar.port, user = "alice", domain = stage.registrar.domain }
    registered(bob, 1)
    local before = read(keys)
    local ran = server.run { "ctl", "--socket", control, "rotate-keys" }
    t:equal(ran.status, 0)
    t:ok(#read(keys) > #before, "no key more in the file")
    local call = alice:invite(bob.aor)
    bob:reply(bob:expect "INVITE", 200)
    alice:expect_final(call, 200)
end)

-- The commands in the comment of examples/edge.lua, with the two ports moved.
local function commands_of_comment(registrar, edge, script)
    local list = {}
    for command in read "examples/edge.lua":gmatch "\n%-%-     build/reflow (serve [^\n]+)" do
        local arguments = {}
        for word in command:gsub("127%.0%.0%.1:5060", "127.0.0.1:" .. registrar)
            :gsub("127%.0%.0%.2:5060", "127.0.0.2:" .. edge):gmatch "%S+" do
            arguments[#arguments + 1] = word == "examples/edge.lua" and script or word
        end
        list[#list + 1] = arguments
    end
    return list
end

test("the commands in examples/edge.lua start a registrar and an edge that carry a call", function(t)
    local ports = { registrar = server.free_port(), edge = server.free_port() }
    local script = server.temporary ".lua"
    server.write(script, edge_script { port = ports.registrar })
    t:defer(function()
        os.remove(script)
    end)
    local commands = commands_of_comment(ports.registrar, ports.edge, script)
    t:equal(#commands, 2)
    for _, arguments in ipairs(commands) do
        local s = server.spawn(arguments)
        t:defer(function()
            s:finish()
        end)
        s:expect_log "serving with"
    end
    local function open(host, port, user)
        return ua.open { host = host, port = port, user = user, domain = "example.com" }
    end
    local bob, alice = open("127.0.0.2", ports.edge, "bob"), open("127.0.0.1", ports.registrar, "alice")
    registered(bob, 1)
    alice:call(bob)
end)

tap.done()
