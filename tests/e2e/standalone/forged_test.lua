-- SPDX-License-Identifier: BSD-2-Clause
-- Over real sockets: responses that strangers send, and ICMP errors as the kernel gives them.
local flows = require "flows"
local host = require "host"
local server = require "server"
local tap = require "tap"
local ua = require "ua"

local test = tap.test
local one = ua.instance(1)

local function start(t, options)
    options = options or {}
    options.status = true
    local s = server.start(t, options)
    return s, host.opener(s, "udp")
end

-- A socket of somebody else on the machine, who knows the server's port.
local function stranger(s, address)
    local flow = ua.open { port = s.port, local_host = address }
    return function(text)
        flow:send_raw(text)
    end
end

local function response(invite, status)
    local headers = {}
    for _, name in ipairs { "Via", "From", "To", "Call-ID", "CSeq" } do
        for _, value in ipairs(invite:all(name)) do
            headers[#headers + 1] = { name, value .. (name == "To" and ";tag=forged" or "") }
        end
    end
    headers[#headers + 1] = { "Retry-After", "3600" }
    return ua.message.build(("SIP/2.0 %d Forged"):format(status), headers)
end

-- Counted by the server, so that all it got before is known to have been read.
local function counted(s, name, count)
    ua.wait.until_true(30000, function()
        return s:number(name) >= count
    end)
    return s:number(name)
end

for name, listen in pairs { ["an address"] = { "udp:127.0.0.1:%d" }, ["a wildcard"] = { "udp:0.0.0.0:%d" } } do
    test("3261-17.1.3.a forged responses change nothing: a listener on " .. name, function(t)
        local s, open = start(t, { listen = listen })
        local bob, alice, send = open "bob", open "alice", stranger(s, "127.0.0.2")
        bob:register { instance = one, reg_id = 1 }
        local call = alice:invite(bob.aor)
        local invite = bob:expect "INVITE"
        t:match(invite:branch(), "^z9hG4bKr%x%x%x%x%x%x%x%x%x%x%x%x%x%x%x%x%.")
        for _, status in ipairs { 180, 200, 430, 503, 603 } do
            send(response(invite, status))
        end
        t:equal(counted(s, "refused_response_source", 5), 5)
        -- The branch of another request, from the right address: 64 bits are left to guess.
        bob:send_raw((response(invite, 603):gsub("(z9hG4bKr)(%x)", function(cookie, digit)
            return cookie .. (digit == "0" and "1" or "0")
        end, 1)))
        t:equal(counted(s, "refused_response_unmatched", 1), 1)
        s:expect_log("refused source=127%.0%.0%.2:%d+ transport=udp method=INVITE aor=%- status=0 "
            .. "reason=response%-source")
        t:equal(s:number "bindings", 1)
        t:equal(s:number "resting", 0)
        bob:reply(invite, 200)
        alice:expect_final(call, 200)
    end)
end

test("3261-17.1.3.a a response from another port of the phone's address is accepted", function(t)
    local s, open = start(t)
    local bob, alice, send = open "bob", open "alice", stranger(s, "127.0.0.1")
    bob:register { instance = one, reg_id = 1 }
    local call = alice:invite(bob.aor)
    send(response(bob:expect "INVITE", 486))
    alice:expect_final(call, 486)
    t:equal(s:number "responses_other_port", 1)
end)

-- Without privileges no error can be forged; but the kernel cuts its own at 576 bytes, so that a long Contact hides the
-- branch. The OPTIONS that follows is short.
test("5626-7.j an error that quotes no branch makes the server ask the flow", function(t)
    local s, open = start(t)
    local first, second, caller = open "bob", open "bob", open "alice"
    for reg_id, flow in ipairs { first, second } do
        flow:register { instance = one, reg_id = reg_id, q = reg_id == 1 and "1.0" or "0.5",
            contact_uri = ("sip:%s@127.0.0.1:%d"):format(("b"):rep(600), flow.local_port) }
    end
    first:close()
    local call = caller:invite(first.aor)
    local invite = second:expect("INVITE", ua.at_once)
    second:reply(invite, 200)
    caller:expect_final(call, 200)
    t:equal(s:number "probes", 1)
    t:ok(s:number "icmp_unproved" >= 1)
    t:equal(s:number "probes_silent", 0)
    t:equal(s:number "bindings", 1)
end)

for _, address in ipairs { "127.0.0.1", "::1" } do
    test("5626-7.j an error that quotes the INVITE fails the flow over at once: " .. address, function(t)
        local s = start(t, { listen = { address == "::1" and "udp:[::1]:%d" or "udp:127.0.0.1:%d" } })
        s.address = address
        local first, second, caller = flows.two(host.opener(s, "udp"))
        first:close()
        local call = caller:invite(first.aor)
        second:reply(second:expect "INVITE", 200)
        caller:expect_final(call, 200)
        t:equal(s:number "bindings", 1)
        t:equal(s:number "probes", 0)
    end)
end

tap.done()
