-- SPDX-License-Identifier: BSD-2-Clause
-- Requests as devices write them: what a proxy does not need is forwarded byte for byte (RFC 3261 16.3 step 1); what a
-- registrar acts on is accepted where it is clear, and refused with the place that is wrong where it is not.
local host = require "host"
local tap = require "tap"
local ua = require "ua"

local test = host.test

local bad_uris = { "sip:bob@home@192.0.2.1", "sip:bob@192.0.2.1:99999", "sip:bob@192.0.2.1:5060transport=udp",
    "sip:bob@192.0.2.1:", "sip:b%zzb@192.0.2.1", "sip:bob@[::1", "mailto:bob@192.0.2.1", "sip:" }

local every_transport = { transports = { "tcp", "udp", "tls", "ws", "wss" } }

test("3261-10.3.c a Contact that is no SIP URI: 400 that says so, nothing stored", every_transport, function(t, open)
    local bob = open("bob")
    for _, uri in ipairs(bad_uris) do
        local answer = bob:register { contact = ("<sip:bob@192.0.2.9>, <%s>"):format(uri), expect = 400 }
        t:match(answer.phrase, "^Bad Request: Contact: the address is not a .*URI at byte %d+$", uri)
        t:equal(#bob:bindings(bob.aor), 0, uri)
    end
end)

test("3261-10.3.c a Contact parameter with two values: 400 that says so, nothing stored", function(t, open)
    local bob = open("bob")
    for _, parameters in ipairs { ";q=0.1;q=0.2", ";expires=60;expires=70", ";reg-id=1;reg-id=2",
        ';+sip.instance="<urn:a>";+sip.instance="<urn:b>"' } do
        local answer = bob:register { contact = "<sip:bob@192.0.2.9>" .. parameters, expect = 400 }
        t:match(answer.phrase, "^Bad Request: Contact: .* twice with different values at byte %d+$", parameters)
        t:equal(#bob:bindings(bob.aor), 0, parameters)
    end
end)

-- Kamailio accepts an underscore in a host name only if it is configured to, as in the examples.
local underscores = { core = 'uri_host_extra_chars="_"' }

test("a REGISTER that is clear is accepted, however it is written", underscores, function(t, open)
    local bob = open("bob")
    local instance = (';+sip.instance="<%s>"'):format(ua.instance(1))
    for _, contact in ipairs {
        "<sip:bob@192.0.2.9>" .. instance .. ";reg-id=1" .. instance,
        "<sip:bob@192.0.2.9>;q=.5",
        "<sip:bob@192.0.2.9>;q=0.50000",
        '<sip:bob@192.0.2.9>;expires="300";expires=300',
        "<sip:bob@192.0.2.9>;expires=99999999999",
        "<sip:bob@my_phone.example.net>",
        '"Front/Back (2)" <sip:bob@192.0.2.9>;vendor=',
        "Front/Back (2) <sip:bob@192.0.2.9>" } do
        local answer = bob:register { contact = contact, expect = false }
        t:equal(answer.status, 200, contact)
        t:equal(#answer:values "Contact", 1, contact)
        if contact:find "q=" then
            t:match(answer:values("Contact")[1], ";q=0%.50?0?;", contact)
        end
        bob:register { contact = "*", expires = 0 }
        t:equal(#bob:bindings(bob.aor), 0, contact)
    end
end)

-- A request with the lines as they are, headers being text.
local function send(flow, method, uri, lines)
    local branch = "z9hG4bK" .. math.random(1 << 30)
    local call_id = "odd" .. math.random(1 << 30)
    flow:send_raw(table.concat({ ("%s %s SIP/2.0"):format(method, uri), lines.via or "Via: " .. flow:via(branch),
        lines.from, lines.to, "Call-ID: " .. call_id, "CSeq: 1 " .. method, "Max-Forwards: 70",
        lines.more or "X-Nothing: 1", "Content-Length: 0", "", "" }, "\r\n"))
    return function(received)
        return received:get "Call-ID" == call_id
    end
end

local function line(received, name)
    return received.text:match("\r\n(" .. name:gsub("-", "%%-") .. ":[^\r]*)\r\n")
end

local names = { "Front/Back <%s>", "Bob (home) <%s>", "bob@home <%s>", "+1 201 555 0123 <%s>", "Bj\xc3\xb6rn <%s>" }
-- Kamailio's own parser takes no empty parameter.
local parameters = { standalone = { "", ";x=", ";;x", ";x;" }, kamailio = { "", ";x=" } }

test("From and To that are oddly written are forwarded and answered byte for byte",
    function(t, open, s)
        local bob, alice = open("bob"), open("alice")
        bob:register {}
        for _, name in ipairs(names) do
            for _, more in ipairs(parameters[s.kind]) do
                local from = "From: " .. name:format(alice.aor) .. ";tag=1" .. more
                local to = "To:  " .. name:format(bob.aor) .. more
                local sent = send(alice, "MESSAGE", bob.aor, { from = from, to = to })
                local received = bob:expect(sent)
                t:equal(line(received, "From"), from)
                t:equal(line(received, "To"), to)
                bob:reply(received, 200)
                local answer = alice:expect(sent)
                t:equal(answer.status, 200)
                t:equal(line(answer, "From"), from)
            end
        end
    end)

test("a To with an empty tag is forwarded as a request without a tag",
    function(t, open)
        local bob, alice = open("bob"), open("alice")
        bob:register {}
        local to = ("To: <%s>;tag="):format(bob.aor)
        local sent = send(alice, "MESSAGE", bob.aor, { from = "From: <sip:alice@example.test>;tag=1", to = to })
        local received = bob:expect(sent)
        t:equal(line(received, "To"), to)
        bob:reply(received, 200, { to_tag = "its-own" })
        t:equal(alice:expect(sent).status, 200)
    end)

test("a response of our own has one tag where the To of the request had an empty one", { hosts = { "standalone" } },
    function(t, open)
        local alice = open("alice")
        local sent = send(alice, "MESSAGE", "sip:nobody@example.test", { from = "From: <sip:alice@example.test>;tag=1",
            to = "To: <sip:nobody@example.test>;tag=" })
        local answer = alice:expect(sent)
        t:ok(answer.status >= 400, "status " .. answer.status)
        t:match(line(answer, "To"), "^To: <sip:nobody@example%.test>;tag=%w+$")
    end)

test("header fields that a proxy does not act upon are forwarded, however broken", function(t, open)
    local bob, alice = open("bob"), open("alice")
    bob:register {}
    for _, odd in ipairs { "P-Asserted-Identity: \"x <sip:a@b>", "Reply-To: @", "Warning: x", "Date: yesterday",
        "Refer-To: <sip:a@b?Replaces=%zz>", "Contact: <sip:alice@127.0.0.1:99999>", "Expires: soon" } do
        local sent = send(alice, "MESSAGE", bob.aor, { more = odd, to = ("To: <%s>"):format(bob.aor),
            from = "From: <sip:alice@example.test>;tag=1" })
        local received = bob:expect(sent)
        t:equal(line(received, odd:match "^[^:]+"), odd)
        bob:reply(received, 200)
        alice:expect(sent)
    end
end)

test("an INVITE with a Contact that is no URI is forwarded with it, and so is its answer", function(t, open)
    local bob, alice = open("bob"), open("alice")
    bob:register { instance = ua.instance(1), reg_id = 1 }
    for _, contact in ipairs { "<sip:alice@127.0.0.1:99999>", "<sip:alice@@127.0.0.1;ob>", "alice" } do
        local request = alice:invite(bob.aor, { contact = contact })
        local invite = bob:expect "INVITE"
        t:equal(invite:get "Contact", contact)
        bob:reply(invite, 486, { headers = { { "Warning", "odd" }, { "Contact", contact } } })
        t:equal(alice:expect_final(request, 486):get "Contact", contact)
    end
end)

test("a Via with ;rport= is answered to the port that it came from", { transports = { "udp" } }, function(t, open)
    local bob, alice = open("bob"), open("alice")
    bob:register {}
    local via = ("Via: SIP/2.0/UDP 192.0.2.77:5060;rport=;branch=z9hG4bK%d"):format(math.random(1 << 30))
    local sent = send(alice, "MESSAGE", bob.aor, { via = via, to = ("To: <%s>"):format(bob.aor),
        from = "From: <sip:alice@example.test>;tag=1" })
    bob:reply(bob:expect(sent), 200)
    t:match(alice:expect(sent):get "Via", ";rport=" .. alice.local_port)
end)

test("a 400 says what is wrong with a request and where", { hosts = { "standalone" } }, function(t, open)
    local alice = open("alice")
    for _, row in ipairs {
        { { from = "From: <sip:alice@example.test>;tag=1;tag=2" }, "From: there are two different tags at byte %d+" },
        { { to = "To: \"Bob <sip:bob@example.test>" }, "To: a quoted string is not closed at byte %d+" },
        { { more = "Max-Forwards: 70" }, "Max%-Forwards: the header field is there twice at byte %d+" },
        { { more = "CSeq: 1 BYE" }, "CSeq: the header field is there twice at byte %d+" },
        { { more = "no colon" }, "a header field's name is not followed by a colon at byte %d+" } } do
        local lines = { from = row[1].from or "From: <sip:alice@example.test>;tag=1",
            to = row[1].to or "To: <sip:bob@example.test>", more = row[1].more }
        local answer = alice:expect(send(alice, "MESSAGE", "sip:bob@example.test", lines))
        t:equal(answer.status, 400)
        t:match(answer.phrase, "^Bad Request: " .. row[2] .. "$")
    end
end)

tap.done()
