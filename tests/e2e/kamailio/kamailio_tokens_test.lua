-- SPDX-License-Identifier: BSD-2-Clause
-- Flow tokens of edge.cfg with keys of its own (modparam token_keys), beside those of the outbound module.
local edges = require "kamailio_edge"
local example = require "example"
local kamailio = require "kamailio"
local server = require "server"
local tap = require "tap"
local temporary = require "temporary"
local ua = require "ua"
local uv = require "luv"
local read = require("file").read

local test = tap.test
local register, path_of, token_of, with_token, to_phone = edges.register, edges.path_of, edges.token_of,
    edges.with_token, edges.to_phone

local SECRET <const> = ("00112233445566778899aabbccddeeff"):rep(2)

-- A path for a key file, which is removed in the end; with that text if it is given.
local function key_file(t, text)
    local path = server.temporary ".keys"
    t:defer(function()
        os.remove(path)
    end)
    if text then
        server.write(path, text)
        assert(uv.fs_chmod(path, tonumber("600", 8)))
    end
    return path
end

local function start(t, keys, options)
    options = options or {}
    options.defines = options.defines or {}
    if keys then
        table.insert(options.defines, ('TOKEN_KEYS="%s"'):format(keys))
    end
    return edges.start(t, options)
end

-- The same edge and its registrar once more, on the same ports.
local function restart(t, keys, edge, registrar, options)
    options = options or {}
    edge:finish()
    registrar:close()
    options.port, options.registrar_port = edge.port, registrar.local_port
    return start(t, keys, options)
end

local function reaches(registrar, phone, path)
    local sent = to_phone(registrar, phone, path)
    phone:reply(phone:expect "MESSAGE", 200)
    return registrar:expect_final(sent, 200)
end

local function answered(registrar, phone, path, status)
    return registrar:expect_final(to_phone(registrar, phone, path), status)
end

-- The id of the key is the first byte of a token: one and a half characters of base64url.
local function key_of(path)
    return token_of(path):sub(1, 2)
end

-- --- restarts ---

