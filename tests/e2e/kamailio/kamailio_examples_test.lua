-- SPDX-License-Identifier: BSD-2-Clause
-- Each example for Kamailio is read without a complaint, starts, and connects a call.
local uv = require "luv"
local tap = require "tap"
local ua = require "ua"
local flows = require "flows"
local host = require "host"
local kamailio = require "kamailio"
local server = require "server"

local test = tap.test
local folder = "examples/kamailio/"
local module_define = ('REFLOW="%s"'):format(uv.fs_realpath(kamailio.module) or kamailio.module)

local function text_define(name, value)
    return ('%s="%s"'):format(name, value)
end

local function start(t, name, defines)
    local all = { module_define, "CHILDREN=2", text_define("SCRIPT", uv.fs_realpath(folder .. "registrar.lua")) }
    table.move(defines or {}, 1, #(defines or {}), #all + 1, all)
    return kamailio.start(t, { config = folder .. name, defines = all })
end

local function complaints(log)
    local found = {}
    for line in log:gmatch "[^\n]+" do
        if line:find "WARNING" or line:find "ERROR" or line:find "CRITICAL" then
            found[#found + 1] = line
        end
    end
    return table.concat(found, "\n")
end

local function read_without_complaint(t, name)
    if not kamailio.available() then
        t:skip "no Kamailio, or no module"
    end
    local fine, text = kamailio.check(("-E -f '%s' -A '%s' -A '%s'"):format(uv.fs_realpath(folder .. name),
        module_define, text_define("SCRIPT", uv.fs_realpath(folder .. "registrar.lua"))))
    t:ok(fine, text)
    t:equal(complaints(text), "")
    t:match(text, "config file ok")
end

for _, name in ipairs { "registrar.cfg", "registrar-kemi.cfg", "edge.cfg", "provider.cfg" } do
    test(name .. " is read without a warning", function(t)
        read_without_complaint(t, name)
    end)
end

for _, name in ipairs { "registrar.cfg", "registrar-kemi.cfg" } do
    test("18.3 bytes behind a datagram's body are discarded, and a body cut off is refused, with " .. name, function(t)
        local open = host.opener(start(t, name), "udp")
        local bob, alice = open "bob", open "alice"
        for _, flow in ipairs { bob, alice } do
            local send = flow.send_raw
            flow.send_raw = function(self, bytes)
                send(self, bytes .. "surplus\r\n")
            end
        end
        bob:register { instance = ua.instance(1), reg_id = 1 }
        local call = alice:invite(bob.aor, { body = "v=0\r\n" })
        local invite = bob:expect "INVITE"
        t:equal(invite.body, "v=0\r\n")
        bob:reply(invite, 486, { body = "busy" })
        t:equal(alice:expect_final(call, 486).body, "busy")
        alice.send_raw = nil
        local cut = alice:request("INVITE", { uri = bob.aor, body = "v=0\r\n", send = false })
        alice:send_raw(cut.text:sub(1, -3))
        alice:expect_final(cut, 400)
    end)

    test("Request-URIs of other schemes get 416 with " .. name, function(t)
        local open = host.opener(start(t, name), "udp")
        local alice = open "alice"
        for _, uri in ipairs { "tel:+15550100", "urn:service:sos", "im:bob@example.test", "nobody-knows:this" } do
            local call = alice:invite(uri, { to = "sip:help@example.test" })
            t:equal(alice:expect_final(call, 416).phrase, "Unsupported URI Scheme")
        end
        alice:expect_final(alice:request("REGISTER", { uri = "tel:+15550100", to = alice.aor }), 403)
        alice:expect_final(alice:request("OPTIONS", { uri = "sip:a@b@h", to = alice.aor }), 400)
    end)

    for _, transport in ipairs { "tcp", "udp" } do
        local function named(what)
            return ("%s %s [kamailio %s]"):format(what, name, transport)
        end

        test(named "a call through", function(t)
            local s = start(t, name)
            local open = host.opener(s, transport)
            local bob, alice = open "bob", open "alice"
            t:equal(bob:register({ instance = ua.instance(1), reg_id = 1 }):get "Flow-Timer", "120")
            alice:call(bob)
            t:equal(complaints(s.log), "")
        end)

        test(named "5626-7.b 430 moves a call with", function(t)
            local s = start(t, name)
            local taken, other, caller, call = flows.equal(host.opener(s, transport))
            taken:reply(taken:expect "INVITE", 430)
            other:reply(other:expect "INVITE", 200)
            caller:expect_final(call, 200)
            t:equal(#caller:bindings(taken.aor), 1)
        end)

        test(named "5626-11.5.a nobody answers but with 430: 480 with", function(t)
            local s = start(t, name)
            local taken, other, caller, call = flows.equal(host.opener(s, transport))
            taken:reply(taken:expect "INVITE", 430)
            other:reply(other:expect "INVITE", 430)
            caller:expect_final(call, 480)
            caller:expect_bindings(taken.aor, 0)
        end)

        test(named "what is not ours, not there or too far is refused by", function(t)
            local alice = host.opener(start(t, name), transport) "alice"
            local elsewhere = alice:register { aor = "sip:alice@elsewhere.test", expect = 403 }
            t:equal(#elsewhere:values "Contact", 0)
            alice:expect_final(alice:invite "sip:bob@elsewhere.test", 403)
            alice:expect_final(alice:invite "sip:nobody@example.test", 480)
            alice:expect_final(alice:invite("sip:bob@example.test", { max_forwards = 0 }), 483)
            alice:request("CANCEL", { uri = "sip:bob@example.test", contact = false })
            alice:expect(481)
        end)

        test(named "3261-10.3 an AOR of another domain is not bound by", function(t)
            local alice = host.opener(start(t, name), transport) "alice"
            alice:register { aor = "sip:alice@elsewhere.test", uri = "sip:example.test", expect = 404 }
        end)

        test(named "Routes that led to us are not sent on by", function(t)
            local s = start(t, name)
            local open = host.opener(s, transport)
            local bob, alice = open "bob", open "alice"
            bob:register { instance = ua.instance(1), reg_id = 1 }
            local call = alice:invite(bob.aor, { routes = { ("<sip:127.0.0.1:%d;lr>"):format(s.port) } })
            local request = bob:expect "INVITE"
            t:equal(#request:values "Route", 0)
            bob:reply(request, 200)
            alice:expect_final(call, 200)
        end)

        test(named "dialogs of phones whose Contact leads nowhere keep to their connections with", function(t)
            local s = start(t, name)
            local open = host.opener(s, transport)
            local bob, alice = open "bob", open "alice"
            local function nowhere(user)
                return { contact = ("<sip:%s@127.0.0.1:9;transport=%s>"):format(user, transport) }
            end
            bob:register { instance = ua.instance(1), reg_id = 1 }
            local call = alice:invite(bob.aor, nowhere "alice")
            local invite = bob:expect "INVITE"
            bob:reply(invite, 200, nowhere "bob")
            alice:expect_final(call, 200)
            bob:expect "ACK"
            local bye = bob:within_called("BYE", invite)
            alice:reply(alice:expect "BYE", 200)
            bob:expect_final(bye, 200)
            t:equal(complaints(s.log), "")
        end)

        test(named "3261-16.9.a what cannot be sent at all has one final response from", function(t)
            local open = host.opener(start(t, name), transport)
            local bob, alice = open "bob", open "alice"
            -- Through a proxy without Path, so that no flow leads to the phone.
            bob:register { contact_uri = "sip:bob@127.0.0.1:5061;transport=tls", via = {
                bob:via("z9hG4bKouter" .. bob.local_port), "SIP/2.0/UDP 192.0.2.7;branch=z9hG4bKinner" } }
            local call = alice:invite(bob.aor)
            t:ok(alice:expect_final(call).status >= 400)
            alice:expect_final(alice:request("OPTIONS", { uri = "sip:example.test" }), 200)
            for _, message in ipairs(alice.inbox) do
                t:ok(not message.status or message.status < 200, "a second final response")
            end
        end)
    end
end

for _, transport in ipairs { "tcp", "udp" } do
    test(("a call through edge.cfg and registrar.cfg [kamailio %s]"):format(transport), function(t)
        local registrar = start(t, "registrar.cfg")
        local edge = start(t, "edge.cfg", { "REGISTRAR=127.0.0.1", "REGISTRAR_PORT=" .. registrar.port })
        local bob = ua.open { port = edge.port, user = "bob", domain = "example.test", transport = transport }
        local alice = ua.open { port = registrar.port, user = "alice", domain = "example.test", transport = transport }
        t:equal(bob:register({ instance = ua.instance(1), reg_id = 1 }):get "Require", "outbound")
        alice:call(bob)
        t:equal(complaints(edge.log .. registrar.log), "")
    end)
end

-- What `make run-kamailio` runs, with a group of its own as a terminal gives it.
local function run_script(port)
    local err, ended = uv.new_pipe(false), {}
    local variables = { "PORT=" .. port, "PATH=" .. os.getenv "PATH", "BUILD=" .. (os.getenv "BUILD" or "build") }
    local self = { err = "" }
    self.handle, self.pid = uv.spawn("tests/support/run_kamailio.sh", { stdio = { nil, nil, err }, detached = true,
        env = variables }, function(status)
        ended.status = status
    end)
    assert(self.handle, self.pid)
    err:read_start(function(_, chunk)
        self.err = self.err .. (chunk or "")
    end)
    function self.wait(ms)
        ua.wait.until_true(ms, function()
            return ended.status
        end)
        return ended.status
    end
    return self
end

test("run-kamailio: starts, registers, and Ctrl-C ends it with status 0", function(t)
    if not kamailio.available() then
        t:skip "no Kamailio, or no module"
    end
    local port = server.free_port()
    local run = run_script(port)
    t:defer(function()
        if not run.wait(0) then
            uv.kill(-run.pid, "sigkill")
        end
    end)
    local bob
    ua.wait.until_true(ua.patience, function()
        local fine, flow = pcall(ua.open, { port = port, user = "bob", domain = "127.0.0.1:" .. port,
            transport = "tcp" })
        bob = fine and flow
        return bob
    end)
    t:ok(bob, "it takes no connections: " .. run.err)
    bob:register { instance = ua.instance(1), reg_id = 1 }
    local busy = run_script(port)
    t:equal(busy.wait(5000), 1)
    t:match(busy.err, "^Port %d+ of 127.0.0.1 is in use[^\n]*\n$")
    uv.kill(run.pid, "sigint")
    t:equal(run.wait(10000), 0)
end)

test("run-kamailio: an invalid PORT", function(t)
    for _, port in ipairs { "abc", "0", "70000", "-1", "5060x" } do
        local run = run_script(port)
        t:equal(run.wait(5000), 1)
        t:match(run.err, "^PORT=%S+ is not a port: 1 to 65535.\n$")
    end
end)

tap.done()
