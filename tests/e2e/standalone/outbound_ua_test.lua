-- SPDX-License-Identifier: BSD-2-Clause
-- A Lua program as outbound user agent (RFC 5626 section 4): lua/reflow/ua.lua, in a process of its own.
local agent = require "agent"
local peer = require "peer"
local server = require "server"
local tap = require "tap"
local ua = require "ua"
local wait = require "wait"

local test = tap.test

-- The RFC's waits, a hundred times as fast.
local FAST = "times = { base = 0.3, base_alive = 0.9, most = 18, answer = 2, pong = 1 }"

local function tcp(port)
    return ("sip:127.0.0.1:%d;transport=tcp"):format(port)
end

local function udp(port)
    return ("sip:127.0.0.1:%d"):format(port)
end

local function options(proxies, more)
    local quoted = {}
    for i, proxy in ipairs(proxies) do
        quoted[i] = ("%q"):format(proxy)
    end
    return ("proxies = { %s }, %s, %s"):format(table.concat(quoted, ", "), FAST, more or "")
end

local function binds(request)
    return peer.bind(request)
end

local function reg_ids(flow, aor)
    local list = {}
    for _, contact in ipairs(flow:bindings(aor)) do
        list[#list + 1] = contact:match ";reg%-id=(%d+)"
    end
    table.sort(list)
    return table.concat(list, " ")
end

local function expect_registered(number, pattern)
    return ("reg%%-id %d%%): registered%s"):format(number, pattern or "")
end

test("examples/outbound_ua.lua registers two flows, answers calls, and unregisters at the end", function(t)
    local s = server.start(t, { args = { "--t1", "100" } })
    local phone = agent.run(t, { "examples/outbound_ua.lua", "bob", tcp(s.port), udp(s.port) },
        { DOMAIN = s.domain })
    phone:expect "flows registered: 2"
    local alice = ua.open { port = s.port, user = "alice", domain = s.domain }
    local aor = "sip:bob@" .. s.domain
    t:equal(reg_ids(alice, aor), "1 2")
    alice:expect_final(alice:invite(aor), 486)
    phone:expect "INVITE from sip:alice@"
    alice:expect_final(alice:request("OPTIONS", { uri = aor }), 200)
    phone:finish()
    t:equal(phone:count ": unregistered", 2)
    t:equal(#alice:bindings(aor), 0)
    t:equal(phone.err, "")
end)

test("examples/outbound_ua.lua registers over IPv6", function(t)
    local port = server.free_port()
    local s = server.spawn { "serve", "examples/registrar.lua", "--domain", "example.test",
        "--listen", ("udp:[::1]:%d"):format(port), "--listen", ("tcp:[::1]:%d"):format(port) }
    t:defer(function() s:finish() end)
    if not wait.until_true(30000, function() return s.status or s.err:find "serving with" end) or s.status then
        s.killed = true
        t:skip("no IPv6 here: " .. s.err)
    end
    local proxy = ("sip:[::1]:%d"):format(port)
    local phone = agent.run(t, { "examples/outbound_ua.lua", "bob", proxy, proxy .. ";transport=tcp" },
        { DOMAIN = "example.test" })
    phone:expect "flows registered: 2"
end)

test("5626-4.5.a 5626-4.5.b a flow that is lost comes back with its reg-id, calls come over the other", function(t)
    local s = server.start(t)
    local port = server.free_port()
    local relay = peer.relay(t, port, s.port)
    local phone = agent.start(t, options({ tcp(port), tcp(s.port) }, "invite = 200, route = false"))
    phone:expect "flows registered: 2"
    local alice = ua.open { port = s.port, user = "alice", domain = s.domain }
    local aor = "sip:bob@" .. s.domain
    relay:cut()
    local _, lost = phone:expect "reg%-id 1%): failed %(the connection is gone%), again in"
    alice:expect_final(alice:invite(aor), 200)
    relay.open()
    local _, back = phone:expect(expect_registered(1), 2)
    t:ok(back - lost >= 850, "back after " .. back - lost)
    t:at_most(back - lost, 15000) -- the waits of a base of 90 s are longer
    t:equal(reg_ids(alice, aor), "1 2")
end)

local function edge_script(registrar)
    local file = assert(io.open "examples/edge.lua")
    local text = file:read "a":gsub("127%.0%.0%.1:5060", "127.0.0.1:" .. registrar.port)
    file:close()
    return text
end

test("5626-4.5.b an edge is killed and comes back, and so does the flow over it", function(t)
    local registrar = server.start(t, { args = { "--t1", "100" } })
    local function edge(port)
        return server.start(t, { source = edge_script(registrar), domain = false, port = port,
            args = { "--t1", "100" } })
    end
    local first, second = edge(), edge()
    local phone = agent.start(t, options({ tcp(first.port), udp(second.port) }, "invite = 200"))
    phone:expect "flows registered: 2"
    first:kill()
    phone:expect "reg%-id 1%): failed %(the connection is gone%)"
    local alice = ua.open { port = registrar.port, user = "alice", domain = registrar.domain }
    local aor = "sip:bob@" .. registrar.domain
    alice:expect_final(alice:invite(aor), 200)
    phone:expect "reg%-id 1%): failed %(the flow could not be opened%)"
    edge(first.port)
    phone:expect(expect_registered(1), 2, 30000)
    t:equal(reg_ids(alice, aor), "1 2")
end)

test("5626-4.2.a pings follow Flow-Timer, and without Require: outbound there are none", function(t)
    local outbound, plain = server.free_port(), server.free_port()
    local with = peer.open(t, outbound, function(request)
        return peer.bind(request, { { "Flow-Timer", 1 } })
    end)
    local without = peer.open(t, plain, function(request)
        return peer.answer(request, 200, { { "Contact", request:get "Contact" }, { "Flow-Timer", 1 } })
    end)
    agent.start(t, options { tcp(outbound), tcp(plain) })
    t:ok(wait.until_true(30000, function() return with.pings >= 3 end), "no pings")
    t:equal(without.pings, 0)
    t:equal(#with.requests, 1)
end)

test("5626-4.4.b a pong that does not come fails the flow", function(t)
    local port = server.free_port()
    local registrar = peer.open(t, port, function(request)
        return peer.bind(request, { { "Flow-Timer", 1 } })
    end)
    registrar.pong = false
    local phone = agent.start(t, options { tcp(port) })
    phone:expect "failed %(no pong came in time%)"
    local again = registrar:expect(2)
    t:match(again:get "Contact", ";reg%-id=1;")
    t:ok(wait.until_true(30000, function() return registrar.closed >= 1 end), "the dead connection was left open")
end)

test("5626-4.4.b STUN keeps a UDP flow, another mapped address fails it", function(t)
    local port = server.free_port()
    local registrar = peer.open(t, port, function(request)
        return peer.bind(request, { { "Flow-Timer", 1 } })
    end)
    local mapped = 4000
    registrar.stun = function(bytes)
        return peer.mapped(bytes, mapped)
    end
    local phone = agent.start(t, options { udp(port) })
    t:ok(wait.until_true(30000, function() return registrar.pings >= 2 end), "no pings")
    t:equal(#registrar.requests, 1)
    mapped = 4001
    phone:expect "failed %(a NAT has given the flow another mapped address%), again in 0.0 s"
    registrar:expect(2)
    phone:expect(expect_registered(1), 2)
end)

test("5626-4.4.b STUN requests are repeated, garbage and foreign answers are no pong", function(t)
    local port = server.free_port()
    local registrar = peer.open(t, port, function(request)
        return peer.bind(request, { { "Flow-Timer", 1 } })
    end)
    registrar.stun = function(bytes)
        return registrar.pings % 2 == 1 and "\1\1\0\0" .. bytes:sub(5, 8) .. ("x"):rep(12)
            or peer.mapped(bytes, 1):sub(1, -3)
    end
    local phone = agent.start(t, options({ udp(port) }))
    phone:expect "failed %(no pong came in time%)"
    t:ok(registrar.pings >= 2, "not repeated")
end)

-- Digest as RFC 7616 writes it, apart from the code under test.
local function hash(program, text)
    local path = server.temporary()
    server.write(path, text)
    local pipe = io.popen(program .. " " .. path)
    local hex = pipe:read "a":match "%x+"
    pipe:close()
    os.remove(path)
    return hex
end

local function is_right(credentials, program, password)
    local given = {}
    for name, value in credentials:gmatch '([%w]+)="?([^",]*)"?' do
        given[name] = value
    end
    local secret = hash(program, ("%s:%s:%s"):format(given.username, given.realm, password))
    local request = hash(program, "REGISTER:" .. given.uri)
    return given.response == hash(program, table.concat({ secret, given.nonce, given.nc, given.cnonce, given.qop,
        request }, ":")), given
end

local function challenge(algorithm, nonce, more)
    return { "WWW-Authenticate", ('Digest realm="test", nonce="%s", qop="auth"%s%s'):format(nonce,
        algorithm and ", algorithm=" .. algorithm or "", more or "") }
end

local algorithms = { { nil, "md5sum" }, { "MD5", "md5sum" }, { "SHA-256", "sha256sum" } }
for _, row in ipairs(algorithms) do
    local algorithm, program = row[1], row[2]
    test(("3261-8.1.3.d digest authentication with %s"):format(algorithm or "no algorithm"), function(t)
        local port = server.free_port()
        local right, given
        local registrar = peer.open(t, port, function(request)
            local credentials = request:get "Authorization"
            if not credentials then
                return peer.answer(request, 401, { { "WWW-Authenticate",
                    ('Digest realm="test", nonce="n1", qop="auth-int,auth"%s'):format(algorithm and ",algorithm=" ..
                        algorithm or "") } })
            end
            right, given = is_right(credentials, program, "secret")
            return right and peer.bind(request) or peer.answer(request, 403)
        end)
        local phone = agent.start(t, options({ udp(port) }, "password = 'secret', user = 'robert'"))
        phone:expect "flows registered: 1"
        local first, second = registrar:expect(1), registrar:expect(2)
        t:ok(right)
        t:equal(given.username, "robert")
        t:equal(given.nc, "00000001")
        t:equal(given.algorithm, algorithm)
        t:equal(first:get "Authorization", nil)
        t:equal(second:get "Call-ID", first:get "Call-ID")
        t:equal(second:cseq(), first:cseq() + 1)
    end)
end

test("3261-8.1.3.d the first challenge that can be answered is", function(t)
    local port = server.free_port()
    local registrar = peer.open(t, port, function(request)
        return request:get "Authorization" and peer.bind(request) or peer.answer(request, 401, {
            { "WWW-Authenticate", "Basic realm=\"x\"" }, challenge("SHA-999", "n0"), challenge("SHA-256", "n1"),
            challenge("MD5", "n2") })
    end)
    agent.start(t, options({ tcp(port) }, "password = 'secret'"))
    t:match(registrar:expect(2):get "Authorization", 'nonce="n1".*algorithm=SHA%-256')
end)

test("3261-8.1.3.d a wrong password is tried once, then after the recovery wait", function(t)
    local port = server.free_port()
    local registrar = peer.open(t, port, function(request, n)
        return peer.answer(request, 401, { challenge("MD5", "n" .. n) })
    end)
    local phone = agent.start(t, options({ tcp(port) }, "password = 'wrong'"))
    phone:expect "failed, with 401 .* again in"
    t:equal(#registrar.requests, 2)
    local third = registrar:expect(3)
    t:equal(third:get "Authorization", nil)
    t:ok(third.at - registrar.requests[2].at >= 290, "too early")
end)

test("3261-8.1.3.d a stale nonce is answered anew, no password not at all", function(t)
    local port, other = server.free_port(), server.free_port()
    peer.open(t, port, function(request, n)
        return n == 3 and peer.bind(request) or peer.answer(request, 401,
            { challenge("MD5", "n" .. n, n == 2 and ", stale=TRUE") })
    end)
    local none = peer.open(t, other, function(request)
        return peer.answer(request, 401, { challenge("MD5", "n") })
    end)
    agent.start(t, options({ tcp(port) }, "password = 'secret'")):expect "flows registered: 1"
    agent.start(t, options { tcp(other) }):expect "failed, with 401 .* again in"
    t:equal(#none.requests, 1)
end)

test("5626-4.2.b 503 with Retry-After: 0 is asked again at once", function(t)
    local port = server.free_port()
    local registrar = peer.open(t, port, function(request, n)
        return n == 1 and peer.answer(request, 503, { { "Retry-After", 0 } }) or peer.bind(request)
    end)
    local phone = agent.start(t, options({ tcp(port) }, "times = { base = 100 }"))
    phone:expect "flows registered: 1"
    t:at_most(registrar.requests[2].at - registrar.requests[1].at, 25000)
end)

test("5626-4.2.c code-423 439 goes without outbound, 423 with Min-Expires", function(t)
    local port = server.free_port()
    local registrar = peer.open(t, port, function(request)
        if request:get "Contact":find "reg%-id" then
            return peer.answer(request, 439)
        elseif tonumber(request:get "Expires") > 0 and tonumber(request:get "Expires") < 90 then
            return peer.answer(request, 423, { { "Min-Expires", 90 } })
        end
        return peer.bind(request)
    end)
    local phone = agent.start(t, options({ tcp(port) }, "expires = 60"))
    phone:expect "flows registered: 1"
    local last = registrar:expect(3)
    t:equal(last:get "Expires", "90")
    t:ok(not last:get "Contact":find "sip.instance", "still with outbound")
    t:equal(last:get "Supported", "path")
end)

test("3261-8.1.3.b a server that never answers has failed, and is asked again after the wait", function(t)
    for _, proxy in ipairs { tcp, udp } do
        local port = server.free_port()
        local registrar = peer.open(t, port)
        local phone = agent.start(t, options({ proxy(port) }, "times = { base = 0.2, answer = 1.2 }"))
        phone:expect "failed.* again in"
        -- Over UDP it was repeated, over TCP it was not.
        t:equal(#registrar.requests > 1, proxy == udp)
        local before = #registrar.requests
        local again = registrar:expect(before + 1)
        t:ok(again:cseq() > registrar.requests[1]:cseq())
    end
end)

test("an answer that comes late registers nothing", function(t)
    local port = server.free_port()
    local first
    peer.open(t, port, function(request)
        if not first or request:cseq() == first:cseq() then
            first = request
            return nil
        end
        request.send(peer.bind(first))
        return nil
    end)
    local phone = agent.start(t, options({ udp(port) }, "times = { base = 0.2, answer = 0.4 }"))
    phone:expect("failed", 2)
    t:equal(phone:count ": registered", 0)
end)

test("garbage over a datagram flow is reported and harms nothing", function(t)
    local port = server.free_port()
    local registrar = peer.open(t, port, function(request)
        request.send "\r\n\r\n"
        request.send "hello"
        request.send(("x"):rep(60000))
        request.send "SIP/2.0 200 OK\r\nCSeq: 1 REGISTER\r\n\r\n"
        request.send(peer.answer(request, 200):gsub("CSeq: %d+", "CSeq: 77777"))
        request.send(peer.answer(request, 403):gsub("Via: ", "Via: SIP/2.0/UDP x:1;branch=z9hG4bKx, "))
        return peer.bind(request)
    end)
    local phone = agent.start(t, options { udp(port) })
    phone:expect "garbage"
    phone:expect "flows registered: 1"
    t:equal(phone:count "failed", 0)
    t:equal(#registrar.requests, 1)
end)

test("a stream of garbage is closed and opened again after the wait, the other flow is unharmed", function(t)
    local bad, good = server.free_port(), server.free_port()
    local kinds = { "SIP/2.0 200 OK\r\nContent-Length: 99999999999\r\n\r\n", ("x"):rep(70000),
        "SIP/2.0 200 OK\r\nContent-Length: -1\r\n\r\n" }
    local garbage = peer.open(t, bad, function(_, n)
        return kinds[n] or kinds[1]
    end)
    local registrar = peer.open(t, good, binds)
    local phone = agent.start(t, options({ tcp(bad), tcp(good) },
        "times = { base = 0.1, base_alive = 0.1, most = 0.2 }"))
    garbage:expect(4)
    t:ok(wait.until_true(30000, function() return garbage.closed >= 3 end), "left open")
    t:equal(#registrar.requests, 1)
    t:equal(phone:count(expect_registered(2)), 1)
end)

-- A flow to a program, and what comes over it, seen from the server's side.
local function called(t, more, proxy)
    local port = server.free_port()
    local registrar = peer.open(t, port, binds)
    local phone = agent.start(t, options({ (proxy or udp)(port) }, more))
    phone:expect "flows registered: 1"
    local register = registrar:expect(1)
    function registrar.request(_, method, cseq, branch, extra)
        register.send(("%s %s SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:%d;branch=z9hG4bK%s\r\nMax-Forwards: 70\r\n" ..
            "From: <sip:alice@a>;tag=1\r\nTo: <sip:bob@b>%s\r\nCall-ID: call\r\nCSeq: %d %s\r\n" ..
            "Record-Route: <sip:edge;lr>\r\nContact: <sip:alice@a>\r\nContent-Length: 0\r\n\r\n")
            :format(method, "sip:bob@b", port, branch, extra or "", cseq, method))
    end
    function registrar.response(_, n)
        assert(wait.until_true(30000, function() return #registrar.responses >= n end), "no response " .. n)
        return registrar.responses[n]
    end
    return registrar, phone
end

-- How many responses there are once all that was sent before has been read; a repetition may have been on its way.
local function settled(registrar)
    registrar:request("OPTIONS", 7, "settled")
    assert(wait.until_true(30000, function()
        local last = registrar.responses[#registrar.responses]
        return last:cseq() == 7
    end), "no response to OPTIONS")
    return #registrar.responses
end

local NEXT_REPETITION_MS <const> = 2300 -- after the first one at 500 ms and the second one at 1500 ms

test("3261-17.a a refusal over UDP is repeated until the ACK", function(t)
    local registrar, phone = called(t)
    registrar:request("INVITE", 1, "a")
    local first, second = registrar:response(1), registrar:response(2)
    t:equal(first.status, 486)
    t:equal(second.text, first.text)
    registrar:request("ACK", 1, "a", ";tag=" .. first:tag "To")
    local count = settled(registrar)
    wait.pause(NEXT_REPETITION_MS)
    t:equal(#registrar.responses, count)
    t:equal(phone:count "request INVITE", 1)
end)

test("3261-13.2.a a 2xx is repeated until its ACK, keeps Record-Route and has a Contact with ob", function(t)
    local registrar = called(t, "invite = 200", tcp)
    registrar:request("INVITE", 1, "a")
    local first = registrar:response(1)
    registrar:response(2)
    t:equal(first.status, 200)
    t:equal(first:get "Record-Route", "<sip:edge;lr>")
    t:match(first:get "Contact", "^<sip:bob@127%.0%.0%.1:%d+;transport=tcp;ob>$")
    registrar:request("ACK", 1, "b", ";tag=" .. first:tag "To")
    local count = settled(registrar)
    wait.pause(NEXT_REPETITION_MS)
    t:equal(#registrar.responses, count)
    registrar:request("BYE", 8, "c", ";tag=" .. first:tag "To")
    t:equal(registrar:response(count + 1).status, 200)
end)

test("a request that is repeated is answered again, and the program asked once", function(t)
    local registrar, phone = called(t)
    registrar:request("OPTIONS", 1, "a")
    registrar:response(1)
    registrar:request("OPTIONS", 1, "a")
    t:equal(registrar:response(2).text, registrar.responses[1].text)
    t:equal(phone:count "request OPTIONS", 1)
end)

test("3261-9.a CANCEL ends an INVITE that is not answered with 487", function(t)
    local registrar, phone = called(t, "on_request = function(request) request:reply(180) end")
    registrar:request("INVITE", 1, "a")
    t:equal(registrar:response(1).status, 180)
    registrar:request("CANCEL", 1, "a")
    local statuses = { registrar:response(2).status, registrar:response(3).status }
    table.sort(statuses)
    t:equal(table.concat(statuses, " "), "200 487")
    phone:expect "^cancelled"
    registrar:request("CANCEL", 1, "other")
    wait.until_true(30000, function() return registrar.responses[#registrar.responses].status == 481 end)
    t:equal(registrar.responses[#registrar.responses].status, 481)
end)

test("a program that fails answers 500 and lives on", function(t)
    local registrar, phone = called(t, "on_request = function(request) error 'broken' end")
    registrar:request("OPTIONS", 1, "a")
    t:equal(registrar:response(1).status, 500)
    registrar:request("MESSAGE", 2, "b")
    t:equal(registrar:response(2).status, 500)
    t:match(phone.err, "broken")
    t:ok(phone:alive())
end)

test("a proxy that nobody listens at, and one without an address, are tried again and again", function(t)
    local free = server.free_port()
    local phone = agent.start(t, options({ tcp(free), udp(free), "sip:nobody.invalid" },
        "times = { base = 0.1, base_alive = 0.1, most = 0.2 }"))
    for number = 1, 3 do
        phone:expect(("reg%%-id %d%%): failed"):format(number), 3, 30000)
    end
    local registrar = peer.open(t, free, binds)
    phone:expect "flows registered: 2"
    registrar:expect(2)
end)

test("a transport of the program's own carries a flow", function(t)
    local port = server.free_port()
    local registrar = peer.open(t, port, binds)
    local phone = agent.start(t, options({ ("sip:127.0.0.1:%d;transport=tls"):format(port) },
        "x = (function() ua.transport.tls = ua.transport.tcp end)()"))
    phone:expect "flows registered: 1"
    t:match(registrar:expect(1):get "Via", "^SIP/2.0/TLS ")
    t:match(registrar.requests[1]:get "Contact", ";transport=tls>")
end)

test("invalid options are reported at once", function(t)
    local rows = {
        { "proxies = {}", "proxies is a list of URIs" },
        { "proxies = { 'http://x' }", "proxy 1 is no SIP URI: http://x" },
        { "proxies = { 'sip:x:99999' }", "proxy 1 is no SIP URI" },
        { "proxies = { 'sip:x', 'sip:x;transport=tls' }", "proxy 2: there is no transport tls" },
        { "proxies = { 'sip:x' }, aor = 'bob'", 'aor is "sip:user@domain"' },
        { "proxies = { 'sip:x', 'sip:y' }, reg_ids = { 1, 1 }", "a reg_id is given twice" },
    }
    for _, row in ipairs(rows) do
        local phone = agent.start(t, row[1])
        t:ok(phone:wait(30000), "still running")
        t:match(phone.err, row[2]:gsub("%p", "%%%0"))
        t:equal(phone.status, 1)
        phone.killed = true -- it was to end so
    end
end)

tap.done()
