-- SPDX-License-Identifier: BSD-2-Clause
-- kill -9 of a phone, of an edge, of Kamailio itself and of one of its processes: the next call takes a living flow.
local kamailio = require "kamailio"
local server = require "server"
local tap = require "tap"
local ua = require "ua"
local uv = require "luv"

local test = tap.test
local one = ua.instance(1)
local AT_ONCE = 15000 -- ms: and not after the 30 s of a timer

-- A phone in a process of its own: this file, started with arguments. It tells what it does on standard output.
if arg[1] == "phone" then
    local phone = ua.open { port = tonumber(arg[2]), user = arg[3], transport = "tcp" }
    phone:register { instance = one, reg_id = tonumber(arg[4]), q = arg[5] }
    io.stdout:write "registered\n"
    io.stdout:flush()
    while phone:receive("INVITE", 600000) do
        io.stdout:write "rings\n"
        io.stdout:flush()
    end
    os.exit(0)
end

local function start_phone(t, host, user, reg_id, q)
    local out, phone = uv.new_pipe(false), { said = "" }
    phone.handle, phone.pid = uv.spawn("/usr/bin/env", { args = { "lua5.4", arg[0], "phone", tostring(host.port), user,
        tostring(reg_id), q }, stdio = { nil, out, 2 } }, function(status)
        phone.status = status
        phone.handle:close()
    end)
    assert(phone.handle, phone.pid)
    out:read_start(function(_, chunk)
        phone.said = phone.said .. (chunk or "")
    end)
    function phone.says(what)
        assert(ua.wait.until_true(ua.patience, function()
            return phone.said:find(what, 1, true)
        end), "the phone never said: " .. what)
    end
    function phone.signal(name)
        uv.kill(phone.pid, name)
    end
    t:defer(function()
        if phone.status == nil then
            phone.signal "sigkill"
        end
        ua.wait.until_true(ua.patience, function()
            return phone.status
        end)
        out:close()
    end)
    phone.says "registered"
    return phone
end

local function start(t, options)
    local host = kamailio.start(t, options)
    return host, function(user, transport, port)
        local flow = ua.open { port = port or host.port, user = user, domain = host.domain, transport = transport }
        t:defer(function()
            flow:close()
        end)
        return flow
    end
end

local becomes = kamailio.expect_contacts

-- The INVITE of that call comes there at once; answered.
local function arrives(t, call, caller, flow)
    local invite = flow:expect "INVITE"
    flow:reply(invite, 200)
    caller:expect_final(call, 200)
    flow:expect "ACK"
    t:at_most((invite.at - call.sent_at) / 1e6, AT_ONCE, "ms from the INVITE sent to the INVITE received")
end

local function calls(t, open, flow)
    local alice = open("alice", "udp")
    arrives(t, alice:invite(flow.aor), alice, flow)
end

-- Lines of the log that a crash of others is no reason for.
local function bugs(host)
    return table.concat(host:log_lines "CRITICAL:", "\n") .. table.concat(host:log_lines "BUG:", "\n")
end

-- --- a phone ---

test("5626-7.f a phone's process is killed: the next call takes the living flow", function(t)
    local host, open = start(t)
    local phone = start_phone(t, host, "bob", 1, "1.0")
    local living = open("bob", "tcp")
    living:register { instance = one, reg_id = 2, q = "0.5" }
    becomes(t, host, 2)
    phone.signal "sigkill"
    calls(t, open, living)
    becomes(t, host, 1)
end)

test("5626-7.h a phone's process is killed while it rings: the call moves at once, unread bytes make it a reset",
    function(t)
        local host, open = start(t)
        local phone = start_phone(t, host, "bob", 1, "1.0")
        local living, alice = open("bob", "tcp"), open("alice", "udp")
        living:register { instance = one, reg_id = 2, q = "0.5" }
        phone.signal "sigstop" -- what comes now is not read
        local call = alice:invite(living.aor)
        becomes(t, host, 2)
        alice:expect(100)
        local killed = uv.hrtime()
        phone.signal "sigkill"
        local invite = living:expect "INVITE"
        t:at_most((invite.at - killed) / 1e6, AT_ONCE)
        living:reply(invite, 200)
        alice:expect_final(call, 200)
        becomes(t, host, 1)
        t:equal(bugs(host), "")
    end)

