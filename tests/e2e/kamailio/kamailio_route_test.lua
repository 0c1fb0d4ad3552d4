-- SPDX-License-Identifier: BSD-2-Clause
-- sip_route_flows() in Kamailio: which bindings of an AOR ring, and over what.
local host = require "host"
local kamailio = require "kamailio"
local server = require "server"
local tap = require "tap"
local ua = require "ua"

local test = tap.test
local one, two = ua.instance(1), ua.instance(2)

local function start(t, options)
    options = options or {}
    options.params = options.params or { { "usrloc", "use_domain", 1 } }
    local k = kamailio.start(t, options)
    return k, host.opener(k, options.transport or "tcp")
end

-- With a policy, as text.
local function start_with(t, policy, options)
    options = options or {}
    local path = server.temporary ".lua"
    server.write(path, policy)
    t:defer(function()
        os.remove(path)
    end)
    options.params = { { "usrloc", "use_domain", 1 }, { "reflow", "policy", path } }
    return start(t, options)
end

-- Kamailio has noticed that no more connections than these are open.
local function wait_for_connections(t, k, most)
    t:ok(ua.wait.until_true(ua.patience, function()
        return tonumber(k:rpc("core.tcp_info"):match "opened_connections: (%d+)") <= most
    end), "a connection is still open")
end

-- The called user agent answers; the caller gets it.
local function take(caller, call, callee)
    local invite = callee:expect "INVITE"
    callee:reply(invite, 200)
    caller:expect_final(call, 200)
    callee:expect "ACK"
    return invite
end

for _, transport in ipairs { "udp", "tcp" } do
    test("a call from end to end, and it is counted [" .. transport .. "]", function(t)
        local k, open = start(t, { transport = transport })
        local bob, alice = open "bob", open "alice"
        bob:register { instance = one, reg_id = 1 }
        alice:call(bob)
        t:equal(k:statistic "reflow:requests_routed", 1)
        t:equal(k:statistic "reflow:requests_unreachable", 0)
    end)
end

test("two instances ring at the same time", function(_)
    local _, open = start(_)
    local desk, phone, alice = open "bob", open "bob", open "alice"
    desk:register { instance = one, reg_id = 1 }
    phone:register { instance = two, reg_id = 1 }
    local call = alice:invite(desk.aor)
    desk:reply(desk:expect "INVITE", 180)
    phone:reply(phone:expect "INVITE", 180)
    alice:cancel(call)
    desk:expect "CANCEL"
    phone:expect "CANCEL"
end)

test("5626-7.a of an instance's two flows only one rings, the one registered last", function(t)
    local _, open = start(t)
    local first, second, alice = open "bob", open "bob", open "alice"
    first:register { instance = one, reg_id = 1 }
    ua.wait.pause(1100) -- usrloc counts whole seconds
    second:register { instance = one, reg_id = 2 }
    local call = alice:invite(first.aor)
    take(alice, call, second)
    first:expect_none("INVITE", 200)
end)

test("3261-16.5 a lower q class is no target while a higher one is tried", function(t)
    local _, open = start(t)
    local high, low, alice = open "bob", open "bob", open "alice"
    low:register { q = "0.3" }
    high:register { q = "0.8" }
    local call = alice:invite(high.aor)
    high:reply(high:expect "INVITE", 180)
    low:expect_none("INVITE", 200)
    alice:cancel(call)
    high:expect "CANCEL"
end)

test("5626-7.e a request goes over the flow of its binding, whatever Contact says", function(t)
    local _, open = start(t)
    for _, transport in ipairs { "tcp", "udp" } do
        local bob, alice = open("bob" .. transport, { transport = transport }), open "alice"
        local uri = "sip:bob@192.0.2.1:5999" .. (transport == "tcp" and ";transport=tcp" or "")
        bob:register { instance = one, reg_id = 1, contact_uri = uri }
        local invite = take(alice, alice:invite(bob.aor), bob)
        t:equal(invite.uri, uri)
    end
end)

