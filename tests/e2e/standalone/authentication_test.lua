-- SPDX-License-Identifier: BSD-2-Clause
-- Users register and call with their passwords (RFC 3261 22, RFC 7616, RFC 8760), and nobody else does.
local certificates = require "certificates"
local digest = require "digest"
local server = require "server"
local tap = require "tap"
local ua = require "ua"
local wait = require "wait"

local test = tap.test
local domain = "example.test"
local plain = { { "udp", "127.0.0.1" }, { "tcp", "127.0.0.1" }, { "udp", "::1" }, { "tcp", "::1" } }
local kinds = { { "tls", "127.0.0.1" }, { "ws", "127.0.0.1" }, { "wss", "127.0.0.1" }, { "tls", "::1" },
    table.unpack(plain) }

local function start(t, options)
    options = options or {}
    options.args = options.args or {}
    options.users = options.users or digest.users(t, domain, options.passwords or { bob = "tell no one", alice = "x" })
    table.move({ "--users", options.users }, 1, 2, #options.args + 1, options.args)
    options.status = true
    local address = options.host == "::1" and "[::1]" or "127.0.0.1"
    options.listen = options.listen or { "udp:" .. address .. ":%d", "tcp:" .. address .. ":%d" }
    local ports = {}
    if options.transport and options.transport ~= "udp" and options.transport ~= "tcp" then
        ports[options.transport] = server.free_port()
        local files = certificates.new(t):sign("own", { names = "DNS:" .. domain })
        table.move({ "--tls-cert", files.certificate, "--tls-key", files.key, "--listen",
            ("%s:%s:%d"):format(options.transport, address, ports[options.transport]) }, 1, 6, #options.args + 1,
            options.args)
    end
    local s = server.start(t, options)
    return s, function(user, transport, more)
        more = more or {}
        more.port, more.user, more.domain = ports[transport] or s.port, user, domain
        more.host, more.transport = options.host, transport or "udp"
        return ua.open(more)
    end
end

local function registration(user, password, count)
    return { user = user, password = password, method = "REGISTER", uri = "sip:" .. domain, count = count }
end

-- REGISTER with a challenge; returns the challenge that was answered.
local function register(flow, password, options)
    options = options or {}
    options.expect = 401
    local challenge = digest.challenges(flow:register(options))[options.nth or 1]
    options.headers = { digest.header(challenge, registration(options.user or flow.user, password)) }
    options.expect = options.status or 200
    return challenge, flow:register(options)
end

-- A request outside dialogs, with a challenge. Returns the request that was sent with credentials.
local function send(flow, method, uri, password, options)
    options = options or {}
    options.uri = uri
    local challenge = digest.challenges(flow:expect_final(flow:request(method, options), 407))[1]
    options.headers = { digest.header(challenge, { user = options.user or flow.user, password = password,
        method = method, uri = uri }) }
    options.cseq = 2
    return flow:request(method, options), challenge
end

for _, kind in ipairs(kinds) do
    local transport, host = table.unpack(kind)
    local name = (" [%s, %s]"):format(transport, host)

    test("8760-a 3261-22.a each algorithm registers, in the order of the challenges" .. name, function(t)
        local _, open = start(t, { host = host, transport = transport,
            args = { "--auth-algorithms", "sha512-256,sha256,md5" } })
        for nth, algorithm in ipairs { "SHA-512-256", "SHA-256", "MD5" } do
            local bob = open("bob", transport)
            local challenge = register(bob, "tell no one", { nth = nth })
            t:equal(challenge.algorithm, algorithm)
            t:equal(challenge.realm, domain)
            t:equal(challenge.qop, "auth")
            t:equal(challenge.stale, nil)
        end
        register(open("bob", transport), "tell no one", { user = "bob@" .. domain })
    end)

    test("3261-22.a a call with credentials, and its dialog without" .. name, function(t)
        local s, open = start(t, { host = host, transport = transport })
        local alice, bob = open("alice", transport), open("bob", transport)
        register(bob, "tell no one")
        local invite = send(alice, "INVITE", bob.aor, "x")
        local received = bob:expect "INVITE"
        t:equal(received:get "Proxy-Authorization", nil)
        bob:reply(received, 200)
        local answer = alice:expect_final(invite, 200)
        bob:expect "ACK"
        -- Both sides send requests within the dialog, with a From of this domain.
        local again = alice:within("INVITE", invite, answer, { cseq = 3 })
        bob:reply(bob:expect "INVITE", 200)
        alice:expect(function(final)
            return final.status == 200 and final:cseq() == 3
        end)
        alice:within("ACK", again, answer)
        bob:expect "ACK"
        local bye = bob:within_called("BYE", received)
        alice:reply(alice:expect "BYE", 200)
        bob:expect_final(bye, 200)
        t:equal(s:number "challenged", 2)
        t:equal(s:number "authenticated", 2)
    end)

    test("7616-a a count is accepted once" .. name, function(t)
        local s, open = start(t, { host = host, transport = transport })
        local bob = open("bob", transport)
        local challenge = register(bob, "tell no one")
        local function again(count, status)
            local answer = bob:register { expect = status,
                headers = { digest.header(challenge, registration("bob", "tell no one", count)) } }
            if status == 401 then
                t:equal(digest.challenges(answer)[1].stale, "true")
            end
        end
        again(1, 401)
        again(70, 200)
        again(7, 200)
        again(7, 401)
        again(6, 401)
        again(70, 401)
        t:equal(s:number "authentication_failed", 0)
    end)

    test("3261-10.3.b nobody changes the bindings of another user" .. name, function(t)
        local s, open = start(t, { host = host, transport = transport })
        local bob, alice = open("bob", transport), open("alice", transport)
        register(bob, "tell no one")
        for _, contact in ipairs { "*", "<sip:alice@192.0.2.1>", ("<%s>;expires=0"):format(bob.contact_uri) } do
            register(alice, "x", { aor = bob.aor, user = "alice", contact = contact, expires = 0, status = 403 })
        end
        local challenge = digest.challenges(alice:register { aor = bob.aor, contact = false, expect = 401 })[1]
        local list = bob:register { contact = false, supported = false,
            headers = { digest.header(challenge, registration("bob", "tell no one")) } }
        t:equal(#list:values "Contact", 1)
        t:equal(s:number "refused_other_user", 3)
        s:expect_log("refused source=[^\n]* aor=sip:bob@example.test status=403 reason=other%-user detail=")
    end)

    test("3261-22.a a request in the name of another user" .. name, function(t)
        local _, open = start(t, { host = host, transport = transport })
        local bob, alice = open("bob", transport), open("alice", transport)
        register(bob, "tell no one")
        local request = send(alice, "MESSAGE", bob.aor, "x", { from = bob.aor, user = "alice" })
        alice:expect_final(request, 403)
        bob:expect_none("MESSAGE", 100)
    end)

    test("7616-a a call with a wrong password, and with a count that was used" .. name, function(t)
        local s, open = start(t, { host = host, transport = transport })
        local alice, bob = open("alice", transport), open("bob", transport)
        register(bob, "tell no one")
        local wrong, challenge = send(alice, "INVITE", bob.aor, "guess")
        t:equal(digest.challenges(alice:expect_final(wrong, 407))[1].stale, nil)
        t:equal(s:number "authentication_failed", 1)
        local right = digest.header(challenge, { user = "alice", password = "x", method = "INVITE", uri = bob.aor })
        for cseq, status in ipairs { 486, 407 } do -- the second one has the same count
            local call = alice:request("INVITE", { uri = bob.aor, cseq = cseq, headers = { right } })
            if status == 486 then
                bob:reply(bob:expect "INVITE", 486)
            end
            local answer = alice:expect_final(call, status)
            t:equal(status == 407 and digest.challenges(answer)[1].stale or nil, status == 407 and "true" or nil)
        end
        t:ok(not bob:receive("INVITE", 0), "a call without a password")
        t:equal(s:number "authentication_failed", 1)
    end)

    test("7616-a wrong passwords and unknown users are refused alike" .. name, function(t)
        local s, open = start(t, { host = host, transport = transport })
        local bob, mallory = open("bob", transport), open("mallory", transport)
        local _, wrong = register(bob, "guess", { status = 401 })
        local _, unknown = register(mallory, "guess", { status = 401 })
        t:equal(digest.challenges(wrong)[1].stale, nil)
        t:equal(digest.challenges(unknown)[1].stale, nil)
        t:equal(#digest.challenges(unknown), #digest.challenges(wrong))
        t:equal(s:number "refused_credentials", 2)
        register(bob, "tell no one")
    end)
end

test("7616-b a nonce of an earlier run or of another server is stale", function(t)
    local port = server.free_port()
    local users = digest.users(t, domain, { bob = "tell no one" })
    local s, open = start(t, { users = users, port = port })
    local bob = open "bob"
    local challenge = register(bob, "tell no one")
    s:stop()
    local later = start(t, { users = users, port = port })
    local header = digest.header(challenge, registration("bob", "tell no one", 2))
    local fresh = digest.challenges(bob:register { expect = 401, headers = { header } })[1]
    t:equal(fresh.stale, "true")
    bob:register { headers = { digest.header(fresh, registration("bob", "tell no one")) } }
    t:equal(later:number "authentication_failed", 0)
end)

test("7616-b a nonce ends with --nonce-time", function(t)
    local _, open = start(t, { args = { "--nonce-time", "10" } })
    local bob = open "bob"
    local challenge = register(bob, "tell no one")
    local count = 1
    local answer
    repeat -- with right credentials and a new count each time
        count = count + 1
        wait.pause(500)
        answer = bob:register { expect = false,
            headers = { digest.header(challenge, registration("bob", "tell no one", count)) } }
    until answer.status ~= 200 or count > 200
    t:equal(answer.status, 401)
    t:equal(digest.challenges(answer)[1].stale, "true")
end)

-- Each of them ends in a clear answer, and the next user is not affected.
local function bad_input(right)
    local function changed(name, value)
        local p = {}
        for key, content in pairs(right) do
            p[key] = content
        end
        p[name] = value
        return digest.write(p)
    end
    local all = digest.write(right)
    local list = { { all .. ", nc=00000001", 400 }, { all .. ", userhash=true", 400 }, { "Digest", 400 }, { "", 400 },
        { "Digest " .. ("a"):rep(2000), 400 }, { (all:gsub('cnonce="', 'cnonce="\\"', 1)), 401 },
        { all .. ', opaque="', 400 }, { all .. ";x=1", 400 },
        { "Basic Ym9iOmJvYg==", 401 }, { changed("realm", "example.net"), 401 }, { changed("uri", "sip:other.example"),
        400 }, { changed("algorithm", "SHA-512-256"), 401 }, { changed("algorithm", "ROT13"), 401 },
        { changed("username", "J\xc3\xb6rg"), 401 }, { changed("username", "J\xf6rg"), 401 },
        { changed("username", "b\\o\\\"b"), 401 }, { changed("username", "alice@example.net"), 401 },
        { changed("nc", "1"), 400 }, { changed("nc", "00000000"), 400 }, { changed("qop", "auth-int"), 400 },
        { changed("nonce", "x"), 401 }, { changed("response", ("0"):rep(64)), 401 }, { changed("response", ""), 401 } }
    for _, name in ipairs { "username", "realm", "nonce", "uri", "response", "cnonce", "nc", "qop" } do
        list[#list + 1] = { changed(name, nil), 400 }
        if name ~= "response" and name ~= "nonce" then
            list[#list + 1] = { changed(name, ""), name == "realm" and 401 or 400 }
        end
    end
    return list
end

for _, kind in ipairs(plain) do
    local transport, host = table.unpack(kind)
    test(("7616-a malformed credentials get a clear answer [%s, %s]"):format(transport, host), function(t)
        local s, open = start(t, { host = host, args = { "--limit-failures", "0" } })
        local bob = open("bob", transport)
        local challenge = digest.challenges(bob:register { expect = 401 })[1]
        local right = digest.parameters(challenge, registration("bob", "tell no one"))
        for _, case in ipairs(bad_input(right)) do
            local answer = bob:register { expect = false, headers = { { "Authorization", case[1] } } }
            if answer.status ~= case[2] then
                error(("%d and not %d to: %s"):format(answer.status, case[2], case[1]))
            end
            if answer.status == 400 then
                t:ok(answer.phrase:find "Bad Request: Authorization: ", answer.phrase)
            end
        end
        t:equal(s:number "authenticated", 0)
        register(bob, "tell no one")
    end)

    test(("7616-a 64 Authorization fields [%s, %s]"):format(transport, host), function(t)
        local _, open = start(t, { host = host })
        local bob = open("bob", transport)
        local challenge = digest.challenges(bob:register { expect = 401 })[1]
        local headers = {}
        for i = 1, 63 do
            headers[i] = { "Authorization", ('Digest username="bob", realm="%d.example", nonce="n", uri="sip:%s", ' ..
                'response="00"'):format(i, domain) }
        end
        headers[64] = digest.header(challenge, registration("bob", "tell no one"))
        bob:register { headers = headers }
        table.insert(headers, 1, headers[1])
        t:equal(bob:register { headers = headers, expect = 400 }.phrase,
            "Bad Request: Authorization: there are too many credentials")
    end)
end

test("many users register and call each other", function(t)
    local passwords, phones = {}, {}
    for i = 1, 20 do
        passwords["user" .. i] = "password " .. i
    end
    local s, open = start(t, { passwords = passwords })
    for i = 1, 20 do
        phones[i] = open("user" .. i, i % 2 == 0 and "tcp" or "udp")
        register(phones[i], "password " .. i)
    end
    for i = 1, 20 do
        local from, to = phones[i], phones[i % 20 + 1]
        local request = send(from, "MESSAGE", to.aor, "password " .. i)
        to:reply(to:expect "MESSAGE", 200)
        from:expect_final(request, 200)
    end
    t:equal(s:number "authenticated", 40)
    t:equal(s:number "authentication_failed", 0)
end)

test("guesses of passwords count as failures, and first requests do not", function(t)
    local _, open = start(t, { args = { "--limit-failures", "5" }, listen = { "udp:0.0.0.0:%d", "tcp:0.0.0.0:%d" },
        passwords = { bob = "tell no one" } })
    for _, transport in ipairs { "tcp", "udp" } do
        -- Loopback has no limits, but other addresses of this machine's loopback have.
        local mallory = open("bob", transport, { local_host = "127.0.0.9", host = "127.0.0.1" })
        for _ = 1, 10 do
            mallory:register { expect = 401 }
        end
        local challenge = digest.challenges(mallory:register { expect = 401 })[1]
        local header = digest.header(challenge, registration("bob", "guess"))
        for _ = 1, 5 do
            mallory:register { expect = 401, headers = { header } }
        end
        mallory:request("REGISTER", { uri = "sip:" .. domain, headers = { header } })
        if transport == "tcp" then
            mallory:expect_closed()
        else
            mallory:expect_none("final", 200)
        end
    end
end)

tap.done()
