-- SPDX-License-Identifier: BSD-2-Clause
-- Stray bytes: a NUL, blank or line end between messages is skipped and counted, the flow stays; what lies behind
-- Content-Length in a datagram is no part of the message.
local certificates = require "certificates"
local server = require "server"
local tap = require "tap"
local ua = require "ua"

local test = tap.test
local one = ua.instance(1)
local strays = { "\0", " ", "\n", "\r", "\t", "\0\0\0\0", " \n", "\n\n" }

-- A server that listens on every transport, and a function that opens user agents of one of them.
local function start(t)
    local files = certificates.new(t):sign "default"
    local args = { "--tls-cert", files.certificate, "--tls-key", files.key }
    local ports = {}
    for _, transport in ipairs { "tls", "ws", "wss" } do
        ports[transport] = server.free_port()
        args[#args + 1] = "--listen"
        args[#args + 1] = ("%s:127.0.0.1:%d"):format(transport, ports[transport])
    end
    local s = server.start(t, { args = args, status = true })
    return s, function(user, transport)
        return ua.open { port = ports[transport] or s.port, user = user, domain = s.domain, transport = transport }
    end
end

local function options_request(flow)
    return flow:request("OPTIONS", { uri = "sip:example.test", contact = false, send = false })
end

local function until_pongs(flow, count)
    assert(ua.wait.until_true(ua.patience, function()
        return flow.pongs >= count
    end), ("%d of %d pongs"):format(flow.pongs, count))
end

for _, transport in ipairs { "tcp", "tls", "ws", "wss" } do
    local is_stream = transport == "tcp" or transport == "tls"

    test("stray bytes between messages are skipped and counted, the flow stays: " .. transport, function(t)
        local s, open = start(t)
        local bob, alice = open("bob", transport), open("alice", "udp")
        bob:register { instance = one, reg_id = 1 }
        local sent = 0
        for _, stray in ipairs(strays) do
            local request = options_request(bob)
            if is_stream then
                bob:send_raw(stray)
                bob:send_raw(request.text)
            else
                bob:send_raw(stray .. request.text)
            end
            bob:expect_final(request, 200)
            sent = sent + #stray
            t:equal(s:number "stray", sent, ("%q"):format(stray))
        end
        local first, second = options_request(bob), options_request(bob)
        if is_stream then
            bob:send_raw(first.text .. "\0" .. second.text .. "\n ")
        else
            bob:send_raw(first.text .. "\0")
            bob:send_raw(second.text .. "\n ")
        end
        bob:expect_final(first, 200)
        bob:expect_final(second, 200)
        t:equal(s:number "stray_closed", 0)
        alice:call(bob)
        t:ok(not bob.closed_by_peer)
    end)

    test("5626-5.4.a a ping among stray bytes is answered at once: " .. transport, function(t)
        local s, open = start(t)
        local bob = open("bob", transport)
        bob:send_raw " \r\n\r\n"
        until_pongs(bob, 1)
        bob:send_raw "\r\n\r\n\0"
        until_pongs(bob, 2)
        local request = options_request(bob)
        bob:send_raw("\n\r\n\r\n\0" .. request.text)
        bob:expect_final(request, 200)
        until_pongs(bob, 3)
        t:equal(bob.pongs, 3)
        t:equal(s:number "stray", 4)
        t:ok(not bob.closed_by_peer)
    end)

    test("a peer that sends nothing but stray bytes is disconnected: " .. transport, function(t)
        local s, open = start(t)
        local odd, bob = open("odd", transport), open("bob", transport)
        bob:register { instance = one, reg_id = 1 }
        for _ = 1, 1024 // 64 do
            odd:send_raw(("\0"):rep(64))
        end
        odd:ping()
        t:equal(s:number "stray", 1024)
        odd:send_raw "\0"
        odd:expect_closed()
        t:equal(s:number "stray_closed", 1)
        -- A message begins the count anew, so a phone may have a NUL as its keep-alive for ever.
        for _ = 1, 3 do
            bob:send_raw(("\0"):rep(1000))
            bob:register { instance = one, reg_id = 1 }
        end
        t:equal(s:number "stray_closed", 1)
    end)
end

test("bytes behind Content-Length in a datagram are ignored, and not forwarded", function(t)
    local _, open = start(t)
    local bob, alice = open("bob", "udp"), open("alice", "udp")
    local function with_more(flow, method, options)
        options.send = false
        local request = flow:request(method, options)
        flow:send_raw(request.text .. "more\r\n\r\nBYE sip:x SIP/2.0\r\n\r\n\0")
        return request
    end
    local register = with_more(bob, "REGISTER", { uri = "sip:example.test", from = bob.aor, to = bob.aor })
    bob:expect_final(register, 200)
    t:equal(#bob:bindings(bob.aor), 1)
    local request = with_more(alice, "INVITE", { uri = bob.aor, body = "abc" })
    local invite = bob:expect "INVITE"
    t:equal(invite.body, "abc")
    local send = bob.send_raw
    function bob.send_raw(self, bytes)
        send(self, bytes .. "more")
    end
    bob:reply(invite, 486)
    local answer = alice:expect_final(request, 486)
    t:equal(answer.body, "")
end)

tap.done()
