-- SPDX-License-Identifier: BSD-2-Clause
-- Bindings that no REGISTER over this node in this run has made: rows of an operator, of an earlier run, of another
-- node. Kamailio's own lookup() calls them; sip_route_flows() in the same Kamailio does too, except where only another
-- node can reach the phone.
local kamailio = require "kamailio"
local peer = require "peer"
local server = require "server"
local tap = require "tap"
local ua = require "ua"
local uv = require "luv"

local test = tap.test

-- A request with X-Stock is routed by Kamailio's registrar.
local stock_route = [[
route[CALL] {
    if (!is_present_hf("X-Stock")) return;
    if (!lookup("location")) {
        sl_send_reply("404", "Not Found");
        exit;
    }
    t_relay();
    exit;
}
]]
local stock <const> = { { "X-Stock", "yes" } }

local function modules()
    local names = { "db_sqlite", table.unpack(kamailio.modules) }
    table.insert(names, #names, "registrar")
    return names
end

local function start(t, options)
    options.modules, options.extra = modules(), stock_route
    local node = kamailio.start(t, options)
    return node, function(user, more)
        local o = { host = node.host, port = node.port, user = user, domain = node.domain, transport = "udp" }
        for name, value in pairs(more or {}) do
            o[name] = value
        end
        local flow = ua.open(o)
        t:defer(function()
            flow:close()
        end)
        return flow
    end
end

-- One call by each registrar; `takes` waits for the INVITE and answers 486.
local function both_call(open, aor, takes)
    local alice = open "alice"
    for _, headers in ipairs { stock, {} } do
        local call = alice:invite(aor, { headers = headers })
        takes()
        alice:expect_final(call, 486)
    end
end

local function phone_takes(phone, uri)
    return function()
        local invite = phone:expect "INVITE"
        if uri then
            assert(invite.uri == uri, invite.uri)
        end
        phone:reply(invite, 486)
    end
end

local function listener_takes(listener)
    local taken = 0
    return function()
        taken = taken + 1
        assert(ua.wait.until_true(ua.patience, function()
            return #listener.requests >= taken
        end), "no INVITE at the listener")
        assert(listener.requests[taken].method == "INVITE")
        listener.requests[taken].send(peer.answer(listener.requests[taken], 486))
        ua.wait.until_true(ua.patience, function()
            return #listener.requests > taken -- the ACK
        end)
        taken = taken + 1
    end
end

local function add(node, contact, more, expires)
    assert(node:rpc("ul.add", "location", "bob", contact, expires or 3600, "1.0", ".", 0, 0, 8191,
        table.unpack(more or {})))
end

-- --- rows of an operator ---

for _, id in ipairs { 0, 7 } do
    local function named(what)
        return ("3261-10.a %s, server_id %d [kamailio]"):format(what, id)
    end

    test(named "a row of ul.add is called by its Contact over UDP", function(t)
        local node, open = start(t, { core = "server_id=" .. id })
        local bob = open "bob"
        add(node, bob.contact_uri)
        both_call(open, bob.aor, phone_takes(bob, bob.contact_uri))
        t:equal(node:statistic "reflow:bindings_elsewhere", 0)
    end)

    test(named "a row of ul.add that stays for ever", function(t)
        local node, open = start(t, { core = "server_id=" .. id })
        local bob = open "bob"
        add(node, bob.contact_uri, {}, 0)
        both_call(open, bob.aor, phone_takes(bob, bob.contact_uri))
    end)

    test(named "a row of ul.add is called by its Contact over a new TCP connection", function(t)
        local node, open = start(t, { core = "server_id=" .. id })
        local listener = peer.open(t, server.free_port())
        add(node, ("sip:bob@127.0.0.1:%d;transport=tcp"):format(listener.port))
        both_call(open, "sip:bob@example.test", listener_takes(listener))
    end)

    test(named "ul.add replaces the binding of a phone with the same Contact", function(t)
        local node, open = start(t, { core = "server_id=" .. id })
        local listener = peer.open(t, server.free_port())
        local bob = open("bob", { transport = "tcp" })
        local contact = ("sip:bob@127.0.0.1:%d;transport=tcp"):format(listener.port)
        bob:register { contact_uri = contact, supported = false }
        add(node, contact)
        both_call(open, bob.aor, listener_takes(listener))
        t:equal(#bob.inbox, 0)
    end)

    test(named "a row of ul.add with an address to send to is called there over UDP", function(t)
        local node, open = start(t, { core = "server_id=" .. id })
        local bob = open "bob"
        add(node, "sip:bob@192.0.2.7", { ("sip:127.0.0.1:%d"):format(bob.local_port) })
        both_call(open, bob.aor, phone_takes(bob, "sip:bob@192.0.2.7"))
    end)

    test(named "a row of ul.add with an address to send to is called there over TCP", function(t)
        local node, open = start(t, { core = "server_id=" .. id })
        local listener = peer.open(t, server.free_port())
        add(node, "sip:bob@192.0.2.7;transport=tcp",
            { ("sip:127.0.0.1:%d;transport=tcp"):format(listener.port) })
        both_call(open, "sip:bob@example.test", listener_takes(listener))
    end)

    test(named "a row of ul.add with a socket is called from that socket", function(t)
        local node, open = start(t, { core = "server_id=" .. id })
        local bob = open "bob"
        add(node, bob.contact_uri, { ".", ("udp:127.0.0.1:%d"):format(node.port) })
        both_call(open, bob.aor, phone_takes(bob, bob.contact_uri))
    end)
end

-- --- rows in a database ---

local passed_over = "%s%%S* has no target; bindings passed over: 1 that only another node can reach %%(server_id 7%%)"

local schema = "/usr/share/kamailio/db_sqlite/"

local sqlite = kamailio.sqlite

local function new_database(t)
    local folder = assert(uv.fs_mkdtemp((os.getenv "TMPDIR" or "/tmp") .. "/reflow-rows-XXXXXX"))
    local path = folder .. "/location.sqlite"
    t:defer(function()
        os.execute(("rm -r '%s'"):format(folder))
    end)
    if not uv.fs_stat(schema) then
        t:skip "no schema of Kamailio's for sqlite"
    end
    sqlite(path, "pragma journal_mode=wal")
    for _, name in ipairs { "standard", "usrloc" } do
        sqlite(path, (".read %s%s-create.sql"):format(schema, name))
    end
    return path
end

local function start_on(t, path, id, mode, port)
    return start(t, { core = "server_id=" .. id, port = port, params = { { "usrloc", "db_mode", mode or 1 },
        { "usrloc", "db_url", "sqlite:///" .. path }, { "usrloc", "timer_interval", 1 } } })
end

local function wait_for_rows(path, count)
    assert(ua.wait.until_true(ua.patience, function()
        return sqlite(path, "select count(*) from location") == tostring(count)
    end), "the rows are not in the database")
end

-- Three phones without reg-id: over UDP, over UDP behind a NAT, and over TCP with a Contact that listens.
local function register_plain(t, open)
    local phones = { udp = open "udp", nat = open "nat", listener = peer.open(t, server.free_port()) }
    phones.udp:register { supported = false }
    phones.nat:register { supported = false, contact_uri = "sip:nat@192.0.2.7" }
    local tcp = open("tcp", { transport = "tcp" })
    tcp:register { supported = false,
        contact_uri = ("sip:tcp@127.0.0.1:%d;transport=tcp"):format(phones.listener.port) }
    return phones, tcp
end

-- stock calls the TCP phone at the address of its old connection, which does not exist: only ours reaches it.
local function reaches_plain(open, phones)
    both_call(open, phones.udp.aor, phone_takes(phones.udp))
    both_call(open, phones.nat.aor, phone_takes(phones.nat))
    local alice = open "alice"
    local call = alice:invite "sip:tcp@example.test"
    listener_takes(phones.listener)()
    alice:expect_final(call, 486)
end

for mode, name in ipairs { "write-through", "write-back", "database only" } do
    for _, id in ipairs { 0, 7 } do
        test(("3261-10.a rows whose socket is not one of this server's are called, %s, server_id %d [kamailio]")
            :format(name, id), function(t)
            local path = new_database(t)
            local node, open = start_on(t, path, id, mode)
            local phones = register_plain(t, open)
            wait_for_rows(path, 3)
            node:kill9()
            sqlite(path, "update location set socket = replace(socket, '127.0.0.1', '192.0.2.1')")
            start_on(t, path, id, mode, node.port)
            reaches_plain(open, phones)
        end)
    end

    test(("3261-10.a a restart with another server_id: plain rows are called, and flows over UDP, %s [kamailio]")
        :format(name), function(t)
        local path = new_database(t)
        local node, open = start_on(t, path, 7, mode)
        local phones = register_plain(t, open)
        local bob, carol = open "bob", open("carol", { transport = "tcp" })
        bob:register { instance = ua.instance(1), reg_id = 1 }
        carol:register { instance = ua.instance(2), reg_id = 1 }
        wait_for_rows(path, 5)
        node:kill9()
        node, open = start_on(t, path, 8, mode, node.port)
        reaches_plain(open, phones)
        both_call(open, bob.aor, phone_takes(bob))
        -- The connection of an outbound flow has ended (5626-7.e).
        local alice = open "alice"
        alice:expect_final(alice:invite(carol.aor), 404)
        node:wait_for_log(passed_over:format "carol")
        t:equal(node:statistic "reflow:bindings_elsewhere", 1)
    end)

    test(("3261-10.a a standby on a shared database calls what it can reach, %s [kamailio]"):format(name), function(t)
        local path = new_database(t)
        local _, open = start_on(t, path, 7, mode)
        local phones = register_plain(t, open)
        local bob = open("bob", { transport = "tcp" })
        bob:register { instance = ua.instance(1), reg_id = 1 }
        wait_for_rows(path, 4)
        local standby, open_there = start_on(t, path, 8, mode)
        phones.udp.port, phones.nat.port = standby.port, standby.port -- their responses go there
        reaches_plain(open_there, phones)
        local alice = open_there "alice"
        alice:expect_final(alice:invite(bob.aor), 404)
        bob:expect_none("INVITE", 50)
        standby:wait_for_log(passed_over:format "bob")
        t:equal(standby:statistic "reflow:bindings_elsewhere", 1)
        t:match(standby:rpc("reflow.flows", "sip:bob@example.test"), "alive: another node's")
    end)
end

-- --- kinds of rows ---

-- Beside the default of the column: the values of a row of "bob" whose phone listens at `port` over UDP and TCP.
local kinds <const> = {
    ["only a Contact"] = {},
    ["a Contact without a user"] = { contact = "sip:127.0.0.1:PORT" },
    ["a Contact over TCP"] = { contact = "sip:bob@127.0.0.1:PORT;transport=tcp" },
    ["a Contact with parameters and header fields"] = { contact = "sip:bob@127.0.0.1:PORT;ob;x=1" },
    ["a Contact with a name"] = { contact = "sip:bob@phone.example.net:PORT" },
    ["a Contact with a name, over TCP"] = { contact = "sip:bob@phone.example.net:PORT;transport=tcp" },
    ["received over UDP"] = { contact = "sip:bob@192.0.2.7:5060", received = "sip:127.0.0.1:PORT" },
    ["received over TCP"] = { contact = "sip:bob@192.0.2.7;transport=tcp",
        received = "sip:127.0.0.1:PORT;transport=tcp" },
    ["a Path"] = { contact = "sip:bob@192.0.2.7", path = "<sip:127.0.0.1:PORT;lr>" },
    ["a Path over TCP, of another node"] = { contact = "sip:bob@192.0.2.7", server_id = 9,
        path = "<sip:127.0.0.1:PORT;transport=tcp;lr>" },
    ["a Path and received"] = { contact = "sip:bob@192.0.2.7", received = "sip:192.0.2.8:5060",
        path = "<sip:127.0.0.1:PORT;lr>" },
    ["a socket of this server"] = { socket = "udp:127.0.0.1:OWN" },
    ["a socket of this server by name"] = { socket = "udp:localhost:OWN" },
    ["a socket of another server"] = { socket = "udp:192.0.2.1:5060" },
    ["a TCP socket of another server"] = { contact = "sip:bob@127.0.0.1:PORT;transport=tcp",
        socket = "tcp:192.0.2.1:5060" },
    ["another server_id"] = { server_id = 9 },
    ["an instance without reg-id, of another node"] = { server_id = 9, instance = "<urn:uuid:1>" },
    ["reg-id without an instance, of another node"] = { server_id = 9, reg_id = 1 },
    ["an outbound flow over UDP of this server's address, of another node"] = { server_id = 9, reg_id = 1,
        instance = "<urn:uuid:1>", socket = "udp:127.0.0.1:OWN" },
    ["a lowest q"] = { q = 0 },
    ["no methods"] = { methods = 0 },
    ["the method alone"] = { methods = 1 },
    ["another method alone"] = { methods = 256 },
    ["the Call-ID of a phone"] = { callid = "a@192.0.2.7" },
}

local function sql_value(value, port, own)
    if type(value) ~= "string" then
        return tostring(value)
    end
    return "'" .. value:gsub("PORT", port):gsub("OWN", own) .. "'"
end

local function insert(path, row, port, own)
    local columns, values = { "ruid", "username", "domain", "expires" }, { "'row-1'", "'bob'", "'example.test'",
        "julianday('2037-01-01')" }
    row = setmetatable({ contact = row.contact or "sip:bob@127.0.0.1:PORT" }, { __index = row })
    for _, column in ipairs { "contact", "received", "path", "q", "callid", "socket", "methods", "instance", "reg_id",
        "server_id" } do
        if row[column] ~= nil then
            columns[#columns + 1], values[#values + 1] = column, sql_value(row[column], port, own)
        end
    end
    local why = sqlite(path, ("insert into location (%s) values (%s)"):format(table.concat(columns, ", "),
        table.concat(values, ", ")))
    assert(why == "", why)
end

local function start_with_row(t, row, use_domain)
    local path, own = new_database(t), server.free_port()
    local listener = peer.open(t, server.free_port())
    insert(path, row, listener.port, own)
    local node, open = start(t, { port = own, params = { { "usrloc", "db_mode", 1 },
        { "usrloc", "db_url", "sqlite:///" .. path }, { "usrloc", "use_domain", use_domain },
        { "registrar", "use_path", 1 }, { "reflow", "method_filtering", 0 } } })
    assert(node:rpc("dns.add_a", "phone.example.net", 3600, "127.0.0.1", 0))
    return node, open, listener
end

local function sorted_kinds()
    local names = {}
    for name in pairs(kinds) do
        names[#names + 1] = name
    end
    table.sort(names)
    return names
end

for use_domain = 0, 1 do
    for _, name in ipairs(sorted_kinds()) do
        local row = kinds[name]
        test(("a row of a database with %s is called as stock does, use_domain %d [kamailio]"):format(name, use_domain),
            function(t)
                local node, open, listener = start_with_row(t, row, use_domain)
                both_call(open, "sip:bob@example.test", listener_takes(listener))
                local uris = {}
                for _, request in ipairs(listener.requests) do
                    uris[#uris + 1] = request.method == "INVITE" and request.uri or nil
                end
                t:equal(uris[2], uris[1])
                t:equal(node:statistic "reflow:requests_routed", 1)
            end)
    end
end

test("without use_domain, a tel: URI means the user with that number, as stock does [kamailio]", function(t)
    local _, open = start(t, { core = "server_id=7" })
    local bob = open "+15550100"
    bob:register { supported = false }
    both_call(open, "tel:+15550100", phone_takes(bob, bob.contact_uri))
end)

test("a row that has expired is called by neither [kamailio]", function(t)
    local path = new_database(t)
    insert(path, {}, 5060, 5060)
    sqlite(path, "update location set expires = julianday('2020-01-01')")
    local _, open = start_on(t, path, 0)
    local alice = open "alice"
    for _, headers in ipairs { stock, {} } do
        alice:expect_final(alice:invite("sip:bob@example.test", { headers = headers }), 404)
    end
end)

tap.done()