test("5626-7.d a phone that is silent: its other flow has the call when the timer ends", function(t)
    local host, open = start(t, { params = { { "tm", "fr_timer", 3000 } } })
    local phone = start_phone(t, host, "bob", 1, "1.0")
    local living = open("bob", "tcp")
    living:register { instance = one, reg_id = 2, q = "0.5" }
    phone.signal "sigstop"
    calls(t, open, living)
    -- Silence of one call is no proof that the flow is dead: its binding stands until it is.
    becomes(t, host, 2)
    phone.signal "sigkill"
    becomes(t, host, 1)
    calls(t, open, living)
end)

-- --- an edge ---

-- examples/edge.lua in front of it, speaking that transport to it.
local function start_edge(t, host, transport)
    local file <close> = assert(io.open "examples/edge.lua")
    local keys = server.temporary ".keys"
    t:defer(function()
        os.remove(keys)
    end)
    local own = "127.0.0.1:" .. host.port
    local source = file:read("a"):gsub("sip:127%.0%.0%.1:5060", "sip:" .. own .. ";transport=" .. transport)
        :gsub("127%.0%.0%.1:5060", own)
    return server.start(t, { source = source, domain = false, args = { "--token-keys", keys } })
end

local function two_edges(t, transport, options)
    local host, open = start(t, options)
    local edges = { start_edge(t, host, transport), start_edge(t, host, transport) }
    local first, other = open("bob", transport, edges[1].port), open("bob", transport, edges[2].port)
    first:register { instance = one, reg_id = 1, q = "1.0" }
    other:register { instance = one, reg_id = 2, q = "0.5" }
    return { host = host, open = open, edges = edges, first = first, other = other }
end

-- Over TCP the operating system says at once that nobody is there; over UDP only timer B ends the wait.
for transport, rule in pairs { tcp = "3261-16.9.a", udp = "5626-7.d" } do
    local function named(what)
        return ("%s [kamailio %s]"):format(what, transport)
    end
    local params = transport == "udp" and { { "tm", "fr_timer", 3000 } } or nil

    test(named(rule .. " an edge is killed: the next call takes the flow through the other edge"), function(t)
        local stage = two_edges(t, transport, { params = params })
        calls(t, stage.open, stage.first)
        stage.edges[1]:kill()
        calls(t, stage.open, stage.other)
        calls(t, stage.open, stage.other)
        t:equal(bugs(stage.host), "")
    end)

    -- A response may come over another connection than its request went, so that one that closes proves nothing here.
    test(named "5626-7.d an edge is killed under a call that has seen 100: it moves when its timer ends", function(t)
        local timers = { { "tm", "fr_timer", 3000 }, { "tm", "fr_inv_timer", 3000 } }
        local stage = two_edges(t, transport, { params = timers })
        local alice = stage.open("alice", "udp")
        local call = alice:invite(stage.first.aor)
        stage.first:expect "INVITE"
        stage.edges[1]:kill()
        arrives(t, call, alice, stage.other)
        t:equal(bugs(stage.host), "")
    end)

    test(named "5626-5.2.b an edge is killed and comes back: both flows are used as before", function(t)
        local stage = two_edges(t, transport, { params = params })
        stage.edges[1]:kill()
        calls(t, stage.open, stage.other)
        local again = server.start(t, { script = stage.edges[1].script, domain = false, port = stage.edges[1].port })
        local back = stage.open("bob", transport, again.port)
        back:register { instance = one, reg_id = 1, q = "1.0" }
        calls(t, stage.open, back)
        becomes(t, stage.host, 2)
    end)
end

-- --- Kamailio ---

local schema = "/usr/share/kamailio/db_sqlite/"

