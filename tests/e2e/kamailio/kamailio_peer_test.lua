-- SPDX-License-Identifier: BSD-2-Clause
-- Two Kamailio nodes that share bindings by DMQ and know each other by modparam peer: a call at one node reaches a flow
-- of the other. Kamailio's own lookup() sends to the address of the phone instead, from a node that the phone has no
-- flow with.
local certificates = require "certificates"
local kamailio = require "kamailio"
local nodes = require "kamailio_nodes"
local server = require "server"
local tap = require "tap"
local ua = require "ua"
local uv = require "luv"

local test = tap.test
local one, two = ua.instance(1), ua.instance(2)
local mark <const> = "Reflow-Binding"

local function modules(database)
    local names = { table.unpack(kamailio.modules) }
    table.remove(names) -- "reflow" comes last
    local more = { "dmq", database and "db_sqlite" or "dmq_usrloc", "registrar", "textopsx", "reflow" }
    table.move(more, 1, #more, #names + 1, names)
    return names
end

local schema = "/usr/share/kamailio/db_sqlite/"

local function new_database(t)
    local path = require("temporary").path()
    t:defer(function()
        for _, ending in ipairs { "", "-wal", "-shm" } do
            os.remove(path .. ending)
        end
    end)
    if not uv.fs_stat(schema) then
        t:skip "no schema of Kamailio's for sqlite"
    end
    assert(os.execute(("(echo 'pragma journal_mode=wal;'; cat %sstandard-create.sql %susrloc-create.sql) | " ..
        "sqlite3 '%s' >/dev/null"):format(schema, schema, path)))
    return path
end

-- Of each request it is logged which peer has chosen the binding.
local routes = [[
route[BEFORE] {
    if (is_method("KDMQ")) { dmq_handle_message(); exit; }
    if (is_method("INVITE|MESSAGE")) {
        xlog("L_NOTICE", "CAME $rm $ci peer=$reflow(peer) to $rU\n");
    }
}
route[CALL] {
    if (!is_present_hf("X-Stock")) return;
    if (!lookup("location")) { sl_send_reply("404", "Not Found"); exit; }
    t_relay();
    exit;
}
]]

local address = ua.bracketed

local function start_node(t, stage, index, more)
    local name, other = index == 1 and "a" or "b", index == 1 and "b" or "a"
    local host, own, peer = address(stage.host), stage.ports[name], stage.ports[other]
    local params = { { "dmq", "server_address", ("sip:%s:%d"):format(host, own) },
        { "dmq", "notification_address", ("sip:%s:%d"):format(host, peer) }, { "dmq", "ping_interval", 60 },
        { "tm", "fr_timer", more.fr_timer or 30000 } }
    if not more.database then
        for _, option in ipairs { "enable", "sync", "usrloc_delete" } do
            params[#params + 1] = { "dmq_usrloc", option, 1 }
        end
    end
    if more.peer ~= false then
        params[#params + 1] = { "reflow", "peer", ("%d=sip:%s:%d%s"):format(3 - index, host, peer,
            more.parameter or "") }
    end
    for _, each in ipairs(more.params and more.params[index] or {}) do
        params[#params + 1] = each
    end
    return kamailio.start(t, { port = own, address = host, modules = modules(more.database), memory = 64,
        core = ("server_id=%d\n%s"):format(index, more.core or ""), params = params, secure = more.secure,
        extra = (more.routes or routes) .. nodes.replies })
end

-- stage.a, stage.b: the nodes; stage.open("a", user): a flow of a user agent to it.
local function start(t, transport, more)
    more = more or {}
    local stage = { host = more.host or "127.0.0.1", ports = { a = server.free_port(), b = server.free_port() } }
    stage.a, stage.b = start_node(t, stage, 1, more), start_node(t, stage, 2, more)
    function stage.restart(name)
        stage[name] = start_node(t, stage, name == "a" and 1 or 2, more)
        return stage[name]
    end
    function stage.open(name, user, options)
        options = options or {}
        local kind = options.transport or transport
        local flow = ua.open { host = stage.host, port = kind == "tls" and stage[name].ports.tls or stage.ports[name],
            user = user, domain = "example.test", transport = kind, local_host = options.local_host,
            tls = options.tls }
        t:defer(function()
            flow:close()
        end)
        return flow
    end
    local meet = more.database and nodes.know_each_other or nodes.meet
    meet(stage.a, stage.b)
    return stage
end

local function becomes(t, node, count)
    local got
    ua.wait.until_true(ua.patience, function()
        got = node:statistic "usrloc:location_contacts"
        return got == count
    end)
    t:equal(got, count, "contacts in usrloc of the node at port " .. node.port)
end

local function become(t, stage, count)
    becomes(t, stage.a, count)
    becomes(t, stage.b, count)
end

-- As a peer would write it: of the only binding.
local function mark_of(node)
    local text = assert(node:rpc "ul.dump")
    return ("%x;%s"):format(math.tointeger(text:match "HashID: (-?%d+)") & 0xffffffff, text:match "Ruid: (%S+)")
end

-- At node A; node B knows it.
local function register_at_a(stage, phone)
    local before = nodes.count_shared(stage.a)
    phone:register { instance = one, reg_id = 1 }
    nodes.expect_shared(stage.a, before + 1)
end

-- As if node A asked for all bindings now: B sends them to it, and A's own are among them.
local function send_back(stage)
    local before = nodes.count_shared(stage.b)
    local asking = stage.open("b", "usrloc", { transport = "udp" })
    local a = ("sip:%s:%d"):format(address(stage.host), stage.ports.a)
    asking:expect_final(asking:request("KDMQ", { uri = ("sip:usrloc@%s:%d"):format(address(stage.host), stage.ports.b),
        from = a, body = '{"action":3}' }), 200)
    nodes.expect_shared(stage.b, before + 1)
end

local function expect_call(phone)
    local invite = phone:expect "INVITE"
    assert(not invite:get(mark), "the mark has reached a phone")
    return invite
end

for _, transport in ipairs { "udp", "tcp" } do
    local function named(what)
        return ("%s [kamailio %s]"):format(what, transport)
    end

    test(named "5626-7.e a call at one node reaches a phone at the other, and its dialog passes both", function(t)
        local stage = start(t, transport)
        local bob = stage.open("a", "bob")
        bob:register { instance = one, reg_id = 1 }
        become(t, stage, 1)
        local alice = stage.open("b", "alice")
        local call = alice:invite(bob.aor)
        local invite = expect_call(bob)
        t:equal(invite.uri, bob.contact_uri)
        t:equal(#invite:values "Record-Route", transport == "udp" and 2 or 4) -- the nodes use UDP between them
        t:equal(#invite:values "Via", 3)
        bob:reply(invite, 180)
        alice:expect(180)
        bob:reply(invite, 200)
        local answer = alice:expect_final(call, 200)
        bob:expect "ACK"
        alice:within("INFO", call, answer, { cseq = 2 })
        bob:reply(bob:expect "INFO", 200)
        alice:expect(200)
        local bye = bob:within_called("BYE", invite)
        alice:reply(alice:expect "BYE", 200)
        bob:expect_final(bye, 200)
        t:equal(stage.a:statistic "reflow:peer_requests", 1)
        t:equal(stage.b:statistic "reflow:peer_requests", 0)
        stage.a:wait_for_log("CAME INVITE %S+ peer=2 to bob")
        stage.b:wait_for_log("CAME INVITE %S+ peer=<null> to bob")
        t:match(stage.b:rpc("reflow.flows", bob.aor), "alive: by its peer")
    end)

    test(named "5626-7.e msg_apply_changes() before the binding is looked up", function(t)
        local stage = start(t, transport, { core = "tcp_clone_rcvbuf=1",
            routes = routes:gsub("xlog", "msg_apply_changes();\n        %0") })
        local bob = stage.open("a", "bob")
        bob:register { instance = one, reg_id = 1 }
        become(t, stage, 1)
        local alice = stage.open("b", "alice")
        local call = alice:invite(bob.aor)
        local invite = expect_call(bob)
        t:equal(invite.uri, bob.contact_uri)
        bob:reply(invite, 200)
        alice:expect_final(call, 200)
        stage.a:wait_for_log("CAME INVITE %S+ peer=2 to bob")
        -- A stranger's request that this process handles afterwards has no mark.
        local stranger = stage.open("a", "alice", { local_host = "127.0.0.2" })
        call = stranger:invite(bob.aor)
        stage.a:wait_for_log("CAME INVITE " .. call:get "Call-ID" .. " peer=<null> to bob")
        bob:reply(expect_call(bob), 603)
        stranger:expect_final(call, 603)
    end)

    test(named "5626-7.e a node keeps the flow of a binding that its peer sends back to it", function(t)
        local stage = start(t, transport)
        local bob = stage.open("a", "bob")
        register_at_a(stage, bob)
        local function flow()
            return assert(stage.a:rpc("reflow.flows", bob.aor)):match "transport: .-alive: [^\n]+"
        end
        local before = flow()
        t:match(before, "alive: yes")
        send_back(stage)
        t:equal(flow(), before)
        for _, name in ipairs { "b", "a" } do
            local alice = stage.open(name, "alice")
            local call = alice:invite(bob.aor)
            bob:reply(expect_call(bob), 486)
            alice:expect_final(call, 486)
        end
        -- The next REGISTER moves the binding to another flow, and a copy does not move it back.
        local again = stage.open("a", "bob")
        register_at_a(stage, again)
        send_back(stage)
        local alice = stage.open("b", "alice")
        local call = alice:invite(bob.aor)
        again:reply(expect_call(again), 486)
        alice:expect_final(call, 486)
        bob:expect_none("INVITE", 50)
    end)

    test(named "3261-10.a phones without reg-id behind a NAT, at the other node", function(t)
        local stage = start(t, transport)
        local bob, carol = stage.open("a", "bob"), stage.open("a", "bob")
        bob:register { supported = false, contact_uri = "sip:bob@192.0.2.7;transport=" .. transport }
        carol:register { supported = false, call_id = "carol",
            contact_uri = "sip:bob@192.0.2.8;transport=" .. transport }
        become(t, stage, 2)
        local alice = stage.open("b", "alice")
        local call = alice:invite(bob.aor)
        local first, second = expect_call(bob), expect_call(carol)
        bob:reply(first, 486)
        carol:reply(second, 486)
        alice:expect_final(call, 486)
    end)

    test(named "3261-9.a CANCEL passes both nodes", function(t)
        local stage = start(t, transport)
        local bob, alice = stage.open("a", "bob"), stage.open("b", "alice")
        bob:register { instance = one, reg_id = 1 }
        become(t, stage, 1)
        local call = alice:invite(bob.aor)
        local invite = expect_call(bob)
        bob:reply(invite, 180)
        alice:expect(180)
        alice:cancel(call)
        local cancel = bob:expect "CANCEL"
        bob:reply(cancel, 200)
        bob:reply(invite, 487)
        alice:expect_final(call, 487)
        bob:expect "ACK"
    end)

    test(named "5626-7.b a phone with a flow at each node: 430 at the other makes this one be tried", function(t)
        local stage = start(t, transport)
        local at_b, at_a = stage.open("b", "bob"), stage.open("a", "bob")
        at_b:register { instance = one, reg_id = 2 }
        become(t, stage, 1)
        ua.wait.pause(1100) -- the newest flow is tried first, in whole seconds
        at_a:register { instance = one, reg_id = 1 }
        become(t, stage, 2)
        local alice = stage.open("b", "alice")
        local call = alice:invite(at_a.aor)
        at_a:reply(expect_call(at_a), 430)
        local invite = expect_call(at_b)
        at_b:reply(invite, 200)
        alice:expect_final(call, 200)
        -- 5626-7.g
        become(t, stage, 1)
        stage.b:wait_for_log "bob%S*: flow %S+ %S+ is down %(430%): binding removed"
    end)

    test(named "5626-7.c 486 of an instance at the other node ends it at both", function(t)
        local stage = start(t, transport)
        local at_a, at_b = stage.open("a", "bob"), stage.open("b", "bob")
        at_a:register { instance = one, reg_id = 1 }
        at_b:register { instance = one, reg_id = 2 }
        become(t, stage, 2)
        local alice = stage.open("b", "alice")
        local call = alice:invite(at_a.aor)
        local phone = assert(ua.wait.until_true(ua.patience, function()
            return #at_a.inbox > 0 and at_a or #at_b.inbox > 0 and at_b
        end))
        phone:reply(expect_call(phone), 486)
        alice:expect_final(call, 486);
        (phone == at_a and at_b or at_a):expect_none("INVITE", 100)
        become(t, stage, 2)
    end)

    test(named "480 of a phone at the other node is the phone's own answer", function(t)
        local stage = start(t, transport)
        local at_a, at_b = stage.open("a", "bob"), stage.open("b", "bob")
        at_a:register { instance = one, reg_id = 1, q = 1 }
        at_b:register { instance = two, reg_id = 1, q = 0.5 }
        become(t, stage, 2)
        local alice = stage.open("b", "alice")
        local call = alice:invite(at_a.aor)
        at_a:reply(expect_call(at_a), 480)
        at_b:reply(expect_call(at_b), 480)
        alice:expect_final(call, 480)
        become(t, stage, 2)
    end)

    test(named "q values and instances hold across the nodes, and the failure route sees one call", function(t)
        -- Between the nodes a new connection has to be opened, beside the one of a phone that must not be replaced.
        local stage = start(t, transport, { parameter = transport == "tcp" and ";transport=tcp" or nil })
        local phones = {}
        for index, q in ipairs { 1, 1, 1, 0.5 } do
            phones[index] = stage.open(index == 3 and "b" or "a", "bob")
            phones[index]:register { instance = ua.instance(index), reg_id = 1, q = q, call_id = "reg" .. index }
        end
        become(t, stage, 4)
        local alice = stage.open("b", "alice")
        local call = alice:invite(phones[1].aor)
        local invites = {}
        for index = 1, 3 do
            invites[index] = expect_call(phones[index])
        end
        phones[4]:expect_none("INVITE", 100)
        for index, status in ipairs { 486, 404, 480 } do
            phones[index]:reply(invites[index], status)
        end
        phones[4]:reply(expect_call(phones[4]), 486)
        local status = alice:expect_final(call).status
        t:ok(status == 486 or status == 404 or status == 480, status)
    end)

    test(named "a request other than INVITE", function(t)
        local stage = start(t, transport)
        local bob, alice = stage.open("a", "bob"), stage.open("b", "alice")
        bob:register { instance = one, reg_id = 1 }
        become(t, stage, 1)
        local sent = alice:request("MESSAGE", { uri = bob.aor, body = "hello" })
        local message = bob:expect "MESSAGE"
        t:equal(message:get(mark), nil)
        bob:reply(message, 200)
        alice:expect_final(sent, 200)
    end)

    test(named "a stranger's mark gives nothing, and reaches nobody", function(t)
        local stage = start(t, transport)
        local bob = stage.open("a", "bob")
        bob:register { instance = one, reg_id = 1 }
        become(t, stage, 1)
        local right = mark_of(stage.a)
        local stranger = stage.open("a", "mallory", { local_host = "127.0.0.2" })
        for _, value in ipairs { right, "nothing", "" } do
            local call = stranger:invite(bob.aor, { headers = { { mark, value } } })
            bob:reply(expect_call(bob), 486)
            stranger:expect_final(call, 486)
        end
        local lost = stranger:invite("sip:nobody@example.test", { headers = { { mark, right } } })
        stranger:expect_final(lost, 404)
        t:equal(stage.a:statistic "reflow:peer_requests", 0)
        t:equal(#stage.a:log_lines "peer=2", 0)
        -- ... and it is not passed on to the other node.
        local at_b = stage.open("b", "mallory", { local_host = "127.0.0.2" })
        local call = at_b:invite(bob.aor, { headers = { { mark, "1;forged" } } })
        bob:reply(expect_call(bob), 486)
        at_b:expect_final(call, 486)
        t:equal(stage.a:statistic "reflow:peer_requests", 1)
    end)

    test(named "a peer's mark of a binding that this node does not know, or that is not its own", function(t)
        local stage = start(t, transport)
        local bob = stage.open("a", "bob")
        bob:register { instance = one, reg_id = 1 }
        become(t, stage, 1)
        -- This machine is the peer of each node.
        local at_a, at_b = stage.open("a", "alice"), stage.open("b", "alice")
        at_a:expect_final(at_a:invite(bob.aor, { headers = { { mark, "1;unknown" } } }), 408)
        at_a:expect_final(at_a:request("MESSAGE", { uri = bob.aor, headers = { { mark, "1;unknown" } } }), 480)
        at_b:expect_final(at_b:invite(bob.aor, { headers = { { mark, mark_of(stage.b) } } }), 430)
        bob:expect_none("INVITE", 100)
        become(t, stage, 1)
        -- What is no mark counts as none.
        for _, value in ipairs { "zz;unknown", ";unknown", "123456789;unknown", "1;", "1", "1;" .. ("x"):rep(100) } do
            local call = at_a:invite(bob.aor, { headers = { { mark, value } } })
            bob:reply(expect_call(bob), 486)
            at_a:expect_final(call, 486)
        end
        t:equal(stage.a:statistic "reflow:peer_requests", 2)
        t:equal(stage.b:statistic "reflow:peer_requests", 1)
    end)
end

test("5626-7.f a flow that closes while its phone is called from the other node: the next flow [kamailio tcp]",
    function(t)
        local stage = start(t, "tcp")
        local at_b, at_a = stage.open("b", "bob"), stage.open("a", "bob")
        at_b:register { instance = one, reg_id = 2 }
        ua.wait.pause(1100)
        at_a:register { instance = one, reg_id = 1 }
        become(t, stage, 2)
        local alice = stage.open("b", "alice")
        local call = alice:invite(at_a.aor)
        expect_call(at_a)
        at_a:close(true)
        local invite = expect_call(at_b)
        at_b:reply(invite, 200)
        alice:expect_final(call, 200, 20000) -- and not after a timer of 30 s
        become(t, stage, 1)
    end)

test("5626-7.f the only flow closes while its phone is called from the other node: 480 [kamailio tcp]", function(t)
    local stage = start(t, "tcp")
    local bob, alice = stage.open("a", "bob"), stage.open("b", "alice")
    bob:register { instance = one, reg_id = 1 }
    become(t, stage, 1)
    local call = alice:invite(bob.aor)
    expect_call(bob)
    bob:close(true)
    alice:expect_final(call, 480, 20000)
    become(t, stage, 0)
    alice:expect_final(alice:invite(bob.aor), 404)
end)

test("the node that has the flow is down: another flow of the phone is called [kamailio tcp]", function(t)
    local stage = start(t, "tcp", { parameter = ";transport=tcp" })
    local at_b, at_a = stage.open("b", "bob"), stage.open("a", "bob")
    at_b:register { instance = one, reg_id = 2 }
    ua.wait.pause(1100)
    at_a:register { instance = one, reg_id = 1 }
    become(t, stage, 2)
    stage.a:kill9()
    local alice = stage.open("b", "alice")
    local call = alice:invite(at_a.aor)
    at_b:reply(expect_call(at_b), 200)
    alice:expect_final(call, 200, 20000)
    becomes(t, stage.b, 2) -- a node that is down for a moment does not lose its bindings
end)

test("5626-7.e the node that has the flow restarts: a flow over UDP is used again [kamailio udp]", function(t)
    local stage = start(t, "udp")
    local bob, alice = stage.open("a", "bob"), stage.open("b", "alice")
    bob:register { instance = one, reg_id = 1 }
    become(t, stage, 1)
    stage.a:kill9()
    becomes(t, stage.restart "a", 1) -- it gets its bindings back from its peer
    local call = alice:invite(bob.aor)
    bob:reply(expect_call(bob), 486)
    alice:expect_final(call, 486)
    become(t, stage, 1)
end)

test("5626-7.e the node that has the flow restarts: one over TCP is gone, and its binding at both [kamailio tcp]",
    function(t)
        local stage = start(t, "tcp")
        local bob, alice = stage.open("a", "bob"), stage.open("b", "alice")
        bob:register { instance = one, reg_id = 1 }
        become(t, stage, 1)
        stage.a:kill9()
        becomes(t, stage.restart "a", 1)
        alice:expect_final(alice:invite(bob.aor), 480)
        become(t, stage, 0)
    end)

test("the peers of a shared database, where usrloc keeps its bindings there alone [kamailio tcp]", function(t)
    local path = new_database(t)
    local database = { { "usrloc", "db_mode", 3 }, { "usrloc", "db_url", "sqlite:///" .. path } }
    local stage = start(t, "tcp", { params = { database, database }, database = true })
    local at_b, at_a = stage.open("b", "bob"), stage.open("a", "bob")
    at_b:register { instance = one, reg_id = 2 }
    ua.wait.pause(2100) -- db_sqlite reads half of the seconds as the one before
    at_a:register { instance = one, reg_id = 1 }
    local alice = stage.open("b", "alice")
    local call = alice:invite(at_a.aor)
    at_a:reply(expect_call(at_a), 430)
    at_b:reply(expect_call(at_b), 200)
    alice:expect_final(call, 200)
    at_b:expect "ACK"
    at_b:expect_bindings(at_b.aor, 1)
    local other = stage.open("a", "alice")
    call = other:invite(at_a.aor)
    at_b:reply(expect_call(at_b), 486)
    other:expect_final(call, 486)
    at_a:expect_none("INVITE", 50)
end)

local routes_with_password = [[
route[BEFORE] {
    if (is_method("KDMQ")) { dmq_handle_message(); exit; }
}
route[CALL] {
    if ($reflow(peer) == $null && !is_present_hf("X-Password")) {
        sl_send_reply("403", "Who Are You");
        exit;
    }
    remove_hf("X-Password");
}
]]

test("the other node authenticates no request that its peer has let pass, and every other one [kamailio udp]",
    function(t)
        local stage = start(t, "udp", { routes = routes_with_password })
        local bob, alice = stage.open("a", "bob"), stage.open("b", "alice")
        bob:register { instance = one, reg_id = 1 }
        become(t, stage, 1)
        local right = mark_of(stage.a)
        alice:expect_final(alice:invite(bob.aor), 403)
        local call = alice:invite(bob.aor, { headers = { { "X-Password", "1" } } })
        local invite = expect_call(bob)
        t:equal(invite:get "X-Password", nil)
        bob:reply(invite, 486)
        alice:expect_final(call, 486)
        for _, name in ipairs { "a", "b" } do
            local stranger = stage.open(name, "mallory", { local_host = "127.0.0.2" })
            stranger:expect_final(stranger:invite(bob.aor, { headers = { { mark, right } } }), 403)
        end
        bob:expect_none("INVITE", 50)
    end)

test("a peer with a stream transport is believed only over that [kamailio udp]", function(t)
    local stage = start(t, "udp", { parameter = ";transport=tcp" })
    local bob, alice = stage.open("a", "bob"), stage.open("b", "alice")
    bob:register { instance = one, reg_id = 1 }
    become(t, stage, 1)
    local call = alice:invite(bob.aor)
    bob:reply(expect_call(bob), 486)
    alice:expect_final(call, 486)
    t:equal(stage.a:statistic "reflow:peer_requests", 1)
    local forged = stage.open("a", "mallory"):invite("sip:bob@example.test", { headers = { { mark, "1;unknown" } } })
    bob:reply(expect_call(bob), 486)
    t:ok(forged)
    t:equal(stage.a:statistic "reflow:peer_requests", 1)
end)

test("5626-7.e over IPv6 [kamailio udp]", function(t)
    local stage = start(t, "udp", { host = "::1" })
    local bob, alice = stage.open("a", "bob"), stage.open("b", "alice")
    bob:register { instance = one, reg_id = 1 }
    become(t, stage, 1)
    alice:call(bob)
    t:equal(stage.a:statistic "reflow:peer_requests", 1)
end)

test("5626-7.e a TLS flow of the other node [kamailio tls]", function(t)
    local files = certificates.new(t):sign("default", { names = "DNS:example.test" })
    local stage = start(t, "udp", { secure = files, parameter = ";transport=tcp" })
    local bob = stage.open("a", "bob", { transport = "tls", tls = {} })
    bob:register { instance = one, reg_id = 1 }
    become(t, stage, 1)
    local alice = stage.open("b", "alice")
    alice:call(bob)
end)

test("without modparam peer, a plain Contact is called as stock does, an outbound flow is not [kamailio udp]",
    function(t)
        local stage = start(t, "udp", { peer = false })
        local plain, bob = stage.open("a", "plain"), stage.open("a", "bob")
        plain:register { supported = false }
        bob:register { instance = one, reg_id = 1 }
        become(t, stage, 2)
        plain.port = stage.ports.b -- its responses go there
        local alice = stage.open("b", "alice")
        for _, headers in ipairs { { { "X-Stock", "yes" } }, {} } do
            local call = alice:invite(plain.aor, { headers = headers })
            plain:reply(expect_call(plain), 486)
            alice:expect_final(call, 486)
        end
        alice:expect_final(alice:invite(bob.aor), 404)
        stage.b:wait_for_log "bob%S* has no target; bindings passed over: 1 that only another node can reach"
        t:equal(stage.b:statistic "reflow:bindings_elsewhere", 1)
    end)

test("modparam peer: what is refused", function(t)
    for _, each in ipairs { { "sip:127.0.0.1:5060", "server_id of 1 or more" }, { "0=sip:127.0.0.1", "server_id" },
        { "2=sip:peer.example.test", "must be an address" }, { "2=tel:1", "NUMBER=sip:ADDRESS" },
        { "2=sip:bob@127.0.0.1", "NUMBER=sip:ADDRESS" }, { "2=sip:127.0.0.1;transport=ws", "no connection" },
        { "2=", "NUMBER=sip:ADDRESS" }, { "x2=sip:127.0.0.1", "server_id" } } do
        local node = kamailio.start(t, { params = { { "reflow", "peer", each[1] } }, expect_end = true })
        node:wait()
        t:ok(node.status ~= 0)
        t:match(node.log, "modparam peer: ")
        t:match(node.log, each[2])
    end
    local node = kamailio.start(t, { params = { { "reflow", "peer", "2=sip:127.0.0.1" },
        { "reflow", "peer", "2=sip:127.0.0.2" } }, expect_end = true })
    node:wait()
    t:match(node.log, "has a peer already")
end)

tap.done()
