-- SPDX-License-Identifier: BSD-2-Clause
-- TLS: certificates, flows over it, what is not allowed, and calls to servers that must prove who they are.
local certificates = require "certificates"
local channel = require "channel"
local server = require "server"
local tap = require "tap"
local ua = require "ua"
local uv = require "luv"

local test = tap.test
local one = ua.instance(1)

-- A server with a TLS listener. options: names (of the certificate), args, source, host.
local function start(t, options)
    options = options or {}
    local authority = options.authority or certificates.new(t)
    local default = authority:sign("default", { names = options.names or "DNS:example.test" })
    local port, host = server.free_port(), options.host or "127.0.0.1"
    local args = { "--listen", ("tls:%s:%d"):format(host:find ":" and "[" .. host .. "]" or host, port), "--tls-cert",
        default.certificate, "--tls-key", default.key }
    for _, argument in ipairs(options.args or {}) do
        args[#args + 1] = argument
    end
    local s = server.start(t, { args = args, source = options.source, status = true, domain = options.domain })
    s.authority, s.default, s.tls_port = authority, default, port
    function s.open(user, more)
        local o = { port = port, host = host, user = user, transport = "tls" }
        for name, value in pairs(more or {}) do
            o[name] = value
        end
        return ua.open(o)
    end
    return s
end

-- The subject of the certificate that is shown for this name.
local function shown(s, name)
    local alice = s.open("alice", { tls = { name = name } })
    assert(alice.channel.below.open, alice.channel.below.failure)
    local subject = alice.channel.below.ssl:getpeercertificate():subject()[1].value
    alice:close()
    return subject
end

local function serves(s)
    local bob = s.open "bob"
    bob:register { instance = one, reg_id = 1 }
    bob:close()
end

local function number(s, name)
    return s:number(name)
end

local function until_number(s, name, least)
    assert(ua.wait.until_true(ua.patience, function()
        return number(s, name) >= least
    end), ("%s stays at %d"):format(name, number(s, name)))
end

for _, host in ipairs { "127.0.0.1", "::1" } do
    test("REGISTER, a call and its dialog over TLS flows, " .. host, function(t)
        local s = start(t, { host = host })
        local alice, bob = s.open "alice", s.open "bob"
        bob:register { instance = one, reg_id = 1 }
        local call = alice:invite(bob.aor)
        local invite = bob:expect "INVITE"
        t:match(invite:get "Via", "^SIP/2%.0/TLS ")
        t:match(invite:get "Record-Route", ";transport=tls;lr")
        bob:reply(invite, 200)
        local answer = alice:expect_final(call, 200)
        bob:expect "ACK"
        local bye = alice:within("BYE", call, answer)
        bob:reply(bob:expect "BYE", 200)
        alice:expect_final(bye, 200)
        alice:ping()
    end)
end

test("5626-7.f 5626-7.h a TLS flow dies in mid-call, the other of the instance rings", function(t)
    local s = start(t)
    local alice = ua.open { port = s.port, user = "alice" }
    local first, second = s.open "bob", s.open "bob"
    second:register { instance = one, reg_id = 2, q = "0.5" }
    first:register { instance = one, reg_id = 1, q = "1.0" }
    local call = alice:invite(first.aor)
    first:expect "INVITE"
    first:close()
    second:reply(second:expect "INVITE", 486)
    alice:expect_final(call, 486)
end)

test("5626-5.3.c a request for a closed TLS flow of an edge hears 430", function(t)
    local registrar = server.start(t, { args = { "--t1", "100" } })
    local file = assert(io.open "examples/edge.lua")
    local text = file:read("a"):gsub("127%.0%.0%.1:5060", "127.0.0.1:" .. registrar.port)
    file:close()
    local s = start(t, { source = text, domain = false, args = { "--idle", "3" } })
    local alice = ua.open { port = registrar.port, user = "alice" }
    local bob = s.open "bob"
    t:equal(bob:register { instance = one, reg_id = 1 }:get "Flow-Timer", "120")
    -- 5626-5.4.c: longer than --idle, and the flow is still there.
    ua.wait.pause(4500)
    t:equal(number(s, "idle"), 0)
    local call = alice:invite(bob.aor)
    bob:reply(bob:expect "INVITE", 486)
    alice:expect_final(call, 486)
    bob:close()
    until_number(s, "flows_down", 1)
    alice:expect_final(alice:invite(bob.aor), 480)
    t:equal(number(s, "tokens_gone"), 1)
end)

test("a connection without a registration is closed as idle, TLS or not", function(t)
    local s = start(t, { args = { "--idle", "3" } })
    local alice = s.open "alice"
    alice:expect_closed()
    t:equal(number(s, "idle"), 1)
end)

test("the certificate goes by the name that the client gives", function(t)
    local authority = certificates.new(t)
    local a, b = authority:sign "a.test", authority:sign "b.test"
    local s = start(t, { authority = authority, args = { "--tls-domain", ("a.test=%s,%s"):format(a.certificate, a.key),
        "--tls-domain", ("b.test=%s,%s"):format(b.certificate, b.key) } })
    t:equal(shown(s, "a.test"), "a.test")
    t:equal(shown(s, "B.TEST"), "b.test")
    t:equal(shown(s, "c.test"), "default")
    t:equal(shown(s), "default")
end)

test("without a certificate for everybody, a name that is not ours is turned away", function(t)
    local authority = certificates.new(t)
    local a = authority:sign "a.test"
    local port = server.free_port()
    local s = server.start(t, { status = true, args = { "--listen", "tls:127.0.0.1:" .. port, "--tls-domain",
        ("a.test=%s,%s"):format(a.certificate, a.key) } })
    local fine = ua.open { port = port, user = "bob", transport = "tls", tls = { name = "a.test" } }
    fine:register { instance = one, reg_id = 1 }
    local wrong = ua.open { port = port, user = "bob", transport = "tls", tls = { name = "c.test" } }
    wrong:expect_closed()
    t:match(wrong.channel.below.failure, "unrecognized name")
    until_number(s, "tls_failed", 1)
end)

test("SIGHUP takes new certificates while connections stay; a broken one changes nothing, loudly", function(t)
    local s = start(t)
    local bob = s.open "bob"
    bob:register { instance = one, reg_id = 1 }
    local renewed = s.authority:sign "renewed"
    certificates.replace(renewed.certificate, s.default.certificate)
    -- Half of the change: the key is still the old one.
    s:signal "sighup"
    s:expect_log "error: certificates stay as they were: %-%-tls%-key [^\n]*default%.key: the key is not that of"
    t:equal(shown(s), "default")
    certificates.replace(renewed.key, s.default.key)
    s:signal "sighup"
    s:expect_log "notice: certificates read again"
    t:equal(shown(s), "renewed")
    local alice = ua.open { port = s.port, user = "alice" }
    alice:call(bob)
    server.write(s.default.certificate, "nothing")
    s:signal "sighup"
    s:expect_log "default%.pem: no certificate in PEM"
    os.remove(s.default.key)
    t:equal(shown(s), "renewed")
end)

test("what cannot be served is reported at start in one line", function(t)
    local authority = certificates.new(t)
    local a, b = authority:sign "a.test", authority:sign "b.test"
    local port = server.free_port()
    local function refused(why, ...)
        local run = server.run { "serve", "examples/registrar.lua", "--listen", "tls:127.0.0.1:" .. port, ... }
        t:equal(run.status, 2)
        t:match(run.err, why)
        t:equal(select(2, run.err:gsub("\n", "\n")), 1, "lines")
    end
    refused "needs %-%-tls%-cert"
    refused("go together", "--tls-cert", a.certificate)
    refused("No such file", "--tls-cert", a.certificate .. ".not", "--tls-key", a.key)
    refused("the key is not that of the certificate", "--tls-cert", a.certificate, "--tls-key", b.key)
    refused("no certificate in PEM", "--tls-cert", a.key, "--tls-key", a.key)
    refused("no private key in PEM", "--tls-cert", a.certificate, "--tls-key", a.certificate)
    refused("%-%-tls%-client%-ca .* no certificate", "--tls-cert", a.certificate, "--tls-key", a.key,
        "--tls-client-ca", a.key)
    refused("%-%-tls%-ca .* No such file", "--tls-cert", a.certificate, "--tls-key", a.key, "--tls-ca", "none.pem")
    refused("needs %-%-tls%-client%-ca", "--tls-cert", a.certificate, "--tls-key", a.key, "--tls-client-verify")
    refused("not DOMAIN=CERTIFICATE,KEY", "--tls-domain", "a.test=only.pem")
    os.execute(("openssl ec -in %s -aes128 -passout pass:secret -out %s.sealed 2>/dev/null"):format(a.key, a.key))
    refused("without a passphrase", "--tls-cert", a.certificate, "--tls-key", a.key .. ".sealed")
end)

test("a private key that others may read is warned of", function(t)
    local authority = certificates.new(t)
    local a = authority:sign "a.test"
    os.execute("chmod 644 " .. a.key)
    local s = start(t, { authority = authority,
        args = { "--tls-domain", ("a.test=%s,%s"):format(a.certificate, a.key) } })
    s:expect_log "warning: [^\n]*a%.test%.key: others may read this private key %(mode 644%)"
    t:equal(select(2, s.err:gsub("others may read", "")), 1)
end)

test("a client's certificate is checked where it shows one, and demanded where told to", function(t)
    local authority, other = certificates.new(t), certificates.new(t)
    local good, bad = authority:sign "phone", other:sign "stranger"
    local s = start(t, { authority = authority, args = { "--tls-client-ca", authority.certificate } })
    serves(s)
    s.open("bob", { tls = good }):register { instance = one, reg_id = 1 }
    s.open("bob", { tls = bad }):expect_closed()
    until_number(s, "tls_failed", 1)
    local strict = start(t, { authority = authority,
        args = { "--tls-client-ca", authority.certificate, "--tls-client-verify" } })
    strict.open("bob", { tls = good }):register { instance = one, reg_id = 1 }
    strict.open "bob":expect_closed()
    strict.open("bob", { tls = bad }):expect_closed()
    until_number(strict, "tls_failed", 2)
end)

test("TLS 1.2 and 1.3 are spoken; what is older, or no TLS, is a counted drop that harms nobody", function(t)
    local s = start(t)
    local neighbour = s.open "carol"
    neighbour:register { instance = one, reg_id = 1 }
    for _, version in ipairs { "tlsv1_2", "tlsv1_3" } do
        s.open("bob", { tls = { protocol = version } }):register { instance = one, reg_id = 1 }
    end
    local function hello(major, minor)
        -- A ClientHello of that version with one suite and no extensions.
        local body = string.char(major, minor) .. ("r"):rep(32) .. "\0" .. string.pack(">I2I2", 2, 0x002f) .. "\1\0"
        local message = "\1" .. string.pack(">I3", #body) .. body
        return "\22" .. string.char(3, minor) .. string.pack(">s2", message)
    end
    local wrong = { hello(3, 1), hello(3, 2), hello(3, 0), "\128\46\1\0\2" .. ("s"):rep(43),
        "OPTIONS sip:a SIP/2.0\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n", ("\0"):rep(64), "\22\3\1\255\255" .. ("x"):rep(70000) }
    for index, bytes in ipairs(wrong) do
        local before = number(s, "tls_failed")
        local closed = false
        local raw = channel.open { transport = "tcp", host = "127.0.0.1", port = s.tls_port, on_bytes = function() end,
            on_close = function()
                closed = true
            end }
        raw:send(bytes)
        assert(ua.wait.until_true(ua.patience, function()
            return closed
        end), "still open after number " .. index)
        raw:close()
        until_number(s, "tls_failed", before + 1)
    end
    neighbour:ping()
    serves(s)
end)

test("half a handshake ends after --message-time, and others do not wait for it", function(t)
    local s = start(t, { args = { "--message-time", "1" } })
    local flows = {}
    for index = 1, 20 do
        flows[index] = channel.open { transport = "tcp", host = "127.0.0.1", port = s.tls_port,
            on_bytes = function() end, on_close = function() end }
        flows[index]:send(index % 2 == 0 and "\22\3\1" or "")
    end
    serves(s)
    until_number(s, "unfinished", 20)
    for _, flow in ipairs(flows) do
        flow:close()
    end
    t:equal(number(s, "tls_failed"), 0)
end)

test("who negotiates anew is dropped", function(t)
    local s = start(t)
    local input, output, got, ended = uv.new_pipe(false), uv.new_pipe(false), "", false
    local process
    process = uv.spawn("openssl", { args = { "s_client", "-connect", "127.0.0.1:" .. s.tls_port, "-tls1_2",
        "-legacy_renegotiation" }, stdio = { input, output } }, function()
        ended = true
        process:close()
    end)
    output:read_start(function(_, chunk)
        got = got .. (chunk or "")
    end)
    ua.wait.until_true(ua.patience, function()
        return got:find "Verify return code"
    end)
    input:write "R\n"
    ua.wait.until_true(ua.patience, function()
        return ended
    end)
    input:close()
    output:close()
    assert(ended, "s_client is still connected: " .. got:sub(-300))
    until_number(s, "tls_failed", 1)
    serves(s)
end)

test("a peer that does not read loses its connection, not our memory", function(t)
    local s = start(t)
    local bob, alice = s.open "bob", ua.open { port = s.port, user = "alice", transport = "tcp" }
    bob:register { instance = one, reg_id = 1 }
    bob.channel.below.poll:stop()
    local body = ("x"):rep(60000)
    for _ = 1, 400 do
        alice:request("MESSAGE", { uri = bob.aor, body = body, contact = false })
        ua.wait.pause(1)
        if number(s, "slow") > 0 then
            break
        end
    end
    t:equal(number(s, "slow"), 1)
    serves(s)
end)

test("tickets spare those who come back", function(t)
    local s = start(t)
    local function connect(session)
        local process = assert(io.popen(("echo | timeout 10 openssl s_client -connect 127.0.0.1:%d %s %s 2>&1")
            :format(s.tls_port, session, "-tls1_2")))
        local out = process:read "a"
        process:close()
        return out
    end
    local file = require("temporary").path()
    connect("-sess_out " .. file)
    t:match(connect("-sess_in " .. file), "\nReused, TLSv1.2")
    os.remove(file)
    until_number(s, "tls_resumed", 1)
end)

-- --- outgoing ---

-- Everything to one destination.
local function relay_to(uri)
    return ([[local sip = require "reflow"
sip.on_request("OPTIONS", function() return sip.relay(%q) end)]]):format(uri)
end

local function outgoing(t, names, uri, options)
    options = options or {}
    local far = start(t, { names = names, authority = options.authority, domain = "localhost" })
    local port = server.free_port()
    local near = server.start(t, { source = relay_to((uri:gsub("PORT", tostring(far.tls_port)))), status = true,
        args = { "--listen", "tls:127.0.0.1:" .. port, "--tls-cert", far.default.certificate, "--tls-key",
            far.default.key, "--tls-ca", (options.ca or far.authority).certificate, "--t1", "100" } })
    return near, far
end

local function asks(near, status)
    local alice = ua.open { port = near.port, user = "alice" }
    local request = alice:request("OPTIONS", { uri = "sip:example.test", contact = false })
    return alice:expect_final(request, status)
end

for name, case in pairs {
    ["a DNS name"] = { "DNS:localhost", "sip:localhost:PORT;transport=tls" },
    ["a SIP URI"] = { "URI:sip:localhost,DNS:other.test", "sip:localhost:PORT;transport=tls" },
    ["sips"] = { "DNS:LocalHost", "sips:localhost:PORT" },
    ["an address"] = { "IP:127.0.0.1", "sip:127.0.0.1:PORT;transport=tls" },
} do
    test("5922-7.a a request goes over TLS to who proves by " .. name .. " to be the domain asked for", function(t)
        local near, far = outgoing(t, case[1], case[2])
        asks(near, 200)
        asks(near, 200)
        t:equal(number(near, "opened"), 1, "one connection for both")
        t:equal(number(far, "accepted"), 1)
    end)
end

for name, case in pairs {
    ["another DNS name"] = { "DNS:other.test", "sip:localhost:PORT;transport=tls" },
    ["a wildcard"] = { "DNS:*.localhost,DNS:*", "sip:localhost:PORT;transport=tls" },
    ["a user's URI"] = { "URI:sip:alice@localhost", "sip:localhost:PORT;transport=tls" },
    ["a web address"] = { "URI:https://localhost", "sip:localhost:PORT;transport=tls" },
    ["another address"] = { "IP:127.0.0.2", "sip:127.0.0.1:PORT;transport=tls" },
} do
    test("5922-7.a who proves by " .. name .. " to be somebody else is not sent the request", function(t)
        local near, far = outgoing(t, case[1], case[2])
        asks(near, 500)
        until_number(near, "tls_failed", 1)
        near:expect_log "TLS with 127%.0%.0%.1:%d+: the certificate is for another domain"
        t:equal(number(far, "requests"), 0)
    end)
end

test("a server whose certificate nobody we trust has signed is not sent the request", function(t)
    local near, far = outgoing(t, "DNS:localhost", "sip:localhost:PORT;transport=tls", { ca = certificates.new(t) })
    asks(near, 500)
    until_number(near, "tls_failed", 1)
    near:expect_log "TLS with 127%.0%.0%.1:%d+: unable to get local issuer certificate"
    t:equal(number(far, "requests"), 0)
end)

test("nobody there, somebody who does not speak TLS: the request fails soon", function(t)
    local near, far = outgoing(t, "DNS:localhost", "sip:localhost:PORT;transport=tls")
    far:stop()
    asks(near, 500)
    local udp = outgoing(t, "DNS:localhost", "sips:localhost:PORT;transport=udp")
    asks(udp, 500)
    local ws = outgoing(t, "DNS:localhost", "sip:localhost:PORT;transport=ws")
    asks(ws, 500)
end)

test("a request for a sips URI goes by TLS alone and leaves a sips route", function(t)
    local s = start(t)
    local alice, bob = s.open "alice", s.open "bob"
    bob:register { instance = one, reg_id = 1 }
    local call = alice:invite "sips:bob@example.test"
    local invite = bob:expect "INVITE"
    t:match(invite:get "Record-Route", "^<sips:[^>]*;transport=tls;lr>")
    bob:reply(invite, 486)
    alice:expect_final(call, 486)
    local plain = ua.open { port = s.port, user = "carol", transport = "tcp" }
    plain:register { instance = ua.instance(2), reg_id = 1 }
    alice:expect_final(alice:invite "sips:carol@example.test", 480)
    plain:expect_none "INVITE"
    t:equal(#plain:bindings "sip:carol@example.test", 1)
    plain:expect_final(plain:invite "sips:bob@example.test", 416)
end)

tap.done()