local sqlite = kamailio.sqlite

local function new_database(t)
    if not uv.fs_stat(schema) then
        t:skip "no schema of Kamailio's for sqlite"
    end
    local path = server.temporary ".sqlite"
    t:defer(function()
        for _, ending in ipairs { "", "-wal", "-shm" } do
            os.remove(path .. ending)
        end
    end)
    sqlite(path, "pragma journal_mode=wal") -- else who reads while another writes is refused, and finds no AOR
    for _, name in ipairs { "standard", "usrloc" } do
        sqlite(path, (".read %s%s-create.sql"):format(schema, name))
    end
    return path
end

local function rows(t, path, count)
    local got
    ua.wait.until_true(ua.patience, function()
        got = sqlite(path, "select count(*) from location")
        return got == tostring(count)
    end)
    t:equal(got, tostring(count), "rows in the database")
end

local function with_database(path, mode, port)
    return { port = port, modules = { "db_sqlite", table.unpack(kamailio.modules) }, params = {
        { "usrloc", "db_mode", mode }, { "usrloc", "db_url", "sqlite:///" .. path },
        { "usrloc", "timer_interval", 1 }, { "tm", "fr_timer", 60000 } } }
end

-- Kamailio reads what it had when it is up already; where it reads for each call there is nothing to wait for.
local function start_again(t, host, path, mode, count)
    local open
    host, open = start(t, with_database(path, mode, host.port))
    if mode < 3 then
        becomes(t, host, count)
    end
    return host, open
end

-- Registered in the very second in which Kamailio is killed and started again: their times might be of this run.
-- As Kamailio writes them, which rounds up what it reads.
local function make_fresh(path)
    sqlite(path, "update location set last_modified = (strftime('%s', 'now') - 0.5) / 86400.0 + 2440587.5")
end

for mode, name in ipairs { "write-through", "write-back", "database only" } do
    local function named(what)
        return ("%s [kamailio, usrloc in SQLite, %s]"):format(what, name)
    end

    -- Of one instance: the flows that died with Kamailio would be tried first.
    test(named "5626-7.f killed and started again: flows over TCP are lost, those over UDP take the call", function(t)
        local path = new_database(t)
        local host, open = start(t, with_database(path, mode))
        local lost, also_lost, living = open("bob", "tcp"), open("bob", "tcp"), open("bob", "udp")
        lost:register { instance = one, reg_id = 1, q = "1.0" }
        also_lost:register { instance = one, reg_id = 2, q = "0.8" }
        living:register { instance = one, reg_id = 3, q = "0.5" }
        rows(t, path, 3)
        host:kill9()
        make_fresh(path)
        host, open = start_again(t, host, path, mode, 3)
        calls(t, open, living)
        t:match(host:rpc("reflow.flows", living.aor), "flow: udp [^\n]*\n%s*path: \n%s*alive: yes")
        -- Its connection has the number that a lost one had.
        local again = open("bob", "tcp")
        again:register { instance = one, reg_id = 1, q = "1.0" }
        calls(t, open, again)
        calls(t, open, again)
        again:close()
        ua.wait.until_true(ua.patience, function()
            return not host:rpc("core.tcp_list"):find(tostring(again.local_port), 1, true)
        end)
        calls(t, open, living)
        t:equal(bugs(host), "")
    end)

    -- The numbers of connections begin anew: a phone that connects to the new run may get that of another's flow.
    test(named "5626-7.e a connection of the new run that has a lost one's number gets none of its calls", function(t)
        local path = new_database(t)
        local host, open = start(t, with_database(path, mode))
        local bobs = {}
        for index = 1, 8 do
            bobs[index] = open("bob" .. index, "tcp")
            bobs[index]:register { instance = ua.instance(index), reg_id = 1 }
        end
        rows(t, path, 8)
        host:kill9()
        make_fresh(path)
        open = select(2, start_again(t, host, path, mode, 8))
        local mallories = {}
        for index = 1, 16 do
            mallories[index] = open("mallory", "tcp")
            mallories[index]:ping()
        end
        local alice = open("alice", "udp")
        for _, bob in ipairs(bobs) do
            alice:expect_final(alice:invite(bob.aor), 404, AT_ONCE)
        end
        for _, mallory in ipairs(mallories) do
            t:equal(mallory:receive("INVITE", 0), nil)
        end
    end)

    test(named "5626-5.2.b killed and started again: a flow through an edge is used as before", function(t)
        local path = new_database(t)
        local host, open = start(t, with_database(path, mode))
        local edge = start_edge(t, host, "tcp")
        local lost, bob = open("bob", "tcp"), open("bob", "tcp", edge.port)
        lost:register { instance = one, reg_id = 1, q = "1.0" }
        bob:register { instance = one, reg_id = 2, q = "0.5" }
        rows(t, path, 2)
        host:kill9()
        host, open = start_again(t, host, path, mode, 2)
        if mode < 3 then
            local told = host:rpc("reflow.flows", bob.aor)
            t:match(told, "reg_id: 1\n.-alive: no\n")
            t:match(told, "reg_id: 2\n.-alive: by its path\n")
        end
        calls(t, open, bob)
        t:equal(bugs(host), "")
    end)
