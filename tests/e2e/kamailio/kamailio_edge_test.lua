-- SPDX-License-Identifier: BSD-2-Clause
-- examples/kamailio/edge.cfg between phones and a registrar that the test plays.
local tap = require "tap"
local ua = require "ua"
local uv = require "luv"
local edges = require "kamailio_edge"
local kamailio = require "kamailio"
local server = require "server"

local test = tap.test
local one = ua.instance(1)
local AT_ONCE = 20e9 -- and not after the 32 s of timer B

local start, register, path_of, token_of, to_phone = edges.start, edges.register, edges.path_of, edges.token_of,
    edges.to_phone

for _, transport in ipairs { "udp", "tcp" } do
    test("5626-5.1.a Path with a flow token and ob for the first hop, " .. transport, function(t)
        local _, registrar, open = start(t)
        local received = register(open("bob", { transport = transport }), registrar)
        local path = path_of(received)
        t:ok(token_of(path), "a token in " .. path)
        t:ok(path:find(";ob[;>]") and path:find(";lr[;>]"), "lr and ob in " .. path)
    end)

    test("5626-5.3.a another flow's token leads to that flow, the own one goes out, " .. transport, function(t)
        local _, registrar, open = start(t)
        local bob, carol = open("bob", { transport = transport }), open("carol", { transport = transport })
        local path = path_of(register(bob, registrar))
        local sent = to_phone(registrar, bob, path)
        local received = bob:expect "MESSAGE"
        t:equal(#received:all "Route", 0, "the Route is gone")
        bob:reply(received, 200)
        registrar:expect_final(sent, 200)
        carol:expect_none("MESSAGE", 50)
        local own = bob:request("MESSAGE", { uri = "sip:alice@example.test", routes = { path }, contact = false })
        local out = registrar:expect "MESSAGE"
        t:equal(out.uri, "sip:alice@example.test")
        t:equal(#out:all "Route", 0, "no Route left")
        registrar:reply(out, 200)
        bob:expect_final(own, 200)
    end)
end

local function with_request_uri(registrar, bob)
    local uri = path_of(register(bob, registrar)):match "<([^>]+)>"
    local sent = registrar:request("MESSAGE", { uri = uri, via = { registrar:via "z9hG4bKtop",
        "SIP/2.0/UDP 127.0.0.1:5999;branch=z9hG4bKbelow" } })
    bob:reply(bob:expect "MESSAGE", 200)
    registrar:expect_final(sent, 200)
    return uri
end

for _, transport in ipairs { "tls", "ws", "wss" } do
    test("5626-5.3.a a token in Route or Request-URI leads to its flow, 430 if it is gone, " .. transport, function(t)
        local _, registrar, open = start(t, { transport = transport })
        local bob = open "bob"
        with_request_uri(registrar, bob)
        local path = path_of(register(bob, registrar))
        local sent = to_phone(registrar, bob, path)
        bob:reply(bob:expect "MESSAGE", 200)
        registrar:expect_final(sent, 200)
        local own = bob:request("MESSAGE", { uri = "sip:alice@example.test", routes = { path }, contact = false })
        registrar:reply(registrar:expect "MESSAGE", 200)
        bob:expect_final(own, 200)
        sent = to_phone(registrar, bob, path, { method = "INVITE" })
        bob:expect "INVITE"
        bob:close()
        local answer = registrar:expect_final(sent, 430)
        t:ok(answer.at - sent.sent_at < AT_ONCE, "at once")
        registrar:expect_final(to_phone(registrar, bob, path), 430)
    end)
end

test("5626-5.1.b no ob where another hop was before", function(t)
    local _, registrar, open = start(t)
    local bob = open "bob"
    local received = register(bob, registrar, { via = { bob:via "z9hG4bKfirst",
        "SIP/2.0/UDP 127.0.0.1:5998;branch=z9hG4bKsecond" } })
    t:ok(not path_of(received):find ";ob[;>]", path_of(received))
end)

test("5626-5.2.a each flow has a token of its own", function(t)
    local _, registrar, open = start(t)
    local first = token_of(path_of(register(open "bob", registrar)))
    local second = token_of(path_of(register(open "bob", registrar, { reg_id = 2 })))
    t:ok(first ~= second, first .. " and " .. second)
end)

test("5626-5.3.a a token in the Request-URI leads to its flow as well", function(t)
    local _, registrar, open = start(t)
    local bob = open "bob"
    local uri = with_request_uri(registrar, bob)
    t:match(uri, ";ob")
end)

-- The secret of the outbound module's tokens; kamailio_tokens_test.lua has what replaces it.
local secret_test = edges.own_tokens and function() end or test

-- An edge with that secret; in the place of one before, where that had the port.
local function with_secret(t, secret, port)
    return start(t, { defines = { ('FLOW_TOKEN_SECRET="%s"'):format(secret) }, port = port })
end

secret_test("5626-5.2.a a secret that is not used is warned of, and no other", function(t)
    local edge, registrar, open = with_secret(t, "well kept")
    local warned = #edge:log_lines "WARNING.*flow_token_secret.*anybody can forge"
    local bob = open "bob"
    local path = path_of(register(bob, registrar))
    edge:finish()
    registrar:close()
    edge, registrar = with_secret(t, "another", edge.port)
    to_phone(registrar, bob, path)
    -- Of another secret is another key, or the secret is no part of it.
    t:equal(warned, registrar:expect("final").status == 403 and 0 or 1)
    t:equal(#edge:log_lines "anybody can forge", warned)
    edge, registrar, open = start(t)
    t:equal(#edge:log_lines "flow_token_secret", 0)
    t:ok(token_of(path_of(register(open "bob", registrar))))
end)

secret_test("5626-5.2.b a token from before a restart, the secret kept: 430 (flow gone), not 403", function(t)
    local edge, registrar, open = with_secret(t, "well kept")
    local bob = open "bob"
    local path = path_of(register(bob, registrar))
    edge:finish()
    registrar:close()
    registrar = select(2, with_secret(t, "well kept", edge.port))
    registrar:expect_final(to_phone(registrar, bob, path), 430)
end)

secret_test("5626-5.2.b over UDP the flow outlives a restart, and so does its token", function(t)
    local edge, registrar, open = with_secret(t, "well kept")
    local bob = open("bob", { transport = "udp" })
    local path = path_of(register(bob, registrar))
    edge:finish()
    registrar:close()
    registrar = select(2, with_secret(t, "well kept", edge.port))
    local sent = to_phone(registrar, bob, path)
    bob:reply(bob:expect "MESSAGE", 200)
    registrar:expect_final(sent, 200)
end)

test("5626-5.3.b a forged, a broken and a shortened token get 403", function(t)
    local edge, registrar, open = start(t)
    local bob = open "bob"
    local path = path_of(register(bob, registrar))
    local token = token_of(path)
    local first = token:sub(1, 1) == "A" and "B" or "A"
    -- Kamailio's decoder takes a character that is not one of base64 for "/".
    local other = token:find "[^/]"
    local forged = { ["another MAC"] = first .. token:sub(2),
        ["no base64"] = token:sub(1, other - 1) .. "!" .. token:sub(other + 1),
        ["too short"] = token:sub(1, 12), ["too long"] = token .. token }
    for what, wrong in pairs(forged) do
        local from, ending = path:find(token, 1, true)
        local sent = to_phone(registrar, bob, path:sub(1, from - 1) .. wrong .. path:sub(ending + 1))
        t:equal(registrar:expect("final").status, 403, what)
        t:ok(sent, what)
    end
    bob:expect_none("MESSAGE", 50)
    t:equal(edge:statistic "reflow:tokens_forged", 4)
end)

test("5626-5.3.c a token whose flow is gone gets 430 at once", function(t)
    local edge, registrar, open = start(t)
    local bob = open "bob"
    local path = path_of(register(bob, registrar))
    bob:close()
    -- Kamailio notices the end of the connection when it reads it.
    ua.wait.until_true(ua.patience, function()
        local list = assert(edge:rpc "core.tcp_list")
        return not list:find(tostring(bob.local_port), 1, true)
    end)
    local sent = to_phone(registrar, bob, path, { method = "INVITE" })
    local answer = registrar:expect_final(sent, 430)
    t:ok(answer.at - sent.sent_at < AT_ONCE, "at once")
    t:equal(edge:statistic "reflow:tokens_dead", 1)
    t:equal(edge:statistic "reflow:rule_5626_5_3_c", 1)
end)

test("5626-5.3.c a flow that dies before the phone has answered: 430 at once", function(t)
    local _, registrar, open = start(t)
    local bob = open "bob"
    local path = path_of(register(bob, registrar))
    local sent = to_phone(registrar, bob, path, { method = "INVITE" })
    bob:expect "INVITE"
    bob:close()
    local answer = registrar:expect_final(sent, 430)
    t:ok(answer.at - sent.sent_at < AT_ONCE, "at once")
end)

test("5626-5.3.c no connection is opened to a phone whose flow is gone", function(t)
    local _, registrar, open = start(t)
    local bob = open "bob"
    local path = path_of(register(bob, registrar))
    local port = bob.local_port
    bob:close()
    local listener, came = uv.new_tcp(), false
    assert(listener:bind("127.0.0.1", port, { reuseaddr = true }))
    listener:listen(4, function()
        came = true
    end)
    registrar:expect_final(to_phone(registrar, bob, path), 430)
    ua.wait.pause(100)
    t:ok(not came, "no connection")
    listener:close()
end)

-- The dialog's later requests: `routes` of the INVITE's Record-Route, in the order that side uses them.
test("5626-5.3.d a dialog formed through ob keeps to the flow", function(t)
    local _, registrar, open = start(t)
    local bob, carol = open "bob", open "carol"
    local path = path_of(register(bob, registrar))
    local sent = to_phone(registrar, bob, path, { method = "INVITE" })
    local invite = bob:expect "INVITE"
    t:ok(invite:get("Record-Route"):find(token_of(path), 1, true), "the token in " .. invite:get "Record-Route")
    bob:reply(invite, 200)
    local answer = registrar:expect_final(sent, 200)
    bob:expect "ACK"
    local bye = registrar:within("BYE", sent, answer)
    bob:reply(bob:expect "BYE", 200)
    registrar:expect_final(bye, 200)
    carol:expect_none("BYE", 20)
end)

test("5626-5.3.e a dialog formed outward with ob in Contact keeps to the flow", function(t)
    local _, registrar, open = start(t)
    local alice = open "alice"
    local sent = alice:invite("sip:bob@example.test", { contact = ("<%s;ob>"):format(alice.contact_uri),
        headers = { { "Supported", "outbound" } } })
    local invite = registrar:expect "INVITE"
    t:ok(token_of(invite:get "Record-Route"), "a token in " .. invite:get "Record-Route")
    registrar:reply(invite, 200)
    alice:expect_final(sent, 200)
    registrar:expect "ACK"
    local bye = registrar:within_called("BYE", invite)
    alice:reply(alice:expect "BYE", 200)
    registrar:expect_final(bye, 200)
end)

test("5626-5.3.c a request within a dialog whose flow is gone gets 430 at once", function(t)
    local _, registrar, open = start(t)
    local bob = open "bob"
    local path = path_of(register(bob, registrar))
    local sent = to_phone(registrar, bob, path, { method = "INVITE" })
    bob:reply(bob:expect "INVITE", 200)
    local answer = registrar:expect_final(sent, 200)
    bob:expect "ACK"
    bob:close()
    ua.wait.until_true(ua.patience, function()
        local bye = registrar:within("BYE", sent, answer, { cseq = sent:cseq() + uv.hrtime() % 100000 + 1 })
        return registrar:expect_final(bye).status == 430
    end)
end)

test("5626-5.4.a a ping between pipelined messages is answered", function(t)
    local _, registrar, open = start(t)
    local bob = open "bob"
    local first = bob:request("OPTIONS", { uri = ("sip:127.0.0.1:%d"):format(bob.port), send = false })
    local second = bob:request("OPTIONS", { uri = ("sip:127.0.0.1:%d"):format(bob.port), send = false })
    bob:send_raw(first.text .. "\r\n\r\n" .. second.text)
    bob:expect_final(first, 200)
    bob:expect "crlf"
    bob:expect_final(second, 200)
    t:ok(registrar)
end)

test("5626-5.4.b a STUN binding request is answered on the SIP port", function(t)
    local edge = start(t)
    local socket, answer = uv.new_udp(), nil
    assert(socket:bind("127.0.0.1", 0))
    socket:recv_start(function(_, chunk)
        answer = chunk or answer
    end)
    local id = "0123456789ab"
    socket:send(string.pack(">I2I2I4", 1, 0, 0x2112A442) .. id, "127.0.0.1", edge.port)
    ua.wait.until_true(ua.patience, function()
        return answer
    end)
    local kind, _, magic = string.unpack(">I2I2I4", answer)
    t:equal(kind, 0x0101, "a success response")
    t:equal(magic, 0x2112A442)
    t:equal(answer:sub(9, 20), id)
    local port = socket:getsockname().port
    t:ok(answer:find(string.pack(">I2I2I1I1I2", 0x20, 8, 0, 1, port ~ 0x2112), 1, true), "XOR-MAPPED-ADDRESS")
    socket:close()
end)

test("5626-5.4.c Flow-Timer where outbound was applied, and nowhere else", function(t)
    local _, registrar, open = start(t)
    local bob = open "bob"
    register(bob, registrar)
    t:equal(bob:expect(200):get "Flow-Timer", "40")
    register(bob, registrar, { answer = { { "Flow-Timer", "7" } } })
    t:equal(bob:expect(200):get "Flow-Timer", nil, "the registrar's is taken away")
end)

test("5626-7.b the edge's 430 takes a call to the phone's other flow, registrar.cfg behind edge.cfg", function(t)
    if not kamailio.available() then
        error("no Kamailio, or no " .. kamailio.module)
    end
    local common = { ('REFLOW="%s"'):format(uv.fs_realpath(kamailio.module)), "CHILDREN=2" }
    local registrar = kamailio.start(t, { config = "examples/kamailio/registrar.cfg", defines = common })
    local edge = kamailio.start(t, { config = "examples/kamailio/edge.cfg",
        defines = { "REGISTRAR_PORT=" .. registrar.port, table.unpack(common) } })
    local function open(user)
        return ua.open { port = edge.port, user = user, transport = "tcp" }
    end
    local first, second, alice = open "bob", open "bob", open "alice"
    t:match(first:register { instance = one, reg_id = 1, q = "1.0" }:get "Require", "outbound")
    second:register { instance = one, reg_id = 2, q = "0.5" }
    alice:call(first)
    local call = alice:invite(first.aor)
    first:expect "INVITE"
    first:close()
    local moved = second:expect "INVITE"
    second:reply(moved, 200)
    alice:expect_final(call, 200)
    second:expect "ACK"
    local again = alice:invite(first.aor)
    second:reply(second:expect "INVITE", 486)
    alice:expect_final(again, 486)
    t:equal(registrar:statistic "reflow:failovers", 1)
    t:equal(registrar:statistic "reflow:bindings_dropped", 1)
end)

local script = [[
function ksr_request_route()
    KSR.tm.t_check_trans()
    if KSR.is_REGISTER() then
        KSR.path.add_path()
        KSR.setdsturi("sip:127.0.0.1:REGISTRAR_PORT")
        KSR.tm.t_relay()
        return 1
    end
    local way = KSR.reflow.flow_forward()
    KSR.notice("WAY " .. way .. "\n")
    if way == 1 then
        KSR.tm.t_on_failure("ksr_failed")
        KSR.tm.t_relay()
    elseif way ~= 0 and not KSR.is_ACK() then
        KSR.sl.sl_send_reply(404, "Not Here")
    end
    return 1
end
function ksr_failed() KSR.reflow.on_failure() return 1 end
]]

test("5626-5.3.c an edge in KEMI", function(t)
    if not uv.fs_stat(kamailio.module_path():match "[^:]+" .. "/app_lua.so") then
        t:skip "no app_lua.so"
    end
    local registrar = ua.open { port = 9, user = "registrar" }
    local path = server.temporary ".lua"
    server.write(path, (script:gsub("REGISTRAR_PORT", registrar.local_port)))
    t:defer(function()
        os.remove(path)
    end)
    local modules = { table.unpack(kamailio.modules) }
    table.insert(modules, #modules, "app_lua")
    local edge = kamailio.start(t, { config = 'cfgengine "lua"\n', modules = modules,
        params = { { "app_lua", "load", path } } })
    registrar.port = edge.port
    local bob = ua.open { port = edge.port, user = "bob", transport = "tcp" }
    local way = path_of(register(bob, registrar))
    local sent = to_phone(registrar, bob, way)
    bob:reply(bob:expect "MESSAGE", 200)
    registrar:expect_final(sent, 200)
    registrar:expect_final(to_phone(registrar, bob, (way:gsub("sip:....", "sip:AAAA", 1))), 403)
    registrar:expect_final(to_phone(registrar, bob, "<sip:127.0.0.1;lr>"), 404)
    sent = to_phone(registrar, bob, way, { method = "INVITE" })
    bob:expect "INVITE"
    bob:close()
    registrar:expect_final(sent, 430)
    registrar:expect_final(to_phone(registrar, bob, way), 430)
end)

test("what comes from outside goes to the registrar and nowhere else", function(t)
    local _, registrar, open = start(t)
    local alice, elsewhere = open "alice", open("mallory", { transport = "udp" })
    local sent = alice:request("MESSAGE", { uri = elsewhere.contact_uri, contact = false,
        routes = { ("<sip:127.0.0.1:%d;lr>"):format(elsewhere.local_port) } })
    registrar:reply(registrar:expect "MESSAGE", 404)
    alice:expect_final(sent, 404)
    elsewhere:expect_none("MESSAGE", 50)
end)

test("a call for help and a telephone number go to the registrar as they are", function(t)
    local _, registrar, open = start(t)
    local phone = open "bob"
    for _, uri in ipairs { "urn:service:sos", "urn:service:sos.police", "tel:+1-555-0100" } do
        local call = phone:invite(uri, { to = "sip:help@example.test" })
        local invite = registrar:expect "INVITE"
        t:equal(invite.uri, uri)
        registrar:reply(invite, 404)
        phone:expect_final(call, 404)
        registrar:expect "ACK"
    end
end)

tap.done()
