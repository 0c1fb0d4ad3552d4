-- SPDX-License-Identifier: BSD-2-Clause
-- What the registrar does with REGISTER (RFC 3261 section 10, RFC 5626 section 6).
local tap = require "tap"
local ua = require "ua"
local host = require "host"

local test = host.test
local over_tcp = { transports = { "tcp" } }

local has_option = ua.message.has_value

local function contains(list, text)
    for _, value in ipairs(list) do
        if value:find(text, 1, true) then
            return true
        end
    end
    return false
end

-- A Via under ours: what the registrar sees when a proxy stands between.
local function two_vias(flow)
    local id = "z9hG4bKfar" .. math.random(1 << 30)
    return { flow:via(id), "SIP/2.0/TCP 192.0.2.7:5060;branch=z9hG4bKnear" .. math.random(1 << 30) }
end

local one = ua.instance(1)

test("5626-6.a Path of a first hop with ob is stored and named in the 2xx, outbound applies", function(t, open)
    local edge = open("bob")
    local path = ("<sip:%s:%d;transport=%s;lr;ob>"):format(edge.host, edge.local_port, edge.transport)
    local answer = edge:register { instance = one, reg_id = 1, via = two_vias(edge), headers = { { "Path", path } } }
    t:ok(has_option(answer, "Require", "outbound"))
    t:equal(answer:values("Path")[1], path)
    local caller = open("alice")
    local call = caller:invite(edge.aor)
    local invite = edge:expect "INVITE"
    t:match(table.concat(invite:values "Route", ", "), "lr;ob")
    edge:reply(invite, 486)
    caller:expect_final(call, 486)
end)