test("5626-5.2.b a UDP flow and its token outlive a restart", function(t)
    local keys = key_file(t)
    local edge, registrar, open = start(t, keys)
    local bob = open("bob", { transport = "udp" })
    local path = path_of(register(bob, registrar))
    t:equal(#token_of(path), 56)
    t:equal(uv.fs_stat(keys).mode & tonumber("777", 8), tonumber("600", 8))
    edge, registrar, open = restart(t, keys, edge, registrar)
    local got = reaches(registrar, bob, path)
    t:ok(got)
    -- Its own token of before: outgoing.
    local own = bob:request("MESSAGE", { uri = "sip:alice@example.test", routes = { path }, contact = false })
    registrar:reply(registrar:expect "MESSAGE", 200)
    bob:expect_final(own, 200)
    t:equal(edge:statistic "reflow:tokens_forged", 0)
    t:ok(open)
end)

for _, transport in ipairs { "tcp", "tls", "ws", "wss" } do
    test("5626-5.2.b a token of a connection before a restart gets 430 and not 403, " .. transport, function(t)
        local keys = key_file(t)
        local options = transport ~= "tcp" and { transport = transport } or nil
        local edge, registrar, open = start(t, keys, options)
        local bob = open("bob", { transport = transport })
        local path = path_of(register(bob, registrar))
        reaches(registrar, bob, path)
        edge, registrar, open = restart(t, keys, edge, registrar, options and { transport = transport })
        answered(registrar, bob, path, 430)
        t:equal(edge:statistic "reflow:tokens_dead", 1)
        t:equal(edge:statistic "reflow:tokens_forged", 0)
        -- The first connection of this run has the number of bob's.
        local carol = open("carol", { transport = transport })
        register(carol, registrar)
        answered(registrar, bob, path, 430)
        carol:expect_none("MESSAGE", 50)
    end)
end

test("5626-5.2.b without token_keys the outbound module's token of before a restart gets 403", function(t)
    local edge, registrar, open = start(t)
    local bob = open "bob"
    local path = path_of(register(bob, registrar))
    t:equal(#token_of(path), 32)
    edge, registrar = restart(t, nil, edge, registrar)
    answered(registrar, bob, path, 403)
    t:equal(edge:statistic "reflow:tokens_forged", 1)
end)

test("5626-7.b an edge is restarted: the call takes the phone's flow over another edge", function(t)
    local common = { ('REFLOW="%s"'):format(uv.fs_realpath(kamailio.module)), "CHILDREN=2" }
    local behind = kamailio.start(t, { config = "examples/kamailio/registrar.cfg", defines = common })
    local keys = key_file(t)
    local function edge(port)
        return kamailio.start(t, { config = "examples/kamailio/edge.cfg", port = port,
            defines = { "REGISTRAR_PORT=" .. behind.port, ('TOKEN_KEYS="%s"'):format(keys), table.unpack(common) } })
    end
    local first, second = edge(), edge()
    local one = ua.instance(1)
    local lost = ua.open { port = first.port, user = "bob", transport = "tcp" }
    local bob = ua.open { port = second.port, user = "bob", transport = "tcp" }
    local alice = ua.open { port = second.port, user = "alice", transport = "tcp" }
    lost:register { instance = one, reg_id = 1, q = "1.0" }
    bob:register { instance = one, reg_id = 2, q = "0.5" }
    first:finish()
    edge(first.port)
    local call = alice:invite(bob.aor)
    bob:reply(bob:expect "INVITE", 200)
    alice:expect_final(call, 200)
    bob:expect "ACK"
    t:equal(behind:statistic "reflow:failovers", 1)
    t:equal(behind:statistic "reflow:bindings_dropped", 1)
end)

for _, transport in ipairs { "udp", "tcp" } do
    test("5626-5.2.b a call goes on after a restart, without route_keys, " .. transport, function(t)
        local keys = key_file(t)
        local edge, registrar, open = start(t, keys)
        local bob = open("bob", { transport = transport })
        bob.contact_uri = bob.contact_uri .. ";ob"
        local sent = to_phone(registrar, bob, path_of(register(bob, registrar)), { method = "INVITE" })
        local invite = bob:expect "INVITE"
        bob:reply(invite, 200)
        local answer = registrar:expect_final(sent, 200)
        bob:expect "ACK"
        edge, registrar, open = restart(t, keys, edge, registrar)
        local info = registrar:within("INFO", sent, answer)
        if transport == "udp" then
            bob:reply(bob:expect "INFO", 200)
            registrar:expect_final(info, 200)
        else
            registrar:expect_final(info, 430)
            bob = open("bob", { transport = transport }) -- the phone has connected again
        end
        local bye = bob:within_called("BYE", invite)
        registrar:reply(registrar:expect "BYE", 200)
        bob:expect_final(bye, 200)
        t:equal(edge:statistic "reflow:tokens_forged", 0)
    end)
end

for _, transport in ipairs { "udp", "tcp" } do
    test("5626-5.2.b a restart with IPv6, " .. transport, function(t)
        local keys, path = key_file(t), server.temporary ".cfg"
        t:defer(function()
            os.remove(path)
        end)
        -- The phones' side is IPv6, the registrar's IPv4.
        server.write(path, ('#!KAMAILIO\nlisten=udp:[::1]:PORT\nlisten=tcp:[::1]:PORT\ninclude_file "%s"\n'):format(
            uv.fs_realpath "examples/kamailio/edge.cfg"))
        local edge, registrar, open = start(t, keys, { config = path })
        local bob = open("bob", { transport = transport, host = "::1" })
        bob.contact_uri = ("sip:bob@[::1]:%d;transport=%s"):format(bob.local_port, transport)
        function bob.via(self, branch)
            return ("SIP/2.0/%s [::1]:%d;branch=%s;rport"):format(self.transport:upper(), self.local_port, branch)
        end
        local way = path_of(register(bob, registrar))
        t:equal(#token_of(way), 88)
        reaches(registrar, bob, way)
        edge, registrar = restart(t, keys, edge, registrar, { config = path })
        if transport == "udp" then
            reaches(registrar, bob, way)
        else
            answered(registrar, bob, way, 430)
        end
        t:equal(edge:statistic "reflow:tokens_forged", 0)
    end)
end

test("5626-5.2.a a new connection from the address and port of an old one is another flow", function(t)
    local edge, registrar, open = start(t, key_file(t))
    local bob = open("bob", { local_port = server.free_port() })
    local path = path_of(register(bob, registrar))
    reaches(registrar, bob, path)
    bob.socket:close_reset() -- a FIN would leave the port in TIME_WAIT
    assert(ua.wait.until_true(ua.patience, function()
        return not assert(edge:rpc "core.tcp_list"):find(("src_port: %d\n"):format(bob.local_port), 1, true)
    end))
    local carol = open("carol", { local_port = bob.local_port })
    register(carol, registrar)
    answered(registrar, bob, path, 430)
    carol:expect_none("MESSAGE", 50)
end)

-- --- what is genuine ---

test("5626-5.2.b tokens of the outbound module are still read", function(t)
    local secret = 'FLOW_TOKEN_SECRET="well kept"'
    local edge, registrar, open = start(t, nil, { defines = { secret } })
    local bob, carol = open("bob", { transport = "udp" }), open "carol"
    local old, gone = path_of(register(bob, registrar)), path_of(register(carol, registrar))
    edge, registrar, open = restart(t, key_file(t), edge, registrar, { defines = { secret } })
    reaches(registrar, bob, old)
    answered(registrar, carol, gone, 430)
    local dave = open "dave"
    reaches(registrar, dave, path_of(register(dave, registrar)))
    t:equal(edge:statistic "reflow:tokens_forged", 0)
end)

local alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

for _, ob in ipairs { true, false } do
    test("5626-5.3.b one bit of a token is altered: 403, " .. (ob and "with ob" or "without ob"), function(t)
        local edge, registrar, open = start(t, key_file(t))
        local bob = open("bob", { transport = "udp" })
        local path = path_of(register(bob, registrar))
        local token = token_of(path)
        if not ob then
            path = path:gsub(";ob", "")
            reaches(registrar, bob, path)
        end
        -- The form byte (characters 2 and 3) says what is a token: the other form has another length.
        local altered = 0
        for at = 4, #token, 4 do
            local digit = alphabet:find(token:sub(at, at), 1, true) - 1
            local other = alphabet:sub((digit ~ 4) + 1, (digit ~ 4) + 1)
            answered(registrar, bob, with_token(path, token:sub(1, at - 1) .. other .. token:sub(at + 1)), 403)
            altered = altered + 1
        end
        bob:expect_none("MESSAGE", 50)
        t:equal(edge:statistic "reflow:tokens_forged", altered)
    end)
end

test("5626-5.3.b user parts of any length, and ob: 403", function(t)
    local edge, registrar, open = start(t, key_file(t))
    local bob = open "bob"
    local path = path_of(register(bob, registrar))
    local token = token_of(path)
    local users = { "x", token:sub(1, -2), token .. "A", token .. token, ("A"):rep(2000), token .. "=",
        token:gsub("^..", "AA"), "%00" .. token, "d." .. token }
    for _, user in ipairs(users) do
        t:equal(answered(registrar, bob, with_token(path, user), 403).status, 403, user:sub(1, 80))
    end
    bob:expect_none("MESSAGE", 50)
    t:equal(edge:statistic "reflow:tokens_forged", #users)
end)

test("5626-5.3.b an edge with other keys refuses a token, one with the same keys answers 430", function(t)
    local keys = key_file(t)
    local _, first, open = start(t, keys)
    local bob, carol = open "bob", open("carol", { transport = "udp" })
    local stream, datagram = path_of(register(bob, first)), path_of(register(carol, first))
    local function at(edge, path)
        return (path:gsub("@127.0.0.1:%d+", "@127.0.0.1:" .. edge.port))
    end
    local twin, second = start(t, keys)
    answered(second, bob, at(twin, stream), 430)
    answered(second, carol, at(twin, datagram), 430)
    t:equal(twin:statistic "reflow:tokens_forged", 0)
    local stranger, third = start(t, key_file(t))
    answered(third, bob, at(stranger, stream), 403)
    answered(third, carol, at(stranger, datagram), 403)
end)

-- --- what is no token ---

local function edge_with(t, replacements)
    local path = server.temporary ".cfg"
    t:defer(function()
        os.remove(path)
    end)
    server.write(path, example.read("examples/kamailio/edge.cfg", replacements))
    return path
end

for _, own in ipairs { true, false } do
    for _, user in ipairs { "edge1", "edge.one-1", ("a"):rep(300) } do
        test(("5626-5.3.b a user part of add_path() is no token: %.12s, %s"):format(user, own and "token_keys"
            or "outbound module"), function(t)
            local config = edge_with(t, { ["if (!add_path()) {"] = ('if (!add_path("%s")) {'):format(user) })
            local edge, registrar, open = start(t, own and key_file(t), { config = config })
            local bob = open("bob", { transport = "udp" })
            local path = path_of(register(bob, registrar))
            t:equal(token_of(path), user)
            -- Along the Contact, as with loose_route() alone.
            reaches(registrar, bob, path)
            t:equal(edge:statistic "reflow:tokens_forged", 0)
        end)
    end
end

test("a user part that is no token: stock's loose_route() relays as well", function(t)
    local config = edge_with(t, { ["if (!add_path()) {"] = 'if (!add_path("edge1")) {',
        ["if (sip_flow_forward() && $rc == 1) {"] = "if (0) {" })
    local _, registrar, open = start(t, nil, { config = config })
    local bob = open("bob", { transport = "udp" })
    t:ok(reaches(registrar, bob, path_of(register(bob, registrar))))
end)

-- --- keys ---

test("5626-5.2.b a rotation takes effect in every process, and older tokens stay good", function(t)
    local keys = key_file(t)
    local edge, registrar, open = start(t, keys, { children = 4 })
    local bob = open("bob", { transport = "udp" })
    local old = path_of(register(bob, registrar))
    t:match(assert(edge:rpc "reflow.rotate_keys"), "result: a new key signs flow tokens")
    local seen = {}
    for number = 1, 20 do
        local phone = open("phone" .. number, { transport = "udp" })
        seen[key_of(path_of(register(phone, registrar)))] = true
        phone:close()
    end
    t:equal(seen[key_of(old)], nil)
    t:ok(next(seen) and not next(seen, (next(seen))), "one new key in all processes")
    for _ = 1, 8 do
        reaches(registrar, bob, old)
    end
    t:equal(#read(keys):gsub("[^\n]", ""), 3)
    t:equal(uv.fs_stat(keys).mode & tonumber("777", 8), tonumber("600", 8))
    local new = path_of(register(bob, registrar))
    edge, registrar = restart(t, keys, edge, registrar)
    reaches(registrar, bob, old)
    reaches(registrar, bob, new)
    t:ok(edge)
end)

test("5626-5.2.b a key is replaced by its age, and a key that has not signed for as long is removed", function(t)
    local now = os.time()
    local keys = key_file(t, ("reflow token keys 1\n4 %d %s\n9 %d %s\n"):format(now - 2000000, SECRET, now - 1000000,
        SECRET:reverse()))
    start(t, keys)
    ua.wait.until_true(ua.patience, function()
        return read(keys):find "^[^\n]*\n9 .*\n10 "
    end)
    t:match(read(keys), "^reflow token keys 1\n9 %d+ %x+\n10 %d+ %x+\n$")
end)

test("5626-5.2.b a key that another edge has made is read at once", function(t)
    local keys = key_file(t)
    local first, registrar, open = start(t, keys)
    local twin, second = start(t, keys)
    local bob = open "bob"
    assert(first:rpc "reflow.rotate_keys")
    local path = path_of(register(bob, registrar))
    -- Another edge's connection: gone from here, and not a token of nobody.
    answered(second, bob, (path:gsub("@127.0.0.1:%d+", "@127.0.0.1:" .. twin.port)), 430)
    t:equal(twin:statistic "reflow:tokens_forged", 0)
    -- Neither loses the other's keys.
    assert(twin:rpc "reflow.rotate_keys")
    assert(first:rpc "reflow.rotate_keys")
    t:equal(#read(keys):gsub("[^\n]", ""), 5)
    reaches(registrar, bob, path)
end)

test("a key file that is damaged while Kamailio runs is reported once, and the keys stay in use", function(t)
    local keys = key_file(t)
    local edge, registrar, open = start(t, keys)
    local bob = open("bob", { transport = "udp" })
    local path = path_of(register(bob, registrar))
    local before = read(keys)
    server.write(keys, before:sub(1, -10))
    edge:wait_for_log "token_keys: .*line 2 is damaged"
    reaches(registrar, bob, path)
    local _, why = edge:rpc "reflow.rotate_keys"
    t:match(why or "", "line 2 is damaged")
    t:equal(read(keys), before:sub(1, -10), "nothing was written over it")
end)

test("a key file is shared with reflow serve", function(t)
    if not server.available() then
        error(server.binary .. " has not been built")
    end
    local keys = key_file(t)
    local other = server.start(t, { source = 'sip_on_request(function() return sip_forward("sip:127.0.0.1:9") end)',
        args = { "--token-keys", keys } })
    t:ok(other)
    local edge, registrar, open = start(t, keys)
    local path = path_of(register(open "bob", registrar))
    local told = server.run { "token", "inspect", token_of(path), "--keys", keys }
    t:match(told.out, "good", told.out .. told.err)
    t:match(told.out, "tcp")
    t:equal(#read(keys):gsub("[^\n]", ""), 2)
    t:ok(edge)
end)

-- --- key files that are refused ---

local refused = {
    { "empty", "", "no key in it" },
    { "of another kind", "hello\n", "no key ring" },
    { "damaged", "reflow token keys 1\n1 1700000000 0011\n", "line 2 is damaged" },
    { "cut off", "reflow token keys 1\n1 1700000000 " .. SECRET, "line 2 is damaged" },
    { "too many keys", "reflow token keys 1\n", "line 18 is damaged" },
}
for id = 1, 17 do
    refused[#refused][2] = ("%s%d 1700000000 %s\n"):format(refused[#refused][2], id, SECRET)
end

for _, case in ipairs(refused) do
    test("a key file that is " .. case[1] .. " ends the start, and stays as it is", function(t)
        local keys = key_file(t, case[2])
        local edge = start(t, keys, { expect_end = true })
        edge:wait()
        t:ok(edge.status ~= 0, "status " .. tostring(edge.status))
        t:match(edge.log, "modparam token_keys: " .. keys:gsub("%p", "%%%0") .. ": " .. case[3])
        t:equal(read(keys), case[2])
    end)
end

test("a key file that others may read ends the start", function(t)
    local keys = key_file(t, ("reflow token keys 1\n1 1700000000 %s\n"):format(SECRET))
    assert(uv.fs_chmod(keys, tonumber("640", 8)))
    local edge = start(t, keys, { expect_end = true })
    edge:wait()
    t:match(edge.log, "token_keys: .*chmod 600")
end)

test("a key file in a folder that does not exist ends the start", function(t)
    local edge = start(t, "/nonexistent/keys", { expect_end = true })
    edge:wait()
    t:match(edge.log, "token_keys: .*/nonexistent/keys: No such file")
end)

-- The edge as another user, who owns its folders.
local function as_nobody(t, keys)
    local folder = temporary.path()
    assert(uv.fs_mkdir(folder, 448))
    uv.fs_chmod(folder:match "^(.*)/", 457) -- 0711: the other user must get through the folder of this test
    assert(uv.fs_chown(folder, 65534, 65534))
    t:defer(function()
        for name in uv.fs_scandir_next, assert(uv.fs_scandir(folder)) do
            os.remove(folder .. "/" .. name)
        end
        uv.fs_rmdir(folder)
    end)
    return { args = { "-u", "65534", "-g", "65534" }, expect_end = keys and true }, folder
end

test("a key file of another user ends the start, and a new one belongs to Kamailio's user", function(t)
    if uv.getuid() ~= 0 then
        t:skip "only root can give files away"
    end
    local keys = key_file(t, ("reflow token keys 1\n1 1700000000 %s\n"):format(SECRET))
    local options, folder = as_nobody(t, keys)
    local edge = start(t, keys, options)
    edge:wait()
    t:ok(edge.status ~= 0)
    t:match(edge.log, "token_keys: .*[Pp]ermission denied")
    options = as_nobody(t)
    edge = start(t, folder .. "/keys", options)
    t:equal(uv.fs_stat(folder .. "/keys").uid, 65534)
    t:match(assert(edge:rpc "reflow.rotate_keys"), "result")
    t:equal(uv.fs_stat(folder .. "/keys").uid, 65534)
end)

test("token_keys needs the outbound module, loaded before", function(t)
    local routing = "request_route { exit; }\n"
    local function log_of(modules)
        local host = kamailio.start(t, { config = routing, modules = modules, expect_end = true,
            params = { { "reflow", "token_keys", key_file(t) } } })
        host:wait()
        t:ok(host.status ~= 0)
        return host.log
    end
    local reason = 'token_keys: loadmodule "outbound.so" before'
    t:match(log_of { "kex", "tm", "sl", "rr", "ctl", "reflow" }, reason)
    t:match(log_of { "kex", "tm", "sl", "rr", "ctl", "reflow", "outbound" }, reason)
end)

test("reflow.rotate_keys without token_keys is a fault", function(t)
    local edge = start(t)
    local _, why = edge:rpc "reflow.rotate_keys"
    t:match(why or "", "there are no keys")
end)

tap.done()