test("5626-7.e ... and so it does for bindings that Kamailio's own registrar has made", function(t)
    local modules = { table.unpack(kamailio.modules) }
    table.insert(modules, #modules, "registrar")
    local _, open = start(t, { modules = modules, config = kamailio.routing:gsub("sip_save", "save"),
        params = { { "usrloc", "use_domain", 1 }, { "registrar", "outbound_mode", 1 } } })
    local bob, alice = open "bob", open "alice"
    bob:register { instance = one, reg_id = 1, headers = { { "User-Agent", "Test" } },
        contact_uri = "sip:bob@192.0.2.1:5999;transport=tcp;ob" }
    local invite = take(alice, alice:invite(bob.aor), bob)
    t:equal(invite.uri, "sip:bob@192.0.2.1:5999;transport=tcp;ob")
end)

test("3327 with Path the request goes to its first hop, and Route leads on", function(t)
    local _, open = start(t)
    local bob, edge, alice = open "bob", open("edge", { transport = "udp" }), open "alice"
    local path = ("<sip:token@127.0.0.1:%d;lr;ob>"):format(edge.local_port)
    bob:register { instance = one, reg_id = 1, headers = { { "Path", path } },
        contact_uri = "sip:bob@192.0.2.1:5999" }
    local call = alice:invite(bob.aor)
    local invite = edge:expect "INVITE"
    t:equal(invite.uri, "sip:bob@192.0.2.1:5999")
    t:equal(invite:get "Route", path)
    edge:reply(invite, 486)
    alice:expect_final(call, 486)
end)

test("5626-7.f a flow that is known to be dead is not tried", function(t)
    local k, open = start(t)
    local dead, alive, alice = open "bob", open "bob", open "alice"
    alive:register { instance = one, reg_id = 1 }
    ua.wait.pause(1100)
    dead:register { instance = one, reg_id = 2 }
    dead:close()
    wait_for_connections(t, k, 2)
    take(alice, alice:invite(alive.aor), alive)
    alive:register { instance = one, reg_id = 1, expires = 0 }
    alice:expect_final(alice:invite(alive.aor), 404)
    t:equal(k:statistic "reflow:requests_unreachable", 1)
end)

test("5626-7.h a branch that rang over a flow that died is cancelled over another one of its instance", function(t)
    local k, open = start(t)
    local first, second, alice = open "bob", open "bob", open "alice"
    second:register { instance = one, reg_id = 2 }
    ua.wait.pause(1100)
    first:register { instance = one, reg_id = 1 }
    local call = alice:invite(first.aor)
    first:reply(first:expect "INVITE", 180)
    alice:expect(180)
    first:close()
    t:equal(k:becomes("reflow:flows_down", 1), 1)
    alice:cancel(call)
    second:expect "CANCEL"
    second:expect_none("INVITE", 100)
end)

test("nobody bound, or none that takes the method: what lookup() returns", function(t)
    local k, open = start(t, { extra = [[
route[CALL] {
    $var(result) = sip_route_flows("location");
    sl_send_reply("480", "Result $var(result)");
    exit;
}]] })
    local bob, alice = open "bob", open "alice"
    t:equal(alice:expect_final(alice:invite(bob.aor)).phrase, "Result -1")
    bob:register { parameters = ';methods="INVITE,ACK,BYE,CANCEL"' }
    t:equal(alice:expect_final(alice:request("MESSAGE", { uri = bob.aor })).phrase, "Result -2")
    t:equal(alice:expect_final(alice:invite(bob.aor)).phrase, "Result 1")
    t:equal(alice:expect_final(alice:invite("sip:" .. k.domain)).phrase, "Result -3")
end)

test("two calls of the function for one message: both users ring", function(t)
    local k, open = start(t, { extra = [[
route[CALL] {
    sip_route_flows("location", "sip:carol@example.test");
    sip_route_flows("location", "sip:bob@example.test");
    t_relay();
    exit;
}]] })
    local bob, carol, alice = open "bob", open "carol", open "alice"
    bob:register {}
    carol:register {}
    local call = alice:invite(bob.aor)
    local ringing = carol:expect "INVITE"
    bob:reply(bob:expect "INVITE", 200)
    alice:expect_final(call, 200)
    carol:reply(ringing, 487)
    t:equal(k:statistic "reflow:requests_routed", 1)
end)

-- How much shared memory is in use, once there are no transactions and it does not change any more.
local function memory(k)
    local before, now
    ua.wait.until_true(ua.patience, function()
        if not k:rpc("tm.stats"):find "current: 0" then
            now = nil
            return false
        end
        before, now = now, k:statistic "shmem:real_used_size"
        ua.wait.pause(100)
        return before == now
    end)
    return now
end

test("shared memory is given back, whether a transaction came or not", function(t)
    local k, open = start(t, { transport = "udp", children = 1,
        params = { { "usrloc", "use_domain", 1 }, { "tm", "wt_timer", 100 } }, extra = [[
route[CALL] {
    if (is_method("MESSAGE")) {
        sip_route_flows("location");
        sip_route_flows("location");
        sl_send_reply("202", "Routed");
        exit;
    }
}]] })
    local bob, alice = open "bob", open "alice"
    bob:register { instance = one, reg_id = 1 }
    local function round()
        for _ = 1, 20 do
            alice:expect_final(alice:request("MESSAGE", { uri = bob.aor }), 202)
            local call = alice:invite(bob.aor)
            bob:reply(bob:expect "INVITE", 486)
            alice:expect_final(call, 486)
        end
        -- What waits for a transaction is freed with the next message that tm gets.
        alice:expect_final(alice:request("MESSAGE", { uri = bob.aor }), 202)
        return memory(k)
    end
    -- Its allocator cuts pieces a little larger or smaller; a record for each message would be 40 times as much.
    local most = round() + 1000
    for _ = 1, 2 do
        local used = round()
        ua.wait.until_true(ua.patience, function() -- tm may not have taken its last timer yet
            used = used <= most and used or memory(k)
            return used <= most
        end)
        t:at_most(used, most)
    end
end)

test("a failure route sends the call on to another AOR", function(t)
    local k, open = start(t, { config = kamailio.routing:gsub("failure_route%[calls%] { sip_on_failure%(%); }", [[
failure_route[calls] {
    if (t_check_status("486") && sip_route_flows("location", "sip:carol@example.test")) {
        t_on_branch_failure("flows");
        t_on_failure("again");
        t_relay();
        exit;
    }
    sip_on_failure();
}
failure_route[again] { sip_on_failure(); }]]) })
    local bob, alice = open "bob", open "alice"
    local first, second = open "carol", open "carol"
    bob:register { instance = one, reg_id = 1 }
    first:register { instance = two, reg_id = 1, q = "0.9" }
    second:register { instance = two, reg_id = 2, q = "0.8" }
    for _ = 1, 2 do
        local call = alice:invite(bob.aor)
        bob:reply(bob:expect "INVITE", 486)
        first:reply(first:expect "INVITE", 430)
        take(alice, call, second)
        first:register { instance = two, reg_id = 1, q = "0.9" }
    end
    local call = alice:invite(bob.aor)
    bob:reply(bob:expect "INVITE", 486)
    first:reply(first:expect "INVITE", 603)
    alice:expect_final(call, 603)
    t:ok(k:alive())
end)

test("KEMI: KSR.reflow.route_flows", function(t)
    local script = server.temporary ".lua"
    t:defer(function()
        os.remove(script)
    end)
    server.write(script, [[
function ksr_request_route()
    if KSR.is_method("REGISTER") then
        KSR.reflow.save("location")
        return
    end
    if KSR.reflow.route_flows("location") < 0 then
        KSR.sl.sl_send_reply(404, "Not Found")
        return
    end
    KSR.tm.t_relay()
end
]])
    local modules = { table.unpack(kamailio.modules) }
    table.insert(modules, #modules, "app_lua")
    local params = { { "usrloc", "use_domain", 1 }, { "usrloc", "preload", "location" }, { "app_lua", "load", script } }
    local _, open = start(t, { modules = modules, params = params, config = 'cfgengine "lua"\n' })
    local bob, alice = open "bob", open "alice"
    bob:register { instance = one, reg_id = 1 }
    local call = alice:invite(bob.aor)
    bob:reply(bob:expect "INVITE", 486)
    alice:expect_final(call, 486)
    alice:expect_final(alice:invite "sip:nobody@example.test", 404)
end)

test("a policy routes a request elsewhere, answers it, drops it", function(t)
    local k, open = start_with(t, [[
sip_on_request(function(call)
    local user = call.uri:match("sip:(.-)@")
    if user == "sales" then return sip_route("sip:bob@example.test") end
    if user == "outside" then return sip_relay(call:header("X-To")) end
    if user == "busy" then return sip_reply(486, "Not Now") end
    if user == "wrong" then return sip_reply(430) end
    if user == "silent" then return sip_drop() end
end)
]])
    local bob, alice = open "bob", open "alice"
    local outside = open("outside", { transport = "udp" })
    bob:register { instance = one, reg_id = 1 }
    take(alice, alice:invite "sip:sales@example.test", bob)
    take(alice, alice:invite(bob.aor), bob)
    local invite = take(alice, alice:invite("sip:outside@example.test",
        { headers = { { "X-To", outside.contact_uri } } }), outside)
    t:equal(invite.uri, outside.contact_uri)
    t:equal(alice:expect_final(alice:invite "sip:busy@example.test", 486).phrase, "Not Now")
    alice:expect_final(alice:invite "sip:wrong@example.test", 404)
    k:wait_for_log "verdict reply refused: it would break rule 5626%-11%.5%.a"
    alice:expect_final(alice:request("MESSAGE", { uri = "sip:nobody@example.test" }), 404)
    alice:request("MESSAGE", { uri = "sip:silent@example.test" })
    alice:expect_none("final", 200)
end)

test("a policy lets the next target ring beside after a while", function(t)
    local _, open = start_with(t, [[
sip_on_request("INVITE", function() return sip_route(nil, { next_after = 0.3 }) end)
]])
    local alice = open "alice"
    local phones = {}
    for number = 1, 3 do
        phones[number] = open "bob"
        phones[number]:register { instance = ua.instance(number), reg_id = 1, q = ("0.%d"):format(9 - number) }
    end
    local call = alice:invite(phones[1].aor)
    phones[1]:reply(phones[1]:expect "INVITE", 180)
    phones[2]:expect_none("INVITE", 150)
    phones[2]:reply(phones[2]:expect "INVITE", 180)
    phones[3]:expect_none("INVITE", 150)
    take(alice, call, phones[3])
    phones[1]:expect "CANCEL"
    phones[2]:expect "CANCEL"
    t:ok(true)
end)

test("3261-21.5.4.a a destination that rests is not tried", function(t)
    local k, open = start_with(t, [[
sip_on_request("MESSAGE", function(call) return sip_rest(call:header("X-Rest"), 60) end)
]])
    local high, low, alice = open "bob", open "bob", open "alice"
    high:register { q = "0.8" }
    low:register { q = "0.3" }
    alice:request("MESSAGE", { uri = high.aor, headers = { { "X-Rest", "127.0.0.1:" .. high.local_port } } })
    low:reply(low:expect "MESSAGE", 200)
    take(alice, alice:invite(high.aor), low)
    high:expect_none("INVITE", 100)
    t:equal(k:statistic "reflow:requests_unreachable", 0)
end)

test("3261-16.3 bindings that lead back here end in 482, after few turns", function(t)
    local k, open = start(t, { params = { { "usrloc", "use_domain", 0 } } })
    local bob, alice = open "bob", open "alice"
    for each = 1, 3 do -- through a proxy without Path: by their Contacts
        bob:register { contact_uri = ("sip:bob@127.0.0.1:%d;each=%d"):format(k.port, each),
            via = { bob:via("z9hG4bKouter" .. each), "SIP/2.0/UDP 192.0.2.7;branch=z9hG4bKinner" .. each } }
    end
    alice:expect_final(alice:invite(bob.aor), 482)
    t:ok(tonumber((k:rpc("tm.stats"):match "total: (%d+)")) < 400)
end)

test("no more branches than tm bears", function(t)
    local _, open = start(t, { transport = "udp" })
    local bob, alice = open "bob", open "alice"
    for number = 1, 14 do
        bob:register { contact_uri = bob.contact_uri .. ";line=" .. number }
    end
    alice:invite(bob.aor)
    local uris, count = {}, 0
    for _ = 1, 12 do
        local invite = bob:expect "INVITE"
        count = count + (uris[invite.uri] and 0 or 1)
        uris[invite.uri] = true
        bob:reply(invite, 180)
    end
    t:equal(count, 12)
    bob:expect_none("INVITE", 200)
end)

test("shared memory is full: the call goes on without a record", function(t)
    local modules = { table.unpack(kamailio.modules) }
    table.insert(modules, #modules, "htable")
    local k, open = start(t, { modules = modules, memory = 12, debug = -3, core = "max_while_loops=1000",
        params = { { "usrloc", "use_domain", 1 }, { "htable", "htable", "all=>size=4;" } }, extra = [[
route[FILL] {
    while ($var(count) < $var(most)) {
        $var(count) = $var(count) + 1;
        $sht(all=>$var(count)) = $var(text);
    }
}
route[CALL] {
    $var(text) = "0123456789abcdef";
    while ($(var(text){s.len}) < 32768) $var(text) = $var(text) + $var(text);
    $var(count) = 0;
    $var(most) = 0;
    while ($(var(text){s.len}) > 16) {
        $var(most) = $var(most) + 400;
        route(FILL);
        $var(half) = $(var(text){s.len}) / 2;
        $var(text) = $(var(text){s.substr,0,$var(half)});
    }
    $var(result) = sip_route_flows("location");
    sht_rm_name_re("all=>.*");
    if ($var(result) != 1) {
        sl_send_reply("500", "Result $var(result)");
        exit;
    }
    t_relay();
    exit;
}]] })
    local bob, alice = open "bob", open "alice"
    bob:register { instance = one, reg_id = 1 }
    take(alice, alice:invite(bob.aor), bob)
    t:ok(k:statistic "reflow:shared_memory_full" > 0)
end)

tap.done()
