-- SPDX-License-Identifier: BSD-2-Clause
-- Every request that the server refuses leaves one line in its log and a counter in its status.
local certificates = require "certificates"
local tap = require "tap"
local ua = require "ua"
local server = require "server"

local test = tap.test

local function start(t, options)
    options = options or {}
    options.status = true
    local s = server.start(t, options)
    return s, function(user, transport)
        return ua.open { port = s.port, user = user, domain = s.domain, transport = transport or "udp" }
    end
end

local function source(flow)
    return ("source=127.0.0.1:%d transport=%s"):format(flow.local_port, flow.transport)
end

-- The line of this refusal, as a plain text that must be on standard error; and its counter.
local function expect_refused(t, s, line, reason, count)
    local plain = line:gsub("%p", "%%%0")
    s:expect_log("reflow: notice: refused " .. plain .. "\n", ua.patience)
    t:equal(s:number("refused_" .. reason:gsub("-", "_")), count or 1)
end

for _, transport in ipairs { "udp", "tcp" } do
    test("a REGISTER for a foreign domain is logged with source, method and AOR: " .. transport, function(t)
        local s, open = start(t)
        local bob = open("bob", transport)
        bob:expect_final(bob:request("REGISTER", { uri = "sip:example.net", to = "sip:bob@example.net" }), 403)
        expect_refused(t, s, source(bob) .. " method=REGISTER aor=sip:bob@example.net status=403 reason=foreign-domain",
            "foreign-domain")
    end)

    test("a request for elsewhere is logged as relaying denied: " .. transport, function(t)
        local s, open = start(t)
        local bob = open("bob", transport)
        bob:expect_final(bob:request("MESSAGE", { uri = "sip:carol@example.net" }), 403)
        expect_refused(t, s, source(bob) .. " method=MESSAGE aor=sip:carol@example.net status=403 reason=relay-denied",
            "relay-denied")
    end)

    test("a malformed request is logged with what is wrong in it: " .. transport, function(t)
        local s, open = start(t)
        local bob = open("bob", transport)
        bob:expect_final(bob:request("REGISTER", { uri = "sip:example.test", to = bob.aor,
            contact = "<sip:bob@h:99999>" }), 400)
        s:expect_log("refused " .. source(bob):gsub("%p", "%%%0") ..
            " method=REGISTER aor=sip:bob@example.test status=400 reason=malformed detail=\"Contact: [^\n]*\"\n")
        t:equal(s:number "refused_malformed", 1)
    end)
end

