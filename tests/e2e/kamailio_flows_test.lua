-- SPDX-License-Identifier: BSD-2-Clause
-- Flows of Kamailio that die: which bindings go, how soon, and what becomes of the branches that wait on them.
local kamailio = require "kamailio"
local tap = require "tap"
local ua = require "ua"

local test = tap.test

-- tcpops beside ours takes the event of closed connections, wherever it stands.
local function with_tcpops(where)
    local names = { table.unpack(kamailio.modules) }
    table.insert(names, where == "first" and 1 or #names + 1, "tcpops")
    return names
end

local function start(t, options)
    local host = kamailio.start(t, options)
    return host, function(user, more)
        local o = { port = host.port, user = user, domain = host.domain, transport = "tcp" }
        for name, value in pairs(more or {}) do
            o[name] = value
        end
        return ua.open(o)
    end
end

-- How many contacts usrloc holds.
local function contacts(host)
    return host:statistic "usrloc:location_contacts"
end

local function becomes(t, host, count, ms)
    local got
    ua.wait.until_true(ms or 5000, function()
        got = contacts(host)
        return got == count
    end)
    t:equal(got, count, "contacts in usrloc")
end

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
    t:equal(host:statistic "reflow:bindings_dropped", 2)
    t:equal(host:statistic "reflow:flows_down", 1)
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
    ua.wait.until_true(20000, function()
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
    becomes(t, host, 1, 10000)
    t:equal(host:statistic "reflow:flows_down", 500)
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

test("5626-7.f keep-alives of one binding over UDP go missing: all on its flow go, those of others stand", function(t)
    local host, open = start(t, { params = { { "usrloc", "ka_mode", 1 }, { "usrloc", "ka_timeout", 1 },
        { "usrloc", "ka_from", "sip:registrar@example.test" }, { "usrloc", "ka_domain", "example.test" },
        { "usrloc", "timer_interval", 1 }, { "usrloc", "timer_procs", 1 } } })
    local shared, other = open("bob", { transport = "udp" }), open("carol", { transport = "udp" })
    shared:register { instance = ua.instance(1), reg_id = 1 }
    shared:register { instance = ua.instance(1), reg_id = 1, aor = other.aor }
    other:register { instance = ua.instance(2), reg_id = 1 }
    becomes(t, host, 3)
    keep_alive({ shared, other }, "sip:bob@", 25000, function()
        return host:statistic "usrloc:location_contacts" < 3
    end)
    becomes(t, host, 1, 1000)
    t:equal(host:statistic "reflow:bindings_dropped", 1)
    t:match(other:bindings()[1], ua.instance(2))
end)

tap.done()
