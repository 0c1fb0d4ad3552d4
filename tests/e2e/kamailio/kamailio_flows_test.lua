-- SPDX-License-Identifier: BSD-2-Clause
-- Flows of Kamailio that die: which bindings go, how soon, and what becomes of the branches that wait on them.
local kamailio = require "kamailio"
local kamailio_nodes = require "kamailio_nodes"
local server = require "server"
local tap = require "tap"
local ua = require "ua"
local uv = require "luv"

local test = tap.test

-- tcpops beside ours takes the event of closed connections, wherever it stands.
local function with_tcpops(where)
    local names = { table.unpack(kamailio.modules) }
    table.insert(names, where == "first" and 1 or #names + 1, "tcpops")
    return names
end

local function start(t, options)
    local host = kamailio.start(t, options)
    return host, ua.opener(host)
end

local contacts, becomes = kamailio.contacts, kamailio.expect_contacts

-- One connection under two AORs, and one more of each: four bindings on three connections.
local function register_four(open)
    local shared, bob, carol = open "bob", open "bob", open "carol"
    shared:register { instance = ua.instance(1), reg_id = 1 }
    shared:register { instance = ua.instance(1), reg_id = 1, aor = carol.aor }
    bob:register { instance = ua.instance(1), reg_id = 2 }
    carol:register { instance = ua.instance(1), reg_id = 2 }
    return shared, bob, carol
end

local function closes(t, options, ms)
    local host, open = start(t, options)
    local shared, bob, carol = register_four(open)
    becomes(t, host, 4)
    shared:close()
    becomes(t, host, 2, ms)
    t:equal(#bob:bindings(), 1)
    t:equal(#carol:bindings(), 1)
    t:match(bob:bindings()[1], "reg%-id=2")
    t:equal(host:becomes("reflow:bindings_dropped", 2), 2)
    t:equal(host:becomes("reflow:flows_down", 1), 1)
    return host
end

test("5626-7.f a connection under two AORs closes: its bindings go, those of others stand", function(t)
    local host = closes(t)
    t:ok(not host.log:find "another module has the event")
end)

test("5626-7.f the same where tcpops has the event, loaded first", function(t)
    local host = closes(t, { modules = with_tcpops "first", params = { { "reflow", "poll_interval", 100 } } })
    t:match(host.log, "another module has the event")
end)

test("5626-7.f the same where tcpops has the event, loaded after ours", function(t)
    local host = closes(t, { modules = with_tcpops "last", params = { { "reflow", "poll_interval", 100 } } })
    t:match(host.log, "another module has the event")
end)

test("5626-7.f the same where tcpops has left the event to us", function(t)
    closes(t, { modules = with_tcpops "last", params = { { "tcpops", "closed_event", 0 },
        { "reflow", "poll_interval", 60000 } } })
end)

test("5626-7.f a connection reset by its peer", function(t)
    local host, open = start(t)
    local bob = open "bob"
    bob:register { instance = ua.instance(1), reg_id = 1 }
    becomes(t, host, 1)
    bob.socket:close_reset()
    becomes(t, host, 0)
end)

test("5626-7.f connections that idle out, of which no event tells", function(t)
    local host, open = start(t, { core = "tcp_connection_lifetime=6", params = { { "reflow", "poll_interval", 50 } } })
    local bob = open "bob"
    bob:register { instance = ua.instance(1), reg_id = 1 }
    becomes(t, host, 1)
    ua.wait.until_true(ua.patience, function()
        return bob.closed_by_peer
    end)
    t:ok(bob.closed_by_peer)
    becomes(t, host, 0)
end)

test("5626-7.f a binding that moved to another connection outlives its first one", function(t)
    local host, open = start(t)
    local first, second, other = open "bob", open "bob", open "carol"
    first:register { instance = ua.instance(1), reg_id = 1 }
    other:register { instance = ua.instance(2), reg_id = 1, aor = "sip:carol@example.test" }
    second:register { instance = ua.instance(1), reg_id = 1 }
    becomes(t, host, 2)
    first:close()
    other:close()
    becomes(t, host, 1)
    t:equal(#second:bindings(), 1)
end)

test("5626-7.f 500 connections close at once", function(t)
    local host, open = start(t, { memory = 64, params = { { "reflow", "poll_interval", 60000 } } })
    local flows = {}
    for index = 1, 500 do
        flows[index] = open("user" .. index)
        flows[index]:register { instance = ua.instance(index), reg_id = 1 }
    end
    local last = open "last"
    last:register { instance = ua.instance(501), reg_id = 1 }
    becomes(t, host, 501)
    for _, flow in ipairs(flows) do
        flow:close()
    end
    becomes(t, host, 1)
    t:equal(host:becomes("reflow:flows_down", 500), 500)
end)

-- Answers usrloc's keep-alives for those AORs whose user is not silent, until the condition holds.
local function keep_alive(flows, silent, ms, condition)
    return ua.wait.until_true(ms, function()
        for _, flow in ipairs(flows) do
            local ping = flow:receive("OPTIONS", 0)
            if ping and not ping:get("To"):find(silent, 1, true) then
                flow:reply(ping, 200)
            end
        end
        return condition()
    end)
end

-- Kamailio 6 sends them by an interval of their own, 40 seconds and more, earlier ones with each round of the timer.
local function keep_alive_often()
    return kamailio.version() < 600 and {} or { { "usrloc", "ka_interval", 1 }, { "usrloc", "ka_randomize", 1 } }
end

test("5626-7.f keep-alives of one binding over UDP go missing: all on its flow go, those of others stand", function(t)
    local host, open = start(t, { params = { { "usrloc", "ka_mode", 1 }, { "usrloc", "ka_timeout", 2 },
        { "usrloc", "ka_from", "sip:registrar@example.test" }, { "usrloc", "ka_domain", "example.test" },
        { "usrloc", "timer_interval", 1 }, { "usrloc", "timer_procs", 1 }, table.unpack(keep_alive_often()) } })
    local shared, other = open("bob", { transport = "udp" }), open("carol", { transport = "udp" })
    shared:register { instance = ua.instance(1), reg_id = 1 }
    shared:register { instance = ua.instance(1), reg_id = 1, aor = other.aor }
    other:register { instance = ua.instance(2), reg_id = 1 }
    becomes(t, host, 3)
    keep_alive({ shared, other }, "sip:bob@", 25000, function()
        return host:statistic "usrloc:location_contacts" < 3
    end)
    becomes(t, host, 1)
    t:equal(host:becomes("reflow:bindings_dropped", 1), 1)
    t:ok(other:bindings()[1]:find(ua.instance(2), 1, true))
end)

local function median(values)
    table.sort(values)
    return values[(#values + 1) // 2]
end

-- The flow that has the INVITE, or a request of another method; the request there, and the other flow.
local function who_rings(one, other, method)
    local invite
    ua.wait.until_true(ua.patience, function()
        invite = one:receive(method or "INVITE", 0) or other:receive(method or "INVITE", 0)
        return invite
    end)
    if not invite then
        error("neither flow has the INVITE", 2)
    end
    return invite.flow, invite, invite.flow == one and other or one
end

-- Lines of errors, but those by which the core tells of a reset.
local function errors(host)
    local found = {}
    for _, line in ipairs(host:log_lines "ERROR:") do
        if not line:find("tcp_read", 1, true) then
            found[#found + 1] = line
        end
    end
    return table.concat(found, "\n")
end

-- The median of the milliseconds from the end of the flow that has the INVITE to the INVITE on the other, of several
-- calls, is at most 20 ms longer than the INVITE's way through some ten processes takes on this machine now.
local function fails_over_at_once(t, host, open, how)
    local times, ways, alice = {}, {}, open "alice"
    for index = 1, 15 do
        local user = "bob" .. index
        local one, other = open(user), open(user)
        one:register { instance = ua.instance(index), reg_id = 1 }
        other:register { instance = ua.instance(index), reg_id = 2 }
        local call = alice:invite(one.aor)
        local dead, first, living = who_rings(one, other)
        ways[index] = (first.at - call.sent_at) / 1e6
        local at = uv.hrtime()
        how(dead)
        local invite = living:expect "INVITE"
        times[index] = (invite.at - at) / 1e6
        living:reply(invite, 200)
        alice:expect_final(call, 200)
        living:expect "ACK"
        living:close()
    end
    t:equal(host:statistic "reflow:branches_failed", 15)
    t:equal(errors(host), "")
    print(("# median %.2f ms, longest %.2f ms; on its way %.2f ms"):format(median(times), times[#times], median(ways)))
    t:at_most(median(times), 20 + 10 * median(ways))
end

local function close(flow)
    flow:close()
end

test("5626-7.h a TCP flow closes on INVITE: the other one has it at once", function(t)
    local host, open = start(t)
    fails_over_at_once(t, host, open, close)
end)

test("5626-7.h a TCP flow is reset on INVITE: likewise", function(t)
    local host, open = start(t)
    fails_over_at_once(t, host, open, function(flow)
        flow.socket:close_reset()
    end)
end)

test("5626-7.h likewise where no event tells of it", function(t)
    local host, open = start(t, { modules = with_tcpops "last" })
    fails_over_at_once(t, host, open, close)
end)

test("5626-7.h a flow that closes after 180 is waited for; its instance may still decline over the other", function(t)
    local host, open = start(t)
    local one, other, alice = open "bob", open "bob", open "alice"
    one:register { instance = ua.instance(1), reg_id = 1 }
    other:register { instance = ua.instance(1), reg_id = 2 }
    local call = alice:invite(one.aor)
    local dead, invite, living = who_rings(one, other)
    dead:reply(invite, 180)
    alice:expect(180)
    dead:close()
    becomes(t, host, 1)
    living:expect_none("INVITE", 300)
    living:reply(invite, 486)
    alice:expect_final(call, 486)
    t:equal(host:statistic "reflow:branches_failed", 0)
end)

test("5626-11.5.a the only flow closes on INVITE: 480 at once", function(t)
    local host, open = start(t)
    local bob, alice = open "bob", open "alice"
    bob:register { instance = ua.instance(1), reg_id = 1 }
    local call = alice:invite(bob.aor)
    bob:expect "INVITE"
    bob:close()
    alice:expect_final(call, 480, 10000)
    t:equal(errors(host), "")
end)

test("5626-7.h of a MESSAGE too", function(t)
    local _, open = start(t)
    local one, other, alice = open "bob", open "bob", open "alice"
    one:register { instance = ua.instance(1), reg_id = 1 }
    other:register { instance = ua.instance(1), reg_id = 2 }
    local message = alice:request("MESSAGE", { uri = one.aor })
    local dead, _, living = who_rings(one, other, "MESSAGE")
    dead:close()
    living:reply(living:expect("MESSAGE", 10000), 200)
    alice:expect_final(message, 200)
end)

test("5626-7.b 5626-7.h a hundred calls wait on one connection that closes: all go on over a later one", function(t)
    local host, open = start(t, { memory = 64 })
    local one, other, alice = open "bob", open "bob", open "alice"
    local calls = {}
    for index = 1, 100 do
        local aor = ("sip:bob%d@example.test"):format(index)
        one:register { instance = ua.instance(index), reg_id = 1, aor = aor }
        calls[index] = alice:invite(aor)
    end
    for index = 1, 100 do
        one:expect "INVITE"
        other:register { instance = ua.instance(index), reg_id = 2, aor = ("sip:bob%d@example.test"):format(index) }
    end
    one:close()
    for _ = 1, 100 do
        other:reply(other:expect "INVITE", 486)
    end
    for _, call in ipairs(calls) do
        alice:expect_final(call, 486)
    end
    t:equal(host:statistic "reflow:branches_failed", 100)
    becomes(t, host, 100)
end)

test("5626-7.f news that found no room in the keeper's pipe are not lost", function(t)
    local host, open = start(t, { params = { { "reflow", "poll_interval", 60000 } } })
    local keeper
    for _, process in ipairs(host:processes()) do
        keeper = process.what:find("reflow keeper", 1, true) and process.pid or keeper
    end
    local alice, flows = open "alice", {}
    for index = 1, 20 do
        flows[index] = open("bob" .. index)
        flows[index]:register { instance = ua.instance(index), reg_id = 1 }
    end
    uv.kill(keeper, "sigstop")
    flows[1]:close()
    -- Each call that meets a dead flow tells of it again: a pipe holds 4096 such.
    for _ = 1, 100 do
        for _ = 1, 45 do
            alice:request("MESSAGE", { uri = flows[1].aor })
        end
        for _ = 1, 45 do
            alice:expect "final"
        end
    end
    for index = 2, 20 do
        flows[index]:close()
    end
    t:equal(contacts(host), 20)
    uv.kill(keeper, "sigcont")
    becomes(t, host, 0)
end)

-- Every INVITE that has come on a living flow is declined.
local function decline(users)
    for _, flows in ipairs(users) do
        for reg_id = 1, 2 do
            local invite = flows[reg_id] and flows[reg_id]:receive("INVITE", 0)
            while invite do
                flows[reg_id]:reply(invite, 486)
                invite = flows[reg_id]:receive("INVITE", 0)
            end
        end
    end
end

test("5626-7.h calls while flows close and are reset at random: each has its instance's answer", function(t)
    local host, open = start(t, { memory = 64, params = { { "tm", "fr_timer", 5000 } } })
    local alice, users, calls = open "alice", {}, {}
    local function register(index, reg_id)
        users[index][reg_id] = open("bob" .. index)
        users[index][reg_id]:register { instance = ua.instance(index), reg_id = reg_id }
    end
    for index = 1, 10 do
        users[index] = {}
        register(index, 1)
        register(index, 2)
    end
    math.randomseed(5626)
    for _ = 1, 400 do
        local index, reg_id = math.random(10), math.random(2)
        calls[#calls + 1] = alice:invite(users[index][1].aor)
        calls[#calls + 1] = alice:invite(users[math.random(10)][1].aor)
        users[index][reg_id]:close(math.random(2) == 1)
        users[index][reg_id] = nil
        ua.wait.pause(4)
        decline(users)
        register(index, reg_id)
    end
    for _, call in ipairs(calls) do
        local answer
        ua.wait.until_true(ua.patience, function()
            decline(users)
            answer = alice:receive(function(received)
                return received.status and received.status >= 200 and received:get "Call-ID" == call:get "Call-ID"
            end, 0)
            return answer
        end)
        t:equal(answer and answer.status, 486)
        alice:same_transaction("ACK", call, answer)
    end
    t:ok(host:statistic "reflow:branches_failed" > 0)
end)

-- Two nodes that tell each other of their bindings.
local function start_nodes(t)
    local modules = { table.unpack(kamailio.modules, 1, #kamailio.modules - 1) }
    table.move({ "dmq", "dmq_usrloc", "reflow" }, 1, 3, #modules + 1, modules)
    local ports = { server.free_port(), server.free_port() }
    local nodes, opens = {}, {}
    for index = 1, 2 do
        local own, peer = ("sip:127.0.0.1:%d"):format(ports[index]), ("sip:127.0.0.1:%d"):format(ports[3 - index])
        nodes[index], opens[index] = start(t, { port = ports[index], modules = modules, memory = 64,
            core = "server_id=" .. index, extra = kamailio_nodes.replies .. kamailio_nodes.requests,
            params = { { "dmq", "server_address", own }, { "dmq", "notification_address", peer },
                { "dmq_usrloc", "enable", 1 }, { "dmq_usrloc", "usrloc_delete", 1 } } })
    end
    kamailio_nodes.meet(nodes[1], nodes[2])
    return nodes, opens
end

test("5626-7.f a flow that closes at one node is no binding at the other", function(t)
    local nodes, opens = start_nodes(t)
    local one, other = opens[1] "bob", opens[1] "bob"
    one:register { instance = ua.instance(1), reg_id = 1 }
    becomes(t, nodes[2], 1)
    other:register { instance = ua.instance(1), reg_id = 2 }
    becomes(t, nodes[2], 2)
    one:close()
    becomes(t, nodes[1], 1)
    becomes(t, nodes[2], 1)
    local alice = opens[2] "alice"
    other:close()
    becomes(t, nodes[2], 0)
    alice:expect_final(alice:invite "sip:bob@example.test", 404)
end)

local schema = "/usr/share/kamailio/db_sqlite/"

local function sqlite(path, text)
    local pipe = assert(io.popen(("sqlite3 '%s' \"%s\" 2>&1"):format(path, text)))
    local result = pipe:read "a"
    pipe:close()
    return result:gsub("%s+$", "")
end

local function start_with_database(t, folder, port, mode)
    local path = folder .. "/location.sqlite"
    if not uv.fs_stat(path) then
        sqlite(path, "pragma journal_mode=wal") -- else Kamailio finds no AOR while another writes
        for _, name in ipairs { "standard", "usrloc" } do
            sqlite(path, (".read %s%s-create.sql"):format(schema, name))
        end
    end
    local host, open = start(t, { folder = folder, port = port, modules = { "db_sqlite",
        table.unpack(kamailio.modules) }, params = { { "usrloc", "db_mode", mode },
        { "usrloc", "db_url", "sqlite:///" .. path }, { "usrloc", "timer_interval", 1 } } })
    return host, open, function(count)
        local got
        ua.wait.until_true(ua.patience, function()
            got = sqlite(path, "select count(*) from location")
            return got == tostring(count)
        end)
        t:equal(got, tostring(count), "rows in the database")
    end
end

local function temporary_folder(t)
    local folder = assert(uv.fs_mkdtemp((os.getenv "TMPDIR" or "/tmp") .. "/reflow-flows-XXXXXX"))
    t:defer(function()
        os.execute(("rm -r '%s'"):format(folder))
    end)
    return folder
end

local function removed_from_database_and_not_trusted_after_a_crash(t, mode)
    if not uv.fs_stat(schema) then
        t:skip "no schema of Kamailio's for sqlite"
    end
    local folder, port = temporary_folder(t), server.free_port()
    local host, open, rows = start_with_database(t, folder, port, mode)
    local one, other = open "bob", open "bob"
    one:register { instance = ua.instance(1), reg_id = 1 }
    other:register { instance = ua.instance(1), reg_id = 2 }
    rows(2)
    one:close()
    rows(1)
    host:kill9()

    host, open, rows = start_with_database(t, folder, port, mode)
    rows(1)
    local alice = open "alice"
    alice:expect_final(alice:invite(one.aor), 404, ua.at_once)
    local again = open "bob"
    again:register { instance = ua.instance(1), reg_id = 1 }
    alice:call(again)
    t:equal(host:statistic "reflow:flows_down", 0)
    t:equal(errors(host), "")
end

for mode, name in ipairs { "write-through", "write-back", "database only" } do
    test("5626-7.e a crash between REGISTER and call, usrloc in SQLite, " .. name, function(t)
        removed_from_database_and_not_trusted_after_a_crash(t, mode)
    end)
end

test("3261-10.a a restart between REGISTER and call of a phone without reg-id: its Contact is called", function(t)
    if not uv.fs_stat(schema) then
        t:skip "no schema of Kamailio's for sqlite"
    end
    local folder = temporary_folder(t)
    local port, contact_port = server.free_port(), server.free_port()
    local host, open, rows = start_with_database(t, folder, port, 1)
    local bob, by_contact = open "bob", open("bob", { transport = "udp", local_port = contact_port })
    bob.contact_uri = ("sip:bob@127.0.0.1:%d"):format(contact_port)
    bob:register()
    local carol = open "carol"
    carol.contact_uri = "sip:carol@x7.invalid;transport=ws"
    carol:register()
    rows(2)
    host:kill9()

    host, open = start_with_database(t, folder, port, 1)
    local alice = open "alice"
    alice:call(by_contact)
    alice:expect_final(alice:invite(carol.aor), 404)
    t:equal(errors(host), "")
end)

tap.done()
