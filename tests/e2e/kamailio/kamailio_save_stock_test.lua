-- SPDX-License-Identifier: BSD-2-Clause
-- REGISTER and calls that work with Kamailio's own save() and lookup(): each case runs with these, in a table of their
-- own, and with sip_save() and sip_route_flows(), in one Kamailio. The header field X-Stock chooses Kamailio's own.
local kamailio = require "kamailio"
local server = require "server"
local tap = require "tap"
local ua = require "ua"
local uv = require "luv"

local modules = { table.unpack(kamailio.modules) }
table.insert(modules, #modules, "registrar")

-- N: the test's own changes to a REGISTER.
local routes = [[
route[BEFORE] {
    if (is_method("REGISTER")) route(N);
    if (!is_present_hf("X-Stock")) return;
    if (is_method("REGISTER")) {
        save("stock");
        exit;
    }
    if (is_method("INVITE|MESSAGE")) {
        if (!lookup("stock")) {
            sl_send_reply("404", "Not Found");
            exit;
        }
        t_relay();
        exit;
    }
}
]]

local function start(t, options)
    options = options or {}
    return kamailio.start(t, { modules = modules, params = options.params,
        extra = routes .. ("route[N] { %s return; }\n"):format(options.register or "") .. (options.more or "") })
end

local sides = { stock = { { "X-Stock", "yes" } }, own = {} }
local tables = { stock = "stock", own = "location" }

-- A user agent whose requests go to that side.
local function open_flow(t, s, side, user, options)
    local flow = ua.open(setmetatable({ port = s.port, domain = s.domain, user = user }, { __index = options }))
    t:defer(function()
        if not flow.ended then
            flow:close()
        end
    end)
    local register, request = flow.register, flow.request
    function flow.register(self, more)
        more = setmetatable({ headers = { table.unpack(sides[side]) } }, { __index = more })
        return register(self, more)
    end
    function flow.request(self, method, more)
        if method ~= "REGISTER" then
            more = setmetatable({ headers = { table.unpack(sides[side]) } }, { __index = more })
        end
        return request(self, method, more)
    end
    function flow.quit(self)
        self.ended = true
        self:close()
    end
    return flow
end

-- Runs a case for both sides: body(t, open, s, side); open(user, options).
local function both(name, options, body)
    tap.test(name, function(t)
        local s = start(t, options)
        for _, side in ipairs { "stock", "own" } do
            body(t, function(user, more)
                return open_flow(t, s, side, user, more)
            end, s, side)
        end
        t:ok(s:alive(), "Kamailio has ended: " .. s:log_tail())
    end)
end

-- What usrloc holds of an AOR.
local function held(s, side, user)
    local text, contacts = s:rpc("ul.lookup", tables[side], user), {}
    for block in (text or ""):gmatch "Contact: (%b{})" do
        local contact = {}
        for name, value in block:gmatch "\n%s*([%w-]+): ([^\n]*)" do
            contact[name] = value ~= "[not set]" and value or nil
        end
        contacts[#contacts + 1] = contact
    end
    return contacts
end

local function reaches(caller, flow, uri)
    local sent = caller:request("MESSAGE", { uri = uri or flow.aor, contact = false })
    local received = flow:expect "MESSAGE"
    flow:reply(received, 200)
    caller:expect_final(sent, 200)
    return received
end

local function becomes(t, count, f, what)
    local got
    ua.wait.until_true(ua.patience, function()
        got = #f()
        return got == count or ua.wait.pause(20)
    end)
    t:equal(got, count, what)
end

--- Upper and lower case

both("a user who has registered as Bob is called as bob and BOB", nil, function(t, open, s, side)
    local bob, alice = open "Bob", open "alice"
    bob:register {}
    t:equal(#held(s, side, "bob"), 1)
    for _, user in ipairs { "bob", "BOB", "Bob", "%42ob" } do
        reaches(alice, bob, ("sip:%s@example.test"):format(user))
    end
    bob:register { aor = "sip:bOB@example.test", expires = 0, call_id = "other" }
    t:equal(#held(s, side, "bob"), 0)
end)

both("with case_sensitive 1, Bob and bob are two users", { params = { { "registrar", "case_sensitive", 1 },
    { "reflow", "case_sensitive", 1 } } }, function(t, open, s, side)
    local upper, lower, alice = open "Bob", open "bob", open "alice"
    upper:register {}
    alice:expect_final(alice:request("MESSAGE", { uri = "sip:bob@example.test", contact = false }), 404)
    lower:register {}
    reaches(alice, upper)
    reaches(alice, lower)
    t:equal(#held(s, side, "Bob"), 1)
    t:equal(#held(s, side, "bob"), 1)
end)

-- save() of a registrar that is case-sensitive, into our table.
local mixed = { params = { { "registrar", "case_sensitive", 1 }, { "usrloc", "xavp_contact", "attrs" } },
    register = [[
        if (is_present_hf("X-Mixed")) {
            $xavp(attrs=>color) = $hdr(X-Mixed);
            save("location");
            exit;
        }]],
    more = [[
        route[CALL] { t_on_branch("see"); }
        branch_route[see] { append_hf("X-Color: $xavp(attrs[0]=>color)\r\n"); }
    ]] }

tap.test("bindings under an AOR with capital letters are found, and moved by the next REGISTER", function(t)
    local s = start(t, mixed)
    local alice = open_flow(t, s, "own", "alice")
    local bob, other = open_flow(t, s, "own", "Bob"), open_flow(t, s, "own", "BOB")
    local by_stock = { { "X-Mixed", "red" } }
    local register = getmetatable(bob).__index.register
    register(bob, { headers = by_stock, supported = false, call_id = "b" })
    register(other, { headers = by_stock, supported = false, call_id = "o" })
    t:equal(#held(s, "own", "Bob"), 1)
    t:equal(#held(s, "own", "BOB"), 1)
    local sent = alice:request("MESSAGE", { uri = "sip:bob@example.test", contact = false })
    bob:reply(bob:expect "MESSAGE", 486)
    other:reply(other:expect "MESSAGE", 486)
    alice:expect_final(sent, 486)
    t:match((s:rpc("reflow.flows", "bob")), "sip:Bob@.*sip:BOB@")
    t:equal(#held(s, "own", "Bob"), 1)
    -- What the phone registers under its AOR is its old binding.
    bob:register { call_id = "b", cseq = 7 }
    t:equal(#held(s, "own", "bob"), 2)
    t:equal(#held(s, "own", "Bob"), 0)
    t:equal(#held(s, "own", "BOB"), 0)
    bob:register { call_id = "b", cseq = 8, expires = 0 }
    t:equal(reaches(alice, other, "sip:bob@example.test"):get "X-Color", "red")
    bob:expect_none("MESSAGE", 50)
end)

local schema = "/usr/share/kamailio/db_sqlite/"

local sqlite = kamailio.sqlite

local function database(t)
    if not uv.fs_stat(schema) then
        t:skip "no schema of Kamailio's for sqlite"
    end
    local folder = assert(uv.fs_mkdtemp((os.getenv "TMPDIR" or "/tmp") .. "/reflow-stock-XXXXXX"))
    t:defer(function()
        os.execute(("rm -r '%s'"):format(folder))
    end)
    local path = folder .. "/location.sqlite"
    sqlite(path, "pragma journal_mode=wal")
    for _, name in ipairs { "standard", "usrloc" } do
        sqlite(path, (".read %s%s-create.sql"):format(schema, name))
    end
    return folder, path
end

for mode, name in ipairs { "write-through", "write-back", "database only" } do
    tap.test("rows of an earlier version are found after a restart, usrloc in SQLite, " .. name, function(t)
        local folder, path = database(t)
        local port = server.free_port()
        local function begin(case_sensitive)
            return kamailio.start(t, { folder = folder, port = port,
                modules = { "db_sqlite", table.unpack(kamailio.modules) },
                params = { { "usrloc", "db_mode", mode }, { "usrloc", "db_url", "sqlite:///" .. path },
                    { "usrloc", "timer_interval", 1 }, { "reflow", "case_sensitive", case_sensitive } } })
        end
        local function rows(expected)
            local got
            ua.wait.until_true(ua.patience, function()
                got = sqlite(path, "select username from location order by username")
                return got == expected or ua.wait.pause(20)
            end)
            t:equal(got, expected)
        end
        local s = begin(1)
        local bob = open_flow(t, s, "own", "Bob")
        bob:register {}
        rows "Bob"
        s:stop()
        s = begin(0)
        local alice = open_flow(t, s, "own", "alice")
        reaches(alice, bob, "sip:bob@example.test")
        reaches(alice, bob, "sip:Bob@example.test")
        bob:register {}
        rows "bob"
        reaches(alice, bob, "sip:BOB@example.test")
        s:stop()
        s = begin(0)
        reaches(open_flow(t, s, "own", "alice"), bob, "sip:Bob@example.test")
    end)
end

--- Connections

both("3261-10.a the end of a connection is noticed that the Contact names", { params = {
    { "usrloc", "handle_lost_tcp", 1 }, { "usrloc", "timer_interval", 1 } } }, function(t, open, s, side)
    local bob = open("bob", { transport = "tcp" })
    bob:register {}
    t:ok(tonumber(held(s, side, "bob")[1]["Tcpconn-Id"]) > 0)
    reaches(open "alice", bob)
    bob:quit()
    becomes(t, 0, function()
        return held(s, side, "bob")
    end, side)
    local alice = open "alice"
    alice:expect_final(alice:invite(bob.aor), 404)
end)

tap.test("3261-10.a a call goes on at once when a connection ends that the Contact names", function(t)
    local s = start(t)
    -- A port that was bound may be listened on after the connection.
    local bob, alice = open_flow(t, s, "own", "bob", { transport = "tcp", local_port = server.free_port() }),
        open_flow(t, s, "own", "alice")
    bob:register {}
    local call = alice:invite(bob.aor)
    bob:expect "INVITE"
    bob:quit()
    t:ok(alice:expect("final", ua.at_once).status >= 400)
    t:equal(call.method, "INVITE")
    becomes(t, 1, function()
        local contact = held(s, "own", "bob")[1]
        return { contact and contact["Tcpconn-Id"] == "-1" and contact or nil }
    end, "the binding stays, without a flow")
    -- Its Contact is called over a new connection.
    local listener, accepted
    assert(ua.wait.until_true(ua.patience, function()
        listener = uv.new_tcp()
        if listener:bind("127.0.0.1", bob.local_port) and listener:listen(1, function()
            accepted = true
        end) then
            return true
        end
        listener:close()
        ua.wait.pause(20)
    end), "the port of the closed connection stays in use")
    t:defer(function()
        listener:close()
    end)
    alice:request("MESSAGE", { uri = bob.aor, contact = false })
    t:ok(ua.wait.until_true(ua.patience, function()
        return accepted
    end), "the Contact was not called")
end)

--- Instances

local one = ua.instance(1)

both("instance-a the newest Contact of an instance replaces the older", nil, function(t, open, s, side)
    local bob = open "bob"
    for port = 5070, 5110 do
        bob:register { instance = one, contact_uri = "sip:bob@192.0.2.1:" .. port }
    end
    t:equal(#held(s, side, "bob"), 1)
    local moved, alice = open "bob", open "alice"
    moved:register { instance = one, call_id = "moved" }
    t:equal(#held(s, side, "bob"), 1)
    reaches(alice, moved)
end)

--- nathelper

local private = "sip:bob@192.168.0.9:5064;line=7"

both("fix_nated_contact() before the registrar: the Contact is the source", { register = "fix_nated_contact();" },
    function(t, open, s, side)
    for _, transport in ipairs { "udp", "tcp" } do
        local bob, alice = open("bob", { transport = transport }), open "alice"
        local expected = ("sip:bob@127.0.0.1:%d;line=7"):format(bob.local_port)
        local answer = bob:register { contact_uri = private .. (transport == "tcp" and ";transport=tcp" or "") }
        expected = expected .. (transport == "tcp" and ";transport=tcp" or "")
        t:ok(answer:values("Contact")[1]:find(expected, 1, true), answer:values("Contact")[1])
        t:equal(held(s, side, "bob")[1].Address, expected)
        t:equal(reaches(alice, bob).uri, expected)
        bob:register { contact_uri = private .. (transport == "tcp" and ";transport=tcp" or ""), expires = 0 }
        t:equal(#held(s, side, "bob"), 0)
    end
end)

-- Kamailio 5.6 gives the last Contact the address of the source, 6.0 the first one.
local fixed_by_stock

both("fix_nated_contact() of one of two Contacts, and without angle brackets", {
    register = "fix_nated_contact();" }, function(t, open, s, side)
    local bob = open "bob"
    bob:register { contact = "\"B\" <sip:bob@10.0.0.1>;q=0.5, <sip:desk@10.0.0.2>;expires=300" }
    local contacts = {}
    for _, contact in ipairs(held(s, side, "bob")) do
        contacts[#contacts + 1] = contact.Address
    end
    table.sort(contacts)
    local fixed = table.concat(contacts, " "):gsub("127%.0%.0%.1:" .. bob.local_port, "source")
    t:ok(fixed == "sip:bob@10.0.0.1 sip:desk@source" or fixed == "sip:bob@source sip:desk@10.0.0.2", fixed)
    fixed_by_stock = side == "stock" and fixed or fixed_by_stock
    t:equal(fixed, fixed_by_stock)
    local other = open "carol"
    other:register { contact = "sip:carol@10.0.0.3;expires=100" }
    t:equal(held(s, side, "carol")[1].Address, "sip:carol@127.0.0.1:" .. other.local_port)
end)

both("set_contact_alias() before the registrar: the Contact has the alias", { register = "set_contact_alias();" },
    function(t, open, s, side)
    local bob = open "bob"
    bob:register { contact_uri = "sip:bob@192.168.0.9:5064" }
    t:equal(held(s, side, "bob")[1].Address,
        ("sip:bob@192.168.0.9:5064;alias=127.0.0.1~%d~1"):format(bob.local_port))
    bob:register { contact = "sip:bob@192.168.0.9:5064", expires = 0 }
    t:equal(#held(s, side, "bob"), 0)
    if side == "own" then
        bob:register { contact_uri = "sip:bob@192.168.0.9:5064" }
        reaches(open "alice", bob)
    end
end)

both("add_contact_alias() before the registrar does not change what is stored", {
    register = "add_contact_alias();" }, function(t, open, s, side)
    local bob = open "bob"
    bob:register { contact_uri = "sip:bob@192.168.0.9:5064" }
    t:equal(held(s, side, "bob")[1].Address, "sip:bob@192.168.0.9:5064")
    if side == "own" then
        reaches(open "alice", bob)
    end
end)

local received = { { "nathelper", "received_avp", "$avp(RECEIVED)" },
    { "registrar", "received_avp", "$avp(RECEIVED)" }, { "reflow", "received_avp", "$avp(RECEIVED)" } }

both("fix_nated_register() before the registrar: the phone is called at the source", { params = received,
    register = "fix_nated_register();" }, function(t, open, s, side)
    for _, transport in ipairs { "udp", "tcp" } do
        local bob, alice = open("bob", { transport = transport }), open "alice"
        local contact = "sip:bob@192.168.0.9:5064" .. (transport == "tcp" and ";transport=tcp" or "")
        bob:register { contact_uri = contact }
        t:match(held(s, side, "bob")[1].Received, "127%.0%.0%.1:" .. bob.local_port)
        t:equal(reaches(alice, bob).uri, contact)
        bob:register { contact_uri = contact, expires = 0 }
    end
end)

both("received_avp may name another address over UDP", { params = received,
    register = '$avp(RECEIVED) = $hdr(X-From);' }, function(t, open, s, side)
    local bob, phone, alice = open "bob", open "phone", open "alice"
    local headers = { { "X-From", "sip:127.0.0.1:" .. phone.local_port }, table.unpack(sides[side]) }
    getmetatable(bob).__index.register(bob, { contact_uri = private, headers = headers })
    t:equal(held(s, side, "bob")[1].Received, "sip:127.0.0.1:" .. phone.local_port)
    local sent = alice:request("MESSAGE", { uri = bob.aor, contact = false })
    phone:reply(phone:expect "MESSAGE", 200)
    alice:expect_final(sent, 200)
end)

tap.test("received_avp that is no URI with an address is ignored and logged", function(t)
    local s = start(t, { params = received, register = '$avp(RECEIVED) = $hdr(X-From);' })
    local bob, alice = open_flow(t, s, "own", "bob"), open_flow(t, s, "own", "alice")
    for _, bad in ipairs { "nonsense", "sip:host.example.net", "sip:" .. ("9"):rep(300) .. "@192.0.2.1" } do
        getmetatable(bob).__index.register(bob, { contact_uri = private, headers = { { "X-From", bad } } })
        t:equal(held(s, "own", "bob")[1].Received, "sip:127.0.0.1:" .. bob.local_port)
        reaches(alice, bob)
    end
    t:equal(#s:log_lines "received_avp is ignored", 3)
end)

tap.test("received_avp that is not an AVP: Kamailio does not start", function(t)
    local s = kamailio.start(t, { params = { { "reflow", "received_avp", "RECEIVED" } }, expect_end = true })
    t:ok(s:wait(kamailio.patience))
    t:match(s.log, 'received_avp: "RECEIVED" is not an AVP')
    local fine, text = kamailio.check("-f " .. s.config)
    t:ok(not fine)
    t:match(text, 'received_avp: "RECEIVED" is not an AVP')
end)

--- Lifetimes

both("min_expires_mode 0 lengthens, as the registrar module does by default", {
    params = { { "reflow", "min_expires_mode", 0 } } }, function(t, open)
    local bob = open "bob"
    t:match(bob:register { expires = 5 }:values("Contact")[1], "expires=60")
    t:equal(#bob:register { expires = 0 }:values "Contact", 0)
end)

both("min_expires_mode 1 refuses with 423", { params = { { "reflow", "min_expires_mode", 1 },
    { "registrar", "min_expires_mode", 1 } } }, function(t, open, s, side)
    t:equal(open "bob":register { expires = 5, expect = 423 }:get "Min-Expires", "60")
    t:equal(#held(s, side, "bob"), 0)
end)

-- --- the manual ---

tap.test("the line of the manual that stands for path_mode 2", function(t)
    local file <close> = assert(io.open "module/kamailio/OWN.md")
    local line = assert(file:read("a"):match '\n| `path_mode` |[^\n]*`(if %(is_present_hf%("Path"%)[^`]*)` |\n')
    local s = start(t, { register = line })
    local bob = ua.open { port = s.port, domain = s.domain, user = "bob" }
    local headers = { { "Path", "<sip:192.0.2.1;lr>" } }
    local answer = bob:register { supported = "outbound", headers = headers, expect = 420 }
    t:equal(answer:get "Unsupported", "path")
    t:equal(bob:register({ supported = "outbound, path", headers = headers }):get "Path", "<sip:192.0.2.1;lr>")
    bob:register { supported = false }
end)

tap.done()