test("5626-6.b 5626-11.6.a not the first hop and no ob in Path: 439", function(t, open)
    local edge = open("bob")
    for _, path in ipairs { "<sip:192.0.2.7;lr>", false } do
        local headers = path and { { "Path", path } } or {}
        local answer = edge:register { instance = one, reg_id = 1, via = two_vias(edge), headers = headers,
            expect = 439 }
        t:ok(not has_option(answer, "Require", "outbound"))
    end
    t:equal(#edge:bindings(edge.aor), 0)
end)

test("5626-6.b not the first hop, no ob, the user agent without outbound: reg-id ignored", function(t, open)
    local edge = open("bob")
    local answer = edge:register { instance = one, reg_id = 1, via = two_vias(edge), supported = "path",
        headers = { { "Path", "<sip:192.0.2.7;lr>" } } }
    t:ok(not has_option(answer, "Require", "outbound"))
    t:ok(not contains(answer:values "Contact", "reg-id"))
    t:equal(#answer:values "Contact", 1)
end)

test("a Path or a Contact beyond the limits: 400 names the header field, nothing is stored", function(t, open)
    local edge = open("bob")
    local long = "<sip:" .. ("p"):rep(1020) .. "@192.0.2.7;lr;ob>"
    local half = "<sip:" .. ("p"):rep(700) .. "@192.0.2.7;lr;ob>"
    local function refused(options, what)
        options.instance, options.reg_id, options.expect = one, 1, 400
        t:match(edge:register(options).phrase, what)
        t:equal(#edge:bindings(edge.aor), 0)
    end
    refused({ via = two_vias(edge), headers = { { "Path", long } } }, "Path: a value is longer than 1024 bytes")
    refused({ via = two_vias(edge), headers = { { "Path", half }, { "Path", half .. ", " .. half } } },
        "Path: the values together are longer than 2048 bytes")
    refused({ contact = ("<sip:%s@192.0.2.7>"):format(("c"):rep(1100)) }, "Contact: the URI is longer than 1024 bytes")
end)

test("5626-11.6.a no 439 without reg-id", function(_, open)
    local edge = open("bob")
    edge:register { instance = one, via = two_vias(edge), headers = { { "Path", "<sip:192.0.2.7;lr>" } } }
end)

test("5626-6.c 5626-6.e reg-id without an instance-id is ignored", function(t, open)
    local answer = open("bob"):register { reg_id = 1 }
    t:ok(not has_option(answer, "Require", "outbound"))
    t:ok(not contains(answer:values "Contact", "reg-id"))
end)

test("5626-6.d two Contacts and a reg-id: 400, nothing stored", function(t, open)
    local bob = open("bob")
    local both = ("%s, <sip:bob@192.0.2.9>"):format(bob:contact { instance = one, reg_id = 1 })
    bob:register { contact = both, expect = 400 }
    t:equal(#bob:bindings(bob.aor), 0)
end)

test("5626-6.d a removal beside the reg-id Contact is no second one", function(t, open)
    local bob = open("bob")
    bob:register { contact = "<sip:bob@192.0.2.9>" }
    local both = ("%s, <sip:bob@192.0.2.9>;expires=0"):format(bob:contact { instance = one, reg_id = 1 })
    bob:register { contact = both }
    local listed = bob:bindings(bob.aor)
    t:equal(#listed, 1)
    t:match(listed[1], "reg%-id=1")
end)

test("5626-6.e Supported: outbound without reg-id: no Require: outbound", function(t, open)
    t:ok(not has_option(open("bob"):register { instance = one }, "Require", "outbound"))
    t:ok(not has_option(open("bob"):register {}, "Require", "outbound"))
end)

test("5626-6.f outbound and plain registrations side by side", function(t, open)
    local bob, desk = open("bob"), open("bob")
    bob:register { instance = one, reg_id = 1 }
    local answer = desk:register {}
    t:equal(#answer:values "Contact", 2)
    t:ok(contains(answer:values "Contact", "reg-id=1"))
end)

test("5626-6.g the key is instance and reg-id, not the Contact URI", function(t, open)
    local bob = open("bob")
    bob:register { instance = one, reg_id = 1, contact_uri = "sip:first@192.0.2.1" }
    local answer = bob:register { instance = one, reg_id = 1, contact_uri = "sip:second@192.0.2.2" }
    t:equal(#answer:values "Contact", 1)
    t:ok(contains(answer:values "Contact", "sip:second@192.0.2.2"))
    answer = bob:register { instance = one, reg_id = 2, contact_uri = "sip:second@192.0.2.2" }
    t:equal(#answer:values "Contact", 2)
    answer = bob:register { instance = ua.instance(2), reg_id = 1, contact_uri = "sip:second@192.0.2.2" }
    t:equal(#answer:values "Contact", 3)
end)

test("5626-6.g Contact parameters are kept and listed", function(t, open)
    local bob = open("bob")
    bob:register { instance = one, reg_id = 1, parameters = ";audio;methods=\"INVITE,BYE\"" }
    local listed = bob:bindings(bob.aor)
    t:match(listed[1], ";audio")
    t:match(listed[1], "methods=\"INVITE,BYE\"")
end)

test("5626-6.h outbound applied for who supports it: Require: outbound", function(t, open)
    local answer = open("bob"):register { instance = one, reg_id = 1 }
    t:ok(has_option(answer, "Require", "outbound"))
end)

test("5626-6.i the same key with a new Call-ID replaces that binding alone and moves its flow", function(t, open)
    local first, second, again = open("bob"), open("bob"), open("bob")
    first:register { instance = one, reg_id = 1, q = "1.0" }
    second:register { instance = one, reg_id = 2, q = "0.5" }
    local answer = again:register { instance = one, reg_id = 1, q = "1.0", call_id = "another", cseq = 1 }
    t:equal(#answer:values "Contact", 2)
    first:close()
    local caller = open("alice")
    local call = caller:invite(first.aor)
    again:reply(again:expect "INVITE", 486)
    caller:expect_final(call, 486)
end)

test("5626-6.j 5626-5.4.a the server answers keep-alives of registered flows", over_tcp, function(_, open)
    local bob = open("bob")
    bob:register { instance = one, reg_id = 1 }
    bob:ping()
    bob:ping()
end)

test("5626-10.a reg-id out of 1 to 2^31-1 is malformed", function(t, open)
    local bob = open("bob")
    for _, bad in ipairs { "0", "2147483648", "4294967297", "-1", "abc", "1x", "" } do
        bob:register { instance = one, reg_id = bad, expect = 400 }
    end
    t:equal(#bob:bindings(bob.aor), 0)
    bob:register { instance = one, reg_id = 2147483647 }
    t:match(bob:bindings(bob.aor)[1], "reg%-id=2147483647")
end)

test("REGISTER without Contact lists the bindings with their time", function(t, open)
    local bob = open("bob")
    t:equal(#bob:bindings(bob.aor), 0)
    bob:register { expires = 300 }
    local listed = bob:bindings(bob.aor)
    t:equal(#listed, 1)
    local expires = tonumber(listed[1]:match "expires=(%d+)")
    t:ok(expires and expires > 290 and expires <= 300, "expires " .. tostring(expires))
end)

test("REGISTER Contact: * removes all; with another Expires it is 400", function(t, open)
    local bob = open("bob")
    bob:register { instance = one, reg_id = 1 }
    bob:register {}
    bob:register { contact = "*", expires = 60, expect = 400 }
    t:equal(#bob:bindings(bob.aor), 2)
    bob:register { contact = "*, <sip:bob@192.0.2.1>", expires = 0, expect = 400 }
    t:equal(#bob:bindings(bob.aor), 2)
    bob:register { contact = "*", expires = 0 }
    t:equal(#bob:bindings(bob.aor), 0)
end)

test("expires=0 removes that Contact; the flow of the instance stays registered elsewhere", function(t, open)
    local bob = open("bob")
    bob:register { instance = one, reg_id = 1 }
    bob:register { instance = one, reg_id = 2 }
    bob:register { instance = one, reg_id = 1, expires = 0 }
    local listed = bob:bindings(bob.aor)
    t:equal(#listed, 1)
    t:match(listed[1], "reg%-id=2")
end)

test("a REGISTER older than the binding changes nothing (same Call-ID, lower CSeq)", function(t, open)
    local bob = open("bob")
    bob:register { call_id = "order", cseq = 5 }
    local answer = bob:register { call_id = "order", cseq = 4, expires = 0, expect = false }
    t:ok(answer.status >= 400, "status " .. answer.status)
    t:equal(#bob:bindings(bob.aor), 1)
end)

test("a binding expires", function(t, open)
    local bob = open("bob")
    local answer = bob:register { expires = 1, expect = false }
    if answer.status == 423 then
        t:ok(tonumber(answer:get "Min-Expires"))
        return
    end
    t:ok(ua.wait.until_true(ua.patience, function()
        return #bob:bindings(bob.aor) == 0 or ua.wait.pause(100)
    end))
end)

test("REGISTER for a domain that is not ours is refused", function(t, open)
    local bob = open("bob")
    local answer = bob:register { uri = "sip:elsewhere.test", aor = "sip:bob@elsewhere.test", expect = false }
    t:ok(answer.status >= 400, "status " .. answer.status)
end)

test("AOR is canonical: host in any case, escapes, parameters and port", function(t, open)
    local bob = open("bob")
    bob:register {}
    t:equal(#bob:bindings "sip:bob@EXAMPLE.test", 1)
    t:equal(#bob:bindings "sip:%62ob@example.test", 1)
end)

local tells_aor = [[
sip_on_request(function(call)
    if call.method == "OPTIONS" then return sip_reply(480, call.aor) end
end)
]]

test("a user is called in upper and lower case, and policies see the AOR in lower case", { policy = tells_aor },
    function(t, open)
    local bob, alice = open("Bob"), open("alice")
    bob:register {}
    for _, user in ipairs { "bob", "BOB", "%62Ob" } do
        local sent = alice:request("MESSAGE", { uri = ("sip:%s@example.test"):format(user), contact = false })
        bob:reply(bob:expect "MESSAGE", 200)
        alice:expect_final(sent, 200)
    end
    local asked = alice:request("OPTIONS", { uri = "sip:B%4Fb@EXAMPLE.test", contact = false })
    t:equal(alice:expect_final(asked, 480).phrase, "sip:bob@example.test")
    bob:register { aor = "sip:bOB@example.test", contact_uri = "sip:Bob@192.0.2.1" }
    t:equal(#bob:bindings "sip:bob@example.test", 2)
    -- User parts of Contacts are compared as RFC 3261 19.1.4 says.
    bob:register { contact_uri = "sip:bob@192.0.2.1" }
    t:equal(#bob:bindings "sip:BOB@example.test", 3)
end)

test("with case-sensitive AORs, Bob and bob are two users", { policy = tells_aor, case_sensitive = true },
    function(t, open)
    local upper, lower, alice = open("Bob"), open("bob"), open("alice")
    upper:register {}
    t:equal(#upper:bindings "sip:bob@example.test", 0)
    lower:register {}
    for user, flow in pairs { Bob = upper, bob = lower } do
        local sent = alice:request("MESSAGE", { uri = ("sip:%s@example.test"):format(user), contact = false })
        flow:reply(flow:expect "MESSAGE", 200)
        alice:expect_final(sent, 200)
    end
    local asked = alice:request("OPTIONS", { uri = "sip:B%4Fb@EXAMPLE.test", contact = false })
    t:equal(alice:expect_final(asked, 480).phrase, "sip:BOb@example.test")
end)

test("a short lifetime is refused with 423", function(t, open)
    local bob = open("bob")
    t:equal(bob:register { expires = 5, expect = 423 }:get "Min-Expires", "60")
    t:equal(#bob:bindings(bob.aor), 0)
end)

test("a short lifetime is lengthened to the shortest one", { lengthen_expires = true }, function(t, open)
    local bob = open("bob")
    t:match(bob:register { expires = 5 }:values("Contact")[1], "expires=60")
    t:match(bob:register { parameters = ";expires=1", expires = 300 }:values("Contact")[1], "expires=60")
    t:match(bob:register { expires = 90 }:values("Contact")[1], "expires=90")
    bob:register { expires = 0 }
    t:equal(#bob:bindings(bob.aor), 0)
end)

test("3261-10.a a call goes on when a connection ends that the Contact names", over_tcp, function(t, open)
    local bob, alice = open("bob"), open("alice")
    bob:register {}
    local call = alice:invite(bob.aor)
    bob:expect "INVITE"
    bob:close()
    local answer = alice:expect(function(received)
        return received.status and received.status >= 200 and received:get "Call-ID" == call:get "Call-ID"
    end, ua.at_once)
    t:ok(answer.status >= 400)
end)

-- The URIs of the listed Contacts.
local function listed_uris(answer)
    local uris = {}
    for _, value in ipairs(answer:values "Contact") do
        uris[#uris + 1] = value:match "^<(.-)>"
    end
    table.sort(uris)
    return table.concat(uris, " ")
end

local spellings = { "sip:bob@phone.example.test;transport=TCP;line=Aa",
    "SIP:b%6Fb@PHONE.example.test;transport=tcp;line=aA", "sip:bob@phone.example.test;line=aa;Transport=tcp",
    "sip:bob@phone.example.test;ob;transport=tcp" }

for name, more in pairs { ["without an instance-id"] = {}, ["with an instance-id"] = { instance = one } } do
    test("3261-10.3.a Contacts that are equal are one binding, and the newest spelling is listed, " .. name,
        function(t, open)
        local bob = open("bob")
        for _, uri in ipairs(spellings) do
            local answer = bob:register { contact_uri = uri, instance = more.instance }
            t:equal(listed_uris(answer), uri)
        end
        bob:register { contact_uri = "sip:bob@Phone.example.test;TRANSPORT=Tcp", instance = more.instance, expires = 0 }
        t:equal(#bob:bindings(bob.aor), 0)
        bob:register { contact_uri = "sip:bob@[2001:db8::1]:5070", instance = more.instance }
        local answer = bob:register { contact_uri = "sip:bob@[2001:DB8:0:0::1]:5070;x", instance = more.instance }
        t:equal(listed_uris(answer), "sip:bob@[2001:DB8:0:0::1]:5070;x")
    end)
end

test("3261-10.3.a Contacts that differ are bindings of their own", function(t, open)
    local bob = open("bob")
    local uris = { "sip:bob@h.test", "sip:bob@h.test:5060", "sips:bob@h.test", "sip:Bob@h.test",
        "sip:bob@h.test;transport=udp", "sip:bob@h.test;user=phone", "sip:bob@h.test;ttl=1",
        "sip:bob@h.test;method=INVITE", "sip:bob@h.test?Subject=x" }
    for i, uri in ipairs(uris) do
        t:equal(#bob:register { contact_uri = uri }:values "Contact", i, uri)
    end
    t:equal(#bob:register { contact_uri = "sip:bob@h.test;line=1", expires = 0 }:values "Contact", #uris - 1)
end)

test("3261-10.3.a a REGISTER older than the binding changes nothing, however its Contact is spelled", function(t, open)
    local bob = open("bob")
    bob:register { contact_uri = spellings[1], call_id = "order", cseq = 5 }
    for _, expires in ipairs { 0, 600 } do
        local answer = bob:register { contact_uri = spellings[2], call_id = "order", cseq = 4, expires = expires,
            expect = false }
        t:ok(answer.status >= 400, "status " .. answer.status)
    end
    t:equal(listed_uris(bob:register { contact = false }), spellings[1])
end)

test("3261-10.3.a a Contact that has another spelling now is called by that", function(t, open)
    local bob, alice = open("bob"), open("alice")
    bob:register { contact_uri = bob.contact_uri .. ";line=1" }
    bob:register { contact_uri = bob.contact_uri:gsub("^sip", "SIP") .. ";ob" }
    local call = alice:invite(bob.aor)
    local invite = bob:expect "INVITE"
    t:equal(invite.uri, (bob.contact_uri:gsub("^sip", "SIP")) .. ";ob")
    bob:reply(invite, 486)
    alice:expect_final(call, 486)
    bob:expect_none("INVITE", 100)
end)

test("3261-10.3.a instance-a the newest Contact of an instance replaces the older", function(t, open)
    local bob, again, alice = open("bob"), open("bob"), open("alice")
    bob:register { instance = one, contact_uri = "sip:first@192.0.2.1" }
    bob:register { instance = ua.instance(2), contact_uri = "sip:other@192.0.2.1" }
    local answer = again:register { instance = one, contact_uri = "sip:second@192.0.2.2" }
    t:equal(listed_uris(answer), "sip:other@192.0.2.1 sip:second@192.0.2.2")
    -- One that is removed takes nothing with it, and a flow of the instance stands beside it.
    again:register { instance = one, contact_uri = "sip:third@192.0.2.3", expires = 0 }
    again:register { instance = one, reg_id = 1, contact_uri = "sip:fourth@192.0.2.4" }
    t:equal(listed_uris(again:register { contact = false }),
        "sip:fourth@192.0.2.4 sip:other@192.0.2.1 sip:second@192.0.2.2")
    bob:register { contact = "*", expires = 0 }
    bob:register { instance = one, contact_uri = "sip:first@192.0.2.1" }
    again:register { instance = one }
    local call = alice:invite(bob.aor)
    again:reply(again:expect "INVITE", 486)
    alice:expect_final(call, 486)
    bob:expect_none("INVITE", 100)
end)

test("3261-10.3.a instance-a two Contacts of an instance in one REGISTER are both kept", function(t, open)
    local bob = open("bob")
    local function contact(uri)
        return ('<%s>;+sip.instance="<%s>"'):format(uri, one)
    end
    bob:register { contact = contact "sip:old@192.0.2.9" }
    local both = contact "sip:a@192.0.2.1" .. ", " .. contact "sip:b@192.0.2.2"
    for _ = 1, 2 do
        t:equal(listed_uris(bob:register { contact = both }), "sip:a@192.0.2.1 sip:b@192.0.2.2")
    end
    local moved = contact "sip:a@192.0.2.1" .. ";expires=0, " .. contact "sip:c@192.0.2.3"
    t:equal(listed_uris(bob:register { contact = moved }), "sip:c@192.0.2.3")
end)

test("instance-a another Call-ID replaces too, and a late REGISTER of the older Contact changes nothing",
    function(t, open)
    local bob = open("bob")
    bob:register { instance = one, contact_uri = "sip:first@192.0.2.1", call_id = "a", cseq = 5 }
    bob:register { instance = one, contact_uri = "sip:second@192.0.2.2", call_id = "a", cseq = 7 }
    local late = bob:register { instance = one, contact_uri = "sip:first@192.0.2.1", call_id = "a", cseq = 6,
        expect = false }
    t:ok(late.status >= 400, "status " .. late.status)
    t:equal(listed_uris(bob:register { contact = false }), "sip:second@192.0.2.2")
    bob:register { instance = one, contact_uri = "sip:third@192.0.2.3", call_id = "b", cseq = 1 }
    t:equal(listed_uris(bob:register { contact = false }), "sip:third@192.0.2.3")
    -- The phone removes its old Contact after it has registered the new one.
    bob:register { instance = one, contact_uri = "sip:second@192.0.2.2", call_id = "a", cseq = 8, expires = 0 }
    t:equal(listed_uris(bob:register { contact = false }), "sip:third@192.0.2.3")
    -- A reg-id that does not apply is ignored, and the Contact is a plain one of its instance.
    bob:register { instance = one, reg_id = 1, contact_uri = "sip:fourth@192.0.2.4", call_id = "b", cseq = 2,
        supported = "path", via = two_vias(bob) }
    t:equal(listed_uris(bob:register { contact = false }), "sip:fourth@192.0.2.4")
    -- Of a flow and a plain Contact of one instance, neither replaces the other.
    bob:register { instance = one, reg_id = 2, contact_uri = "sip:flow@192.0.2.5", call_id = "c", cseq = 1 }
    bob:register { instance = one, contact_uri = "sip:fifth@192.0.2.6", call_id = "b", cseq = 3 }
    t:equal(listed_uris(bob:register { contact = false }), "sip:fifth@192.0.2.6 sip:flow@192.0.2.5")
    bob:register { instance = one, reg_id = 2, contact_uri = "sip:flow@192.0.2.5", call_id = "c", cseq = 2,
        expires = 0 }
    t:equal(listed_uris(bob:register { contact = false }), "sip:fifth@192.0.2.6")
end)

test("instance-a a phone that moves is never too many bindings", function(t, open)
    local bob = open("bob")
    for port = 5070, 5110 do
        bob:register { instance = one, contact_uri = "sip:bob@192.0.2.1:" .. port }
    end
    t:equal(listed_uris(bob:register { contact = false }), "sip:bob@192.0.2.1:5110")
end)

test("a REGISTER with Require of what nobody knows: 420 and Unsupported", function(t, open)
    local bob = open("bob")
    local answer = bob:register { headers = { { "Require", "teleport" } }, expect = 420 }
    t:equal(answer:get "Unsupported", "teleport")
end)

tap.done()