end

-- Kamailio's design: one of its processes ended by a signal ends them all. Nothing half dead stays, and none of ours.
for _, which in ipairs { "udp receiver", "tcp receiver", "reflow keeper", "tcp main" } do
    test(("kill -9 of a process of Kamailio's ends all of them: %s"):format(which), function(t)
        local host, open = start(t)
        local bob = open("bob", "tcp")
        bob:register { instance = one, reg_id = 1 }
        for _, process in ipairs(host:processes()) do
            if process.what:find(which, 1, true) then
                host.killed = true -- it is meant to die
                uv.kill(process.pid, "sigkill")
                break
            end
        end
        t:ok(host.killed, "no such process")
        t:ok(host:wait(), "Kamailio goes on without it")
        t:match(host.log, "child process %d+ exited by a signal 9")
        bob:expect_closed()
        -- And what begins anew serves.
        open = select(2, start(t, { port = host.port }))
        local again = open("bob", "tcp")
        again:register { instance = one, reg_id = 1 }
        calls(t, open, again)
    end)
end

-- The address of a static variable of the module in Kamailio's main process.
local function address_of(host, name)
    local pipe = assert(io.popen(("nm '%s'"):format(kamailio.module)))
    local offset = tonumber(pipe:read("a"):match("(%x+) %a " .. name .. "\n"), 16)
    pipe:close()
    local maps <close> = assert(io.open(("/proc/%d/maps"):format(host.pid)))
    local path = uv.fs_realpath(kamailio.module)
    for line in maps:lines() do
        if line:sub(-#path) == path then
            return tonumber(line:match "^%x+", 16) + offset
        end
    end
end

-- As if a process had been ended while it held the lock of each bucket: struct waits and struct bucket, waits.c.
local function hold_locks_of_waits(host)
    local HEAD, BUCKET, BUCKETS, HELD = 16, 16, 1024, string.pack("<I4", 2)
    local memory <close> = assert(io.open(("/proc/%d/mem"):format(host.pid), "r+b"))
    memory:setvbuf "no"
    memory:seek("set", address_of(host, "waits"))
    local table_at = string.unpack("<I8", memory:read(8))
    for index = 0, BUCKETS - 1 do
        memory:seek("set", table_at + HEAD + index * BUCKET)
        assert(memory:write(HELD))
    end
end

test("a process that is ended while it holds a lock of waiting branches does not keep Kamailio from ending", function(t)
    local host, open = start(t)
    local bob, alice = open("bob", "tcp"), open("alice", "udp")
    bob:register { instance = one, reg_id = 1 }
    alice:invite(bob.aor)
    bob:reply(bob:expect "INVITE", 180)
    alice:expect(180)
    hold_locks_of_waits(host)
    host:stop()
    t:equal(host.dead_lock, nil)
end)

tap.done()