test("the transport of a refused request is named: tls, ws, wss", function(t)
    local ports, args = {}, {}
    local files = certificates.new(t):sign "default"
    for _, transport in ipairs { "tls", "ws", "wss" } do
        ports[transport] = server.free_port()
        args[#args + 1] = "--listen"
        args[#args + 1] = ("%s:127.0.0.1:%d"):format(transport, ports[transport])
    end
    for _, argument in ipairs { "--tls-cert", files.certificate, "--tls-key", files.key } do
        args[#args + 1] = argument
    end
    local s = start(t, { args = args })
    for transport, port in pairs(ports) do
        local bob = ua.open { port = port, user = "bob", domain = s.domain, transport = transport }
        bob:expect_final(bob:request("REGISTER", { uri = "sip:example.net", to = "sip:bob@example.net" }), 403)
        s:expect_log(("refused source=127%%.0%%.0%%.1:%%d+ transport=%s method=REGISTER aor=sip:bob@example.net " ..
            "status=403 reason=foreign%%-domain"):format(transport), ua.patience)
        -- A source has one line a minute for a reason, so the next transport needs a new server.
        s:stop()
        s = start(t, { args = args })
    end
end)

test("To of a foreign domain in a REGISTER that is ours: foreign-domain", function(t)
    local s, open = start(t)
    local bob = open "bob"
    bob:expect_final(bob:request("REGISTER", { uri = "sip:example.test", to = "sip:bob@example.net" }), 404)
    expect_refused(t, s, source(bob) .. " method=REGISTER aor=sip:bob@example.net status=404 reason=foreign-domain",
        "foreign-domain")
end)

-- sip_route(), as in examples/registrar.lua, which other domains have no bindings for.
test("a call to a foreign domain that the policy routes to bindings: foreign-domain", function(t)
    local s, open = start(t)
    local bob = open "bob"
    bob:expect_final(bob:invite "sip:carol@example.net", 480)
    expect_refused(t, s, source(bob) .. " method=INVITE aor=sip:carol@example.net status=480 reason=foreign-domain",
        "foreign-domain")
    bob:expect_final(bob:invite "sip:nobody@example.test", 480)
    t:equal(s:number "refused_foreign_domain", 1)
end)

test("a registration that is too short, or that exceeds a limit, is logged", function(t)
    local s, open = start(t)
    local bob = open "bob"
    bob:expect_final(bob:request("REGISTER", { uri = "sip:example.test", to = bob.aor,
        headers = { { "Expires", "5" } } }), 423)
    expect_refused(t, s, source(bob) ..
        " method=REGISTER aor=sip:bob@example.test status=423 reason=interval-too-brief", "interval-too-brief")
    local contacts = {}
    for index = 1, 33 do
        contacts[index] = { "Contact", ("<sip:bob@192.0.2.%d>"):format(index) }
    end
    local answer = bob:expect_final(bob:request("REGISTER", { uri = "sip:example.test", to = bob.aor,
        headers = contacts, contact = false }))
    t:ok(answer.status == 403 or answer.status == 400)
    s:expect_log("refused " .. source(bob):gsub("%p", "%%%0") .. " method=REGISTER [^\n]*status=" .. answer.status)
end)

test("what the policy refuses or drops is logged", function(t)
    local s, open = start(t, { source = [[
        sip_on_request("INVITE", function() return sip_reply(603, "No") end)
        sip_on_request("MESSAGE", function() return sip_drop() end)
        sip_on_request("INFO", function() return sip_reply(200) end)
        sip_on_register(function() return sip_reply(403, "Not you") end)]] })
    local bob = open "bob"
    bob:expect_final(bob:request("INFO", { uri = "sip:carol@example.test" }), 200)
    t:equal(s:number "refused_policy", 0)
    bob:expect_final(bob:request("INVITE", { uri = "sip:carol@example.test" }), 603)
    expect_refused(t, s, source(bob) .. " method=INVITE aor=sip:carol@example.test status=603 reason=policy", "policy")
    bob:request("MESSAGE", { uri = "sip:carol@example.test" })
    ua.wait.until_true(ua.patience, function()
        return s:number "refused_policy" == 2
    end)
    bob:expect_final(bob:request("REGISTER", { uri = "sip:example.test", to = bob.aor }), 403)
    t:equal(s:number "refused_policy", 3)
end)

test("numbers of hops, extensions, unknown transactions and ACKs of no dialog are logged", function(t)
    local s, open = start(t)
    local bob = open "bob"
    bob:expect_final(bob:request("OPTIONS", { uri = "sip:carol@example.test", max_forwards = 0 }), 483)
    expect_refused(t, s, source(bob) .. " method=OPTIONS aor=sip:carol@example.test status=483 reason=too-many-hops",
        "too-many-hops")
    bob:expect_final(bob:request("OPTIONS", { uri = "sip:carol@example.test", headers = { { "Proxy-Require", "x" } } }),
        420)
    expect_refused(t, s, source(bob) .. " method=OPTIONS aor=sip:carol@example.test status=420 reason=extension",
        "extension")
    bob:expect_final(bob:request("CANCEL", { uri = "sip:carol@example.test" }), 481)
    expect_refused(t, s, source(bob) .. " method=CANCEL aor=sip:carol@example.test status=481 reason=no-transaction",
        "no-transaction")
    bob:request("ACK", { uri = "sip:carol@example.net" })
    expect_refused(t, s, source(bob) .. " method=ACK aor=sip:carol@example.net status=0 reason=no-dialog", "no-dialog")
end)

test("bytes that are no SIP message are logged and dropped", function(t)
    local s, open = start(t)
    local bob = open "bob"
    bob:send_raw "What is this?\r\nrefused source=forged\r\n\r\n"
    s:expect_log("refused " .. source(bob):gsub("%p", "%%%0") .. " method=%- aor=%- status=0 reason=malformed")
    t:ok(not s.err:find "source=forged")
end)

test("a connection beyond --max-connections is logged", function(t)
    local s, open = start(t, { args = { "--max-connections", "1" } })
    open("one", "tcp"):ping()
    local two = open("two", "tcp")
    expect_refused(t, s, source(two) .. " method=- aor=- status=0 reason=connection-limit", "connection-limit")
end)

test("--mask-numbers masks the AOR", function(t)
    local s, open = start(t, { args = { "--mask-numbers" } })
    local bob = open "bob"
    bob:expect_final(bob:request("MESSAGE", { uri = "sip:+15551234500@example.net" }), 403)
    expect_refused(t, s, source(bob) .. " method=MESSAGE aor=sip:+15****00@example.net status=403 reason=relay-denied",
        "relay-denied")
end)

test("a source that is refused again and again has one line, and its count at the end", function(t)
    local s, open = start(t)
    local bob = open "bob"
    for _ = 1, 20 do
        bob:expect_final(bob:request("MESSAGE", { uri = "sip:carol@example.net" }), 403)
    end
    t:equal(s:number "refused_relay_denied", 20)
    s:expect_log "refused source="
    local _, lines = s.err:gsub("refused source=", "")
    t:equal(lines, 1)
    s:stop()
    t:match(s.err, "reason=relay%-denied count=19\n")
end)

tap.done()
