-- SPDX-License-Identifier: BSD-2-Clause
-- sip_save() in Kamailio (RFC 3261 section 10, RFC 5626 section 6): what is answered, and what usrloc then holds.
local tap = require "tap"
local ua = require "ua"
local kamailio = require "kamailio"

local one = ua.instance(1)

-- One Kamailio for all tests but those that want it otherwise: each has an AOR of its own.
local shared, at_end = nil, {}

local function shared_server(t)
    local longer_lived = { defer = function(_, f)
        table.insert(at_end, f)
    end }
    shared = shared or kamailio.start(longer_lived, { params = { { "reflow", "flow_timer", 25 },
        { "reflow", "max_contacts", 5 } } })
    t:ok(shared:alive(), "Kamailio has ended: " .. shared:log_tail())
    return shared
end

local users = 0

-- What usrloc holds of an AOR, as any module of Kamailio sees it: a list of tables by the names that RPC uses.
local function held(s, user)
    local text, contacts = s:rpc("ul.lookup", "location", user), {}
    for block in (text or ""):gmatch "Contact: (%b{})" do
        local contact = {}
        for name, value in block:gmatch "\n%s*([%w-]+): ([^\n]*)" do
            contact[name] = value ~= "[not set]" and value or nil
        end
        contacts[#contacts + 1] = contact
    end
    return contacts
end

local function opener(t, s, user, transport)
    local opened = {}
    t:defer(function()
        for _, flow in ipairs(opened) do
            flow:close()
        end
    end)
    return function(options)
        local o = { port = s.port, user = user, domain = s.domain, transport = transport }
        for name, value in pairs(options or {}) do
            o[name] = value
        end
        local flow = ua.open(o)
        opened[#opened + 1] = flow
        return flow
    end
end

-- Over both transports: f(t, open, s, holds, transport); holds() is what usrloc holds of the test's AOR.
local function test(name, f, options)
    for _, transport in ipairs(options and options.transports or { "udp", "tcp" }) do
        tap.test(("%s (%s)"):format(name, transport), function(t)
            users = users + 1
            local user = "u" .. users
            local s = options and options.server and kamailio.start(t, options.server) or shared_server(t)
            f(t, opener(t, s, user, transport), s, function()
                return held(s, user)
            end, transport)
            t:ok(s:alive(), "Kamailio has ended: " .. s:log_tail())
        end)
    end
end

local over_tcp, over_udp = { transports = { "tcp" } }, { transports = { "udp" } }

local has_option = ua.message.has_value

local function find(list, text)
    for _, value in ipairs(list) do
        if value:find(text, 1, true) then
            return value
        end
    end
end

local function by_reg_id(contacts, reg_id)
    for _, contact in ipairs(contacts) do
        if contact["Reg-Id"] == tostring(reg_id) then
            return contact
        end
    end
end

-- A Via under ours: what the registrar sees when a proxy stands between.
local function two_vias(flow)
    return { flow:via("z9hG4bKfar" .. math.random(1 << 30)),
        "SIP/2.0/TCP 192.0.2.7:5060;branch=z9hG4bKnear" .. math.random(1 << 30) }
end

local function source_uri(flow)
    return ("sip:127.0.0.1:%d%s"):format(flow.local_port, flow.transport == "tcp" and ";transport=tcp" or "")
end

-- 5626-7.e: a request to the flow's AOR comes over that flow, wherever its Contact leads, and over no other.
local function reaches(open, flow, ...)
    local caller = open { user = "caller" .. users }
    local sent = caller:request("MESSAGE", { uri = flow.aor, contact = false })
    flow:reply(flow:expect "MESSAGE", 200)
    caller:expect_final(sent, 200)
    for _, other in ipairs { ... } do
        other:expect_none("MESSAGE", 20)
    end
end

--- What each rule asks for

test("5626-6.a Path of a first hop with ob is kept and named in the 2xx, outbound applies", function(t, open, _, holds)
    local edge = open()
    local path = ("<sip:token@%s:%d;lr;ob>"):format(edge.host, edge.local_port)
    local answer = edge:register { instance = one, reg_id = 1, via = two_vias(edge), headers = { { "Path", path },
        { "Path", "<sip:192.0.2.9;lr>" } } }
    t:ok(has_option(answer, "Require", "outbound"))
    t:equal(table.concat(answer:values "Path", ", "), path .. ", <sip:192.0.2.9;lr>")
    t:equal(answer:get "Flow-Timer", nil)
    local contacts = holds()
    t:equal(#contacts, 1)
    t:equal(contacts[1].Path, path .. ", <sip:192.0.2.9;lr>")
    t:equal(contacts[1].Received, nil)
    t:equal(contacts[1]["Tcpconn-Id"], "-1")
end)

test("5626-6.a a malformed Path: 400", function(t, open, _, holds)
    local bob = open()
    bob:register { instance = one, reg_id = 1, headers = { { "Path", "<sip:@:;lr>" } }, expect = 400 }
    t:equal(#holds(), 0)
end)

test("5626-6.b 5626-11.6.a not the first hop and no ob in the first Path: 439", function(t, open, _, holds)
    local edge = open()
    for _, paths in ipairs { { "<sip:192.0.2.7;lr>" }, {}, { "<sip:192.0.2.7;lr>", "<sip:192.0.2.8;lr;ob>" } } do
        local headers = {}
        for _, path in ipairs(paths) do
            headers[#headers + 1] = { "Path", path }
        end
        local answer = edge:register { instance = one, reg_id = 1, via = two_vias(edge), headers = headers,
            expect = 439 }
        t:ok(not has_option(answer, "Require", "outbound"))
    end
    t:equal(#holds(), 0)
end)

test("5626-11.6.a no 439 without reg-id, nor without Supported: outbound", function(_, open)
    local edge = open()
    local far = { { "Path", "<sip:192.0.2.7;lr>" } }
    edge:register { instance = one, via = two_vias(edge), headers = far }
    edge:register { instance = one, reg_id = 1, via = two_vias(edge), headers = far, supported = "path" }
end)

test("5626-6.b no ob and a user agent without outbound: reg-id is ignored", function(t, open, _, holds)
    local edge = open()
    local answer = edge:register { instance = one, reg_id = 1, via = two_vias(edge), supported = "path",
        headers = { { "Path", "<sip:192.0.2.7;lr>" } } }
    t:ok(not has_option(answer, "Require", "outbound"))
    t:ok(not find(answer:values "Contact", "reg-id"))
    t:equal(holds()[1]["Reg-Id"], "0")
    t:equal(holds()[1].Instance, ("<%s>"):format(one))
end)

test("5626-6.c reg-id without instance-id is ignored", function(t, open, _, holds)
    local bob = open()
    local answer = bob:register { reg_id = 1 }
    t:ok(not has_option(answer, "Require", "outbound"))
    t:ok(not find(answer:values "Contact", "reg-id"))
    bob:register { reg_id = 2 }
    t:equal(#holds(), 1)
    t:equal(holds()[1]["Reg-Id"], "0")
end)

test("5626-6.d two Contacts and a reg-id: 400, nothing stored", function(t, open, _, holds)
    local bob = open()
    local both = bob:contact { instance = one, reg_id = 1 } .. ", " .. bob:contact { instance = one, reg_id = 2 }
    bob:register { contact = both, expect = 400 }
    bob:register { contact = bob:contact { instance = one, reg_id = 1 } .. ", <sip:b@192.0.2.9>", expect = 400 }
    t:equal(#holds(), 0)
end)

test("5626-6.d a removal beside the reg-id Contact is no second one", function(t, open, _, holds)
    local bob = open()
    bob:register { contact = "<sip:bob@192.0.2.9>" }
    bob:register { contact = bob:contact { instance = one, reg_id = 1 } .. ", <sip:bob@192.0.2.9>;expires=0" }
    t:equal(#holds(), 1)
    t:equal(holds()[1]["Reg-Id"], "1")
end)

test("5626-6.e Supported: outbound without reg-id: no Require: outbound, no Flow-Timer", function(t, open)
    for _, options in ipairs { { instance = one }, {} } do
        local answer = open():register(options)
        t:ok(not has_option(answer, "Require", "outbound"))
        t:equal(answer:get "Flow-Timer", nil)
    end
end)

test("5626-6.e what is removed is not applied: no Require: outbound", function(t, open)
    local bob = open()
    bob:register { instance = one, reg_id = 1 }
    t:ok(not has_option(bob:register { instance = one, reg_id = 1, expires = 0 }, "Require", "outbound"))
    t:ok(not has_option(bob:register { contact = false }, "Require", "outbound"))
end)

test("5626-6.f outbound and plain registrations side by side, also of one Contact URI", function(t, open, _, holds)
    local bob, desk = open(), open()
    bob:register { instance = one, reg_id = 1 }
    t:equal(#desk:register({}):values "Contact", 2)
    t:equal(#desk:register({ contact_uri = bob.contact_uri }):values "Contact", 3)
    t:ok(by_reg_id(holds(), 1))
    bob:register { instance = one, reg_id = 1, expires = 0 }
    t:equal(#holds(), 2)
end)

test("5626-6.g the key is instance and reg-id, not the Contact URI", function(t, open, _, holds)
    local bob = open()
    bob:register { instance = one, reg_id = 1, contact_uri = "sip:first@192.0.2.1" }
    local ruid = holds()[1].Ruid
    bob:register { instance = one, reg_id = 1, contact_uri = "sip:second@192.0.2.2" }
    local contacts = holds()
    t:equal(#contacts, 1)
    t:equal(contacts[1].Address, "sip:second@192.0.2.2")
    t:equal(contacts[1].Ruid, ruid)
    t:equal(#bob:register({ instance = one, reg_id = 2, contact_uri = "sip:second@192.0.2.2" }):values "Contact", 2)
    t:equal(#bob:register({ instance = ua.instance(2), reg_id = 1, contact_uri = "sip:second@192.0.2.2" })
        :values "Contact", 3)
end)

test("5626-6.g plain Contacts are known by their URI (RFC 3261 19.1.4)", function(t, open, _, holds)
    local bob = open()
    bob:register { contact_uri = "sip:%62ob@PHONE.example.test:5062" }
    bob:register { contact_uri = "sip:bob@phone.example.test:5062", call_id = "other" }
    t:equal(#holds(), 1)
    bob:register { contact_uri = "sip:bob@phone.example.test:5063" }
    t:equal(#holds(), 2)
    bob:register { contact_uri = "sip:Bob@phone.example.test:5063" }
    t:equal(#holds(), 3)
    bob:register { contact_uri = "SIP:bob@phone.EXAMPLE.test:5062", expires = 0 }
    t:equal(#holds(), 2)
end)

test("5626-6.g Contact parameters are kept and listed, and replaced with the next REGISTER", function(t, open)
    local bob = open()
    local function listed(options)
        options.instance, options.reg_id = one, 1
        return (bob:register(options):values("Contact")[1]:gsub(";expires=%d+$", ""):gsub("^.*;reg%-id=1", ""))
    end
    t:equal(listed { parameters = ";audio;methods=\"INVITE,BYE\";x=\"a\\\"b\"" },
        ";audio;methods=\"INVITE,BYE\";x=\"a\\\"b\"")
    t:equal(listed { parameters = ";audio;methods=\"INVITE,BYE\"" }, ";audio;methods=\"INVITE,BYE\"")
    t:equal(listed { parameters = ";audio;methods=\"INVITE,BYE\"" }, ";audio;methods=\"INVITE,BYE\"")
    t:equal(listed {}, "")
    t:equal(listed { parameters = ";video" }, ";video")
    t:match(bob:bindings(bob.aor)[1], ";video")
    bob:register { instance = one, reg_id = 1, expires = 0 }
    t:equal(listed {}, "")
end)

test("5626-6.h outbound applied for who supports it: Require: outbound; 5626-5.4.c and Flow-Timer", function(t, open)
    local answer = open():register { instance = one, reg_id = 1 }
    t:ok(has_option(answer, "Require", "outbound"))
    t:equal(answer:get "Flow-Timer", "25")
    answer = open():register { instance = one, reg_id = 1, supported = "path" }
    t:ok(not has_option(answer, "Require", "outbound"))
    t:equal(answer:get "Flow-Timer", nil)
end)

test("5626-6.i the same key with a new Call-ID replaces that binding alone, its flow and time",
    function(t, open, _, holds)
        local first, second, again = open(), open(), open()
        first:register { instance = one, reg_id = 1, expires = 300 }
        second:register { instance = one, reg_id = 2 }
        local before = by_reg_id(holds(), 1)
        again:register { instance = one, reg_id = 1, call_id = "another", cseq = 1, expires = 500 }
        local contacts = holds()
        t:equal(#contacts, 2)
        local after = by_reg_id(contacts, 1)
        t:equal(after["Call-ID"], "another")
        t:equal(after.Ruid, before.Ruid)
        t:ok(tonumber(after.Expires) > 300, after.Expires)
        second:register { instance = one, reg_id = 2, expires = 0 }
        reaches(open, again, first, second)
        second:register { instance = one, reg_id = 2 }
        again:register { instance = one, reg_id = 1, call_id = "another", cseq = 2, expires = 0 }
        reaches(open, second, first, again)
    end)

test("5626-6.i a flow moves from UDP to TCP and back", function(t, open, _, holds)
    open { transport = "udp" }:register { instance = one, reg_id = 1 }
    t:equal(holds()[1]["Tcpconn-Id"], "-1")
    local bob = open { transport = "tcp" }
    bob:register { instance = one, reg_id = 1, call_id = "tcp" }
    t:equal(#holds(), 1)
    t:ok(tonumber(holds()[1]["Tcpconn-Id"]) > 0)
    t:match(holds()[1].Socket, "^tcp:")
    reaches(open, bob)
    bob = open { transport = "udp" }
    bob:register { instance = one, reg_id = 1, call_id = "udp" }
    t:equal(holds()[1]["Tcpconn-Id"], "-1")
    t:match(holds()[1].Socket, "^udp:")
    reaches(open, bob)
end, over_udp)

test("5626-6.j 5626-5.4.a the registrar answers keep-alives of registered flows", function(_, open)
    local bob = open()
    bob:register { instance = one, reg_id = 1 }
    bob:ping()
    bob:ping()
end, over_tcp)

test("5626-10.a reg-id out of 1 to 2^31-1 is malformed", function(t, open, _, holds)
    local bob = open()
    for _, bad in ipairs { "0", "2147483648", "4294967297", "-1", "abc", "1x", "" } do
        bob:register { instance = one, reg_id = bad, expect = 400 }
    end
    t:equal(#holds(), 0)
    bob:register { instance = one, reg_id = 2147483647 }
    t:equal(holds()[1]["Reg-Id"], "2147483647")
end)

--- RFC 3261 section 10.3

test("code-2xx-register what usrloc keeps of a binding for other modules", function(t, open, s, holds, transport)
    local bob = open()
    bob:register { instance = one, reg_id = 3, q = "0.25", expires = 444, call_id = "kept", cseq = 77,
        headers = { { "Allow", "INVITE, ACK" }, { "User-Agent", "Phone/1.0" } } }
    local contact = holds()[1]
    t:equal(contact.Address, bob.contact_uri)
    t:equal(tonumber(contact.Q), 0.25)
    t:equal(contact["Call-ID"], "kept")
    t:equal(contact.CSeq, "77")
    t:equal(contact["User-Agent"], "Phone/1.0")
    t:equal(contact.Instance, ("<%s>"):format(one))
    t:equal(contact["Reg-Id"], "3")
    t:equal(contact.Methods, "5")
    t:equal(contact.Socket, ("%s:127.0.0.1:%d"):format(transport, s.port))
    t:ok(tonumber(contact.Expires) > 380 and tonumber(contact.Expires) <= 444, contact.Expires)
end)

test("REGISTER without Contact lists the bindings with their time", function(t, open)
    local bob = open()
    t:equal(#bob:bindings(bob.aor), 0)
    bob:register { expires = 300, q = "0.5" }
    local listed = bob:bindings(bob.aor)
    t:equal(#listed, 1)
    t:match(listed[1], "^<" .. bob.contact_uri:gsub("%p", "%%%0") .. ">;q=0%.500;expires=%d+$")
    local expires = tonumber(listed[1]:match "expires=(%d+)")
    t:ok(expires > 290 and expires <= 300, "expires " .. expires)
end)

test("Contact: * removes all; with another Expires, or beside another Contact, it is 400", function(t, open, _, holds)
    local bob = open()
    bob:register { instance = one, reg_id = 1 }
    bob:register {}
    bob:register { contact = "*", expires = 10, expect = 400 }
    bob:register { contact = "*, <sip:bob@192.0.2.1>", expires = 0, expect = 400 }
    t:equal(#holds(), 2)
    t:equal(#bob:register({ contact = "*", expires = 0 }):values "Contact", 0)
    t:equal(#holds(), 0)
    bob:register { contact = "*", expires = 0 }
end)

test("expires=0 removes that Contact alone", function(t, open, _, holds)
    local bob = open()
    bob:register { instance = one, reg_id = 1 }
    bob:register { instance = one, reg_id = 2 }
    bob:register { instance = one, reg_id = 1, expires = 0 }
    t:equal(#holds(), 1)
    t:ok(by_reg_id(holds(), 2))
    bob:register { instance = one, reg_id = 9, expires = 0 }
    t:equal(#holds(), 1)
end)

test("several plain Contacts in one REGISTER; the same one twice is one", function(t, open, _, holds)
    local bob = open()
    bob:register { contact = "<sip:a@192.0.2.1>;q=0.1, <sip:b@192.0.2.1>;q=0.2, <sip:a@192.0.2.1>;q=0.3" }
    t:equal(#holds(), 2)
    bob:register { contact = "<sip:a@192.0.2.1>;expires=0, <sip:c@192.0.2.1>, <sip:b@192.0.2.1>;expires=0" }
    t:equal(#holds(), 1)
    t:equal(holds()[1].Address, "sip:c@192.0.2.1")
end)

test("a REGISTER older than the binding changes nothing (same Call-ID, lower or same CSeq)", function(t, open, _, holds)
    local bob = open()
    bob:register { call_id = "order", cseq = 5, instance = one, reg_id = 1 }
    for _, cseq in ipairs { 4, 5 } do
        for _, expires in ipairs { 0, 700 } do
            bob:register { call_id = "order", cseq = cseq, instance = one, reg_id = 1, expires = expires,
                expect = 500 }
        end
    end
    bob:register { call_id = "order", cseq = 3, contact = "*", expires = 0, expect = 500 }
    t:equal(#holds(), 1)
    t:equal(holds()[1].CSeq, "5")
    bob:register { call_id = "order", cseq = 6, instance = one, reg_id = 1 }
    bob:register { call_id = "order2", cseq = 1, instance = one, reg_id = 1 }
end)

test("one Contact out of order: none of the REGISTER is done", function(t, open, _, holds)
    local bob = open()
    bob:register { call_id = "order", cseq = 5, contact = "<sip:a@192.0.2.1>" }
    bob:register { call_id = "order", cseq = 4, contact = "<sip:b@192.0.2.1>, <sip:a@192.0.2.1>", expect = 500 }
    t:equal(#holds(), 1)
end)

test("a REGISTER that is sent again is answered again", function(t, open, _, holds)
    local bob = open()
    bob.keep_repeats = true
    local sent = bob:request("REGISTER", { uri = "sip:example.test", to = bob.aor,
        contact = bob:contact { instance = one, reg_id = 1 }, headers = { { "Supported", "outbound, path" } } })
    for _ = 1, 3 do
        local answer = bob:expect "final"
        t:equal(answer.status, 200)
        t:ok(has_option(answer, "Require", "outbound"))
        t:equal(#answer:values "Contact", 1)
        bob:send_raw(sent.text)
    end
    t:equal(#holds(), 1)
end)

test("an interval too brief: 423 and Min-Expires; one too long is cut", function(t, open, _, holds)
    local bob = open()
    local answer = bob:register { expires = 59, expect = 423 }
    t:equal(answer:get "Min-Expires", "60")
    bob:register { contact = "<sip:a@192.0.2.1>, <sip:b@192.0.2.1>;expires=30", expect = 423 }
    t:equal(#holds(), 0)
    for _, much in ipairs { "7201", "4294967295", "4294967296", "99999999999999999999" } do
        answer = bob:register { expires = much }
        t:match(answer:values("Contact")[1], "expires=7200")
    end
end)

test("more Contacts than one AOR may have: 403, nothing stored; removed ones make room", function(t, open, _, holds)
    local bob = open()
    local function contact(number, more)
        return ("<sip:%d@192.0.2.1>%s"):format(number, more or "")
    end
    bob:register { contact = table.concat({ contact(1), contact(2), contact(3), contact(4) }, ",") }
    local answer = bob:register { contact = contact(5) .. "," .. contact(6), expect = 403 }
    t:match(answer.phrase, "Too Many Bindings")
    t:equal(#holds(), 4)
    bob:register { contact = contact(5) }
    bob:register { contact = contact(6), expect = 403 }
    bob:register { contact = contact(5) }
    bob:register { contact = contact(6) .. "," .. contact(1, ";expires=0") }
    t:equal(#holds(), 5)
end)

test("Require of what nobody knows: 420 and Unsupported", function(t, open, _, holds)
    local bob = open()
    local answer = bob:register { headers = { { "Require", "outbound, teleport" } }, expect = 420 }
    t:equal(answer:get "Unsupported", "teleport")
    t:equal(#holds(), 0)
    bob:register { headers = { { "Require", "outbound, path" } } }
end)

test("the AOR is canonical: host in any case, escapes, parameters and port", function(t, open)
    local bob = open()
    bob:register {}
    t:equal(#bob:bindings("sip:" .. bob.user .. "@EXAMPLE.test"), 1)
    t:equal(#bob:bindings("sip:%75" .. bob.user:sub(2) .. "@example.test"), 1)
    t:equal(#bob:bindings("sip:" .. bob.user .. "@example.test:5060;user=phone"), 1)
end)

test("an AOR without user, or of another kind of URI: 404", function(_, open)
    local bob = open()
    bob:register { aor = "sip:@example.test", uri = "sip:example.test", expect = 404 }
    bob:register { aor = "sip:example.test", uri = "sip:example.test", expect = 404 }
end)

test("3261-10.3 an AOR of another domain than the request is for: 404, nothing stored", function(t, open, _, holds)
    local bob = open()
    bob:register { aor = "sip:bob@elsewhere.test", uri = "sip:example.test", expect = 404 }
    bob:register { aor = "sip:bob@example.test.elsewhere.test", uri = "sip:example.test", expect = 404 }
    t:equal(#holds(), 0)
    bob:register { aor = "sip:bob@127.0.0.1", uri = "sip:example.test" }
end)

--- Where requests go to

test("3261-10.a a plain Contact behind NAT is reached at its source", function(t, open, _, holds, transport)
    local bob = open()
    local via = ("SIP/2.0/%s 10.1.2.3:5060;branch=z9hG4bK%d;rport"):format(transport:upper(), math.random(1 << 30))
    bob:register { contact_uri = "sip:bob@10.1.2.3:5060", via = { via } }
    t:equal(holds()[1].Address, "sip:bob@10.1.2.3:5060")
    t:equal(holds()[1].Received, source_uri(bob))
    reaches(open, bob)
end)

test("5626-7.e a flow is reached over itself, and its address is kept where its Contact does not name it",
    function(t, open, _, holds, transport)
        local bob = open()
        local here, elsewhere = "sip:bob@127.0.0.1:" .. bob.local_port, "sip:bob@127.0.0.1:" .. (bob.local_port ~ 1)
        local mine, other = ";transport=" .. transport, ";transport=" .. (transport == "tcp" and "udp" or "tcp")
        local kept = { [here .. mine] = false, [here .. mine:upper() .. ";x=y"] = false, [here] = transport == "tcp",
            [here .. other] = true, [here .. mine .. ";maddr=127.0.0.2"] = true, [elsewhere .. mine] = true,
            ["sip:bob@127.0.0.1" .. mine] = true, ["sip:bob@127.0.0.2:" .. bob.local_port .. mine] = true,
            ["sip:bob@localhost:" .. bob.local_port .. mine] = true }
        for contact, is_kept in pairs(kept) do
            bob:register { instance = one, reg_id = 1, contact_uri = contact }
            t:equal(holds()[1].Received, is_kept and source_uri(bob) or nil, contact)
            reaches(open, bob)
        end
    end)

test("3261-10.a a plain Contact elsewhere is reached over the flow on which it registered",
    function(t, open, _, holds, transport)
    local bob = open()
    for _, contact in ipairs { "sip:gateway@192.0.2.77", "sip:gateway@localhost:5066", "sips:bob@192.0.2.77" } do
        bob:register { contact_uri = contact }
        t:equal(#holds(), 1)
        t:equal(holds()[1].Address, contact)
        t:equal(holds()[1].Received, source_uri(bob))
        t:equal(holds()[1]["Tcpconn-Id"] ~= "-1", transport == "tcp")
        reaches(open, bob)
        bob:register { contact = "*", expires = 0 }
    end
end)

test("3261-10.a a plain Contact that came through a proxy without Path, or names its source, is called by itself",
    function(t, open, _, holds, transport)
    local bob = open()
    bob:register { contact_uri = "sip:gateway@192.0.2.77", via = { bob:via("z9hG4bKouter" .. bob.local_port),
        "SIP/2.0/UDP 192.0.2.7;branch=z9hG4bKinner" } }
    t:equal(holds()[1].Received, nil)
    t:equal(holds()[1]["Tcpconn-Id"], "-1")
    bob:register { contact = "*", expires = 0 }
    bob:register { contact_uri = ("sip:bob@127.0.0.1:%d;transport=%s"):format(bob.local_port, transport) }
    t:equal(holds()[1].Received, nil)
    t:equal(holds()[1]["Tcpconn-Id"] ~= "-1", transport == "tcp")
    reaches(open, bob)
end)

test("3261-10.a a Contact that cannot be an address (.invalid) is reached at its source",
    function(t, open, _, holds, transport)
    local bob = open()
    local via = ("SIP/2.0/%s x7.invalid;branch=z9hG4bK%d;rport"):format(transport:upper(), math.random(1 << 30))
    bob:register { contact_uri = "sip:bob@x7.invalid", via = { via } }
    t:equal(holds()[1].Received, source_uri(bob))
    reaches(open, bob)
end)

--- What is broken

-- A REGISTER of bytes that ua.lua would not make; lines replace those of their name.
local function raw(flow, lines, more)
    local values = { Via = flow:via("z9hG4bK" .. math.random(1 << 30)), From = ("<%s>;tag=r"):format(flow.aor),
        To = ("<%s>"):format(flow.aor), ["Call-ID"] = "raw" .. math.random(1 << 30), CSeq = "1 REGISTER",
        ["Max-Forwards"] = "70", ["Content-Length"] = "0" }
    for name, value in pairs(lines) do
        values[name] = value
    end
    local text = { "REGISTER sip:example.test SIP/2.0" }
    for _, name in ipairs { "Via", "From", "To", "Call-ID", "CSeq", "Max-Forwards", "Expires", "Supported" } do
        if values[name] then
            text[#text + 1] = name .. ": " .. values[name]
        end
    end
    for _, line in ipairs(more or {}) do
        text[#text + 1] = line
    end
    text[#text + 1] = "Content-Length: 0"
    flow:send_raw(table.concat(text, "\r\n") .. "\r\n\r\n")
end

local garbage = { "Contact: <", "Contact: <sip:bob@192.0.2.1", "Contact: >", "Contact: \"bob <sip:bob@192.0.2.1>",
    "Contact: sip:", "Contact: <sip:>", "Contact: <>", "Contact: <sip:bob@[::1>", "Contact: <sip:bob@192.0.2.1:99999>",
    "Contact: <sip:bob@192.0.2.1>;q=2", "Contact: <sip:bob@192.0.2.1>;q=0.1;q=0.2",
    "Contact: <sip:bob@192.0.2.1>;+sip.instance=\"<>\"", "Contact: <sip:bob@192.0.2.1>;=x",
    "Contact: <sip:bob@192.0.2.1>;expires=1;expires=2", "Contact: ,",
    "Contact: <mailto:bob@192.0.2.1>", "Contact: <sip:" .. ("b"):rep(2000) .. "@192.0.2.1>" }

test("garbage for a Contact: 400, nothing stored", function(t, open, _, holds)
    local bob = open()
    for _, line in ipairs(garbage) do
        raw(bob, {}, { line })
        t:equal(bob:expect("final").status, 400, line:sub(1, 60))
        t:equal(#holds(), 0, line:sub(1, 60))
    end
end)

test("200 Contacts in one REGISTER: 400, nothing stored", function(t, open, _, holds)
    local bob = open()
    local contacts = {}
    for i = 1, 200 do
        contacts[i] = ("<sip:%d@192.0.2.1>"):format(i)
    end
    bob:register { contact = table.concat(contacts, ","), expect = 400 }
    t:equal(#holds(), 0)
end)

-- Kamailio 6 itself drops what is longer than 32 KiB, where it is not told otherwise.
local long_messages = kamailio.version() >= 600 and "msg_recv_max_size=65535" or nil

test("a header of 60 KiB is refused", function(t, open, _, holds)
    local bob = open()
    raw(bob, {}, { "Contact: <sip:bob@192.0.2.1>", "X-Long: " .. ("x"):rep(60000) })
    local answer = bob:expect "final"
    t:ok(answer.status >= 400, "status " .. answer.status)
    t:equal(#holds(), 0)
    bob:register {}
    t:equal(#holds(), 1)
end, { transports = { "udp" }, server = { core = long_messages } }) -- of a stream Kamailio itself takes no such message

test("a malformed To binds nothing", function(t, open, s, holds)
    local bob = open()
    for _, to in ipairs { "<sip:bob", "\"bob <sip:bob@example.test>", "", "<>", "bob", "<sip:>" } do
        raw(bob, { To = to }, { "Contact: <sip:bob@192.0.2.1>" })
        local answer = bob:receive("final", 100) -- Kamailio itself may drop it
        t:ok(not answer or answer.status >= 400, to)
    end
    t:equal(#holds(), 0)
    t:ok(s:alive())
end, over_udp)

test("an Expires that is no number", function(t, open, _, holds)
    local bob = open()
    for _, expires in ipairs { "-1", "abc", "1 2" } do
        raw(bob, { Expires = expires }, { "Contact: <sip:bob@192.0.2.1>" })
        t:equal(bob:expect("final").status, 400, expires)
        t:equal(#holds(), 0, expires)
    end
    -- RFC 3261 20.10: malformed in a Contact is an hour
    for _, expires in ipairs { "-1", "abc", "\"\"" } do
        bob:register { contact = "<sip:bob@192.0.2.1>;expires=" .. expires }
        t:ok(tonumber(holds()[1].Expires) > 3500, expires)
    end
end)

test("an instance-id with quotes, backslashes and commas inside comes back whole", function(t, open, _, holds)
    local bob = open()
    for _, id in ipairs { [[<urn:\"x\",y>]], [[<a\\>]], [[no-angles]], [[<a b;c>]] } do
        local contact = ('<%s>;+sip.instance="%s";reg-id=1'):format(bob.contact_uri, id)
        local answer = bob:register { contact = contact }
        local inner = id:match "^<(.*)>$" or id
        t:equal(#holds(), 1)
        t:equal(holds()[1].Instance, id)
        t:ok(answer.text:find('+sip.instance="<' .. inner .. '>";reg-id=1', 1, true), answer.text)
        bob:register { contact = contact, expires = 0 }
        t:equal(#holds(), 0)
    end
end)

test("escapes in the user of the AOR that no key can hold stay escapes", function(t, open, s)
    local bob = open()
    bob:register { aor = "sip:a%00b%0D%0a" .. bob.user .. "@example.test" }
    t:equal(#held(s, "a%00b%0d%0a" .. bob.user), 1)
    bob:register { aor = "sip:a%zz@example.test", expect = 404 }
end)

--- With others

test("a binding expires", function(t, open, _, holds)
    local bob = open()
    bob:register { expires = 1 }
    local answer
    t:ok(ua.wait.until_true(ua.patience, function()
        answer = bob:bindings(bob.aor)
        return #answer == 0
    end))
    bob:register { expires = 1, call_id = "again" }
    t:equal(#holds(), 1)
end, { transports = { "udp" }, server = { params = { { "reflow", "min_expires", 1 } } } })

local stateful = [[
request_route {
    t_newtran();
    sip_save("location");
}
]]

test("with a transaction of the configuration's own, and use_domain", function(t, open, s)
    local bob = open()
    local answer = bob:register { instance = one, reg_id = 1 }
    t:ok(has_option(answer, "Require", "outbound"))
    t:equal(#held(s, bob.user .. "@example.test"), 1)
    bob:register { aor = "sip:" .. bob.user .. "@Other.test", instance = one, reg_id = 1, call_id = "o" }
    t:equal(#held(s, bob.user .. "@other.test"), 1)
    t:equal(#bob:bindings(bob.aor), 1)
end, { server = { params = { { "usrloc", "use_domain", 1 } }, config = stateful } })

test("5954-4.a an AOR at an IPv6 address is one AOR in every spelling", function(t, open, s)
    local bob = open()
    local aor = "sip:" .. bob.user .. "@[%s]"
    bob:register { aor = aor:format "2001:DB8:0::1" }
    t:equal(#held(s, bob.user .. "@[2001:db8::1]"), 1)
    t:equal(#bob:bindings(aor:format "2001:db8:0:0:0:0:0:1"), 1)
    bob:register { aor = aor:format "2001:db8::0001", uri = "sip:[2001:db8::0:1]" }
    t:equal(#held(s, bob.user .. "@[2001:db8::1]"), 1)
    bob:register { aor = aor:format "2001:db8::2", uri = "sip:[2001:db8::1]", expect = 404 }
end, { server = { params = { { "usrloc", "use_domain", 1 } }, config = stateful } })

test("5626-6.i reg-id 2 of Kamailio's own save() stays when reg-id 1 comes again", function(t, open, _, holds)
    local first, second = open(), open()
    first:register { instance = one, reg_id = 1, headers = { { "X-Stock", "yes" } } }
    second:register { instance = one, reg_id = 2 }
    t:equal(#holds(), 2)
    second:register { instance = one, reg_id = 1, call_id = "new" }
    t:equal(#holds(), 2)
    t:equal(by_reg_id(holds(), 1).Address, second.contact_uri)
end, { transports = { "udp" }, server = { modules = { "kex", "corex", "tm", "sl", "rr", "pv", "maxfwd", "textops",
    "siputils", "xlog", "usrloc", "registrar", "path", "ctl", "stun", "outbound", "reflow" },
    params = { { "registrar", "outbound_mode", 1 } },
    extra = 'route[BEFORE] { if (is_present_hf("X-Stock")) { save("location"); exit; } }' } })

test("5626-6.g bindings of one key that Kamailio's own save() made become one", function(t, open, _, holds)
    local bob = open()
    local stock = { { "X-Stock", "yes" } }
    bob:register { contact_uri = "sip:%63@192.0.2.1", headers = stock, supported = false }
    bob:register { contact_uri = "sip:c@192.0.2.1", headers = stock, supported = false }
    t:equal(#holds(), 2)
    bob:register { contact_uri = "sip:c@192.0.2.1", call_id = "c" }
    t:equal(#holds(), 1)
    bob:register { contact_uri = "sip:%63@192.0.2.1", headers = stock, supported = false, call_id = "d" }
    bob:register { contact_uri = "sip:c@192.0.2.1", expires = 0, call_id = "e" }
    t:equal(#holds(), 0)
end, { transports = { "udp" }, server = { modules = { "kex", "corex", "tm", "sl", "rr", "pv", "maxfwd", "textops",
    "siputils", "xlog", "usrloc", "registrar", "path", "ctl", "stun", "outbound", "reflow" },
    params = { { "registrar", "outbound_mode", 0 }, { "registrar", "use_path", 0 } },
    extra = 'route[BEFORE] { if (is_present_hf("X-Stock")) { save("location"); exit; } }' } })

test("shared memory runs out: 503, nothing half stored, and the bindings that stand stay", function(t, open, s)
    local bob = open()
    bob:register { instance = one, reg_id = 1 }
    local contacts, full = {}, nil
    for i = 1, 5 do
        contacts[i] = ("<sip:%s%d@192.0.2.1>"):format(("c"):rep(900), i)
    end
    local list = table.concat(contacts, ",")
    for i = 1, 4000 do
        local answer = bob:register { aor = ("sip:m%d@example.test"):format(i), contact = list, expect = false,
            call_id = "memory" .. i }
        if answer.status ~= 200 then
            t:equal(answer.status, 503)
            full = i
            break
        end
    end
    t:ok(full, "it never ran out")
    t:equal(#held(s, "m" .. full), 0)
    t:equal(#held(s, "m" .. full - 1), 5)
    t:equal(#held(s, bob.user), 1)
    bob:register { aor = "sip:m1@example.test", contact = "*", expires = 0, call_id = "less" }
    bob:register { instance = one, reg_id = 1 }
end, { transports = { "udp" }, server = { memory = 8 } })

--- Policies and events

local register_policy = [[
sip_on_register(function(call)
    local kind = call.from:match "sip:(%l+)"
    if kind == "drop" then return sip_drop() end
    if kind == "first" then return sip_fail(439) end
    if kind == "no" then return sip_fail(403) end
    if kind == "yes" then return sip_accept() end
end)
]]

local flow_up_route = [[
event_route[reflow:flow-up] {
    xlog("L_NOTICE", "up: $reflow(aor) $reflow(instance) $reflow(reg_id) $reflow(flow)\n");
}
]]

test("a policy refuses, drops or accepts a REGISTER; 5626-11.6.a it gives no 439 to who cannot have it", function(t)
    local policy = require("temporary").path()
    t:defer(function()
        os.remove(policy)
    end)
    require("server").write(policy, register_policy)
    local s = kamailio.start(t, { params = { { "reflow", "policy", policy } } })
    local function register(user, options)
        local flow = ua.open { port = s.port, user = user, domain = s.domain }
        t:defer(function()
            flow:close()
        end)
        return flow:register(options)
    end
    register("yes", {})
    register("anybody", {})
    register("no", { expect = 403 })
    register("first", { supported = "path", instance = one, reg_id = 1 })
    register("first", { instance = one, reg_id = 2, expect = 439 })
    t:equal(#held(s, "first"), 1)
    t:equal(#held(s, "no"), 0)
    t:ok(not pcall(register, "drop", { ms = 200 }))
    t:equal(s:becomes("reflow:registers_refused", 3), 3)
    t:equal(#held(s, "drop"), 0)
    t:equal(s:statistic "reflow:registers_accepted", 3)
    t:equal(s:statistic "reflow:verdicts_refused", 1)
    t:match(s.log, "5626%-11%.6%.a")
end, over_udp)

test("a flow that comes up is reported once: with its first binding", function(t, open, s, holds, transport)
    local bob = open()
    for reg_id = 1, 2 do
        bob:register { instance = one, reg_id = reg_id }
        bob:register { instance = one, reg_id = reg_id }
    end
    bob:register {}
    local again = open()
    again:register { instance = one, reg_id = 1 }
    s:wait_for_log("up: [^\n]*:" .. again.local_port)
    local told = s:log_lines "up: "
    t:equal(#told, 2)
    t:match(told[1], ("up: %s %s 1 %s .*:%d"):format(bob.user, (one:gsub("%-", "%%-")), transport, bob.local_port))
    t:equal(#holds(), 3)
end, { server = { extra = flow_up_route, debug = 2 } })

--- Databases

local schema = "/usr/share/kamailio/db_sqlite/"

local function sqlite(path)
    local pipe = assert(io.popen(("(echo 'pragma journal_mode=wal;'; " ..
        "cat %sstandard-create.sql %susrloc-create.sql) | " ..
        "sqlite3 '%s' 2>&1 >/dev/null"):format(schema, schema, path)))
    local text = pipe:read "a"
    assert(pipe:close(), text)
end

local function stored(path)
    local pipe = assert(io.popen(("sqlite3 '%s' 'select instance, reg_id, received from location order by reg_id'")
        :format(path)))
    local text = pipe:read "a"
    pipe:close()
    return text
end

for mode = 1, 3 do
    test(("5626-6.g the key holds where usrloc keeps a database, db_mode %d"):format(mode), function(t)
        local file = io.open(schema .. "usrloc-create.sql")
        if not file then
            t:skip "no schema of Kamailio's for sqlite"
        end
        file:close()
        local path = require("temporary").path()
        t:defer(function()
            for _, ending in ipairs { "", "-wal", "-shm" } do
                os.remove(path .. ending)
            end
        end)
        sqlite(path)
        local modules = { "db_sqlite", table.unpack(kamailio.modules) }
        local s = kamailio.start(t, { modules = modules, params = { { "usrloc", "db_mode", mode },
            { "usrloc", "db_url", "sqlite:///" .. path }, { "usrloc", "timer_interval", 1 } } })
        local bob = ua.open { port = s.port, user = "bob", domain = s.domain, transport = "tcp" }
        t:defer(function()
            bob:close()
        end)
        local function register(reg_id, more)
            return bob:register { instance = one, reg_id = reg_id, contact_uri = "sip:bob@10.1.2.3",
                call_id = more and more.call_id, expires = more and more.expires }
        end
        for reg_id = 1, 3 do
            register(reg_id)
        end
        bob:register {}
        t:equal(#register(2, { call_id = "new" }):values "Contact", 4)
        register(3, { expires = 0 })
        local row = ("<%s>|%%d|%s"):format(one, source_uri(bob))
        local expected = ("|0|\n%s\n%s\n"):format(row:format(1), row:format(2))
        ua.wait.until_true(ua.patience, function()
            return stored(path) == expected
        end)
        t:equal(stored(path), expected)
        t:equal(#bob:bindings(bob.aor), 3)
        bob:register { contact = "*", expires = 0 }
        t:equal(#bob:bindings(bob.aor), 0)
        ua.wait.until_true(ua.patience, function()
            return stored(path) == ""
        end)
        t:equal(stored(path), "")
    end, over_udp)
end

tap.test("the server of all these cases ends", function()
    for _, f in ipairs(at_end) do
        f()
    end
end)

tap.done()
