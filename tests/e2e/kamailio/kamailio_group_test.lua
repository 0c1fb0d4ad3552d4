-- SPDX-License-Identifier: BSD-2-Clause
-- Ring groups: sip_route_flows() for several users in one request, as lookup() and lookup_to_dset() do it; the return
-- codes of sip_on_failure(); and branches of the script beside those of the module.
local kamailio = require "kamailio"
local peer = require "peer"
local server = require "server"
local tap = require "tap"
local ua = require "ua"
local wait = require "wait"
local ways = require "kamailio_ways"

local test = tap.test
local one, two, three = ua.instance(1), ua.instance(2), ua.instance(3)

-- The group is bob and carol. X-Second: how the second one is named.
local group = [[
request_route {
    if (is_method("CANCEL")) {
        if (t_check_trans()) t_relay();
        exit;
    }
    if (has_totag()) {
        if (!loose_route()) {
            if (is_method("ACK") && t_check_trans()) t_relay();
            exit;
        }
        t_relay();
        exit;
    }
    t_check_trans();
    if (is_method("REGISTER")) {
        if (is_present_hf("X-Stock")) save("stock");
        else sip_save("location");
        exit;
    }
    if (is_method("INVITE")) record_route();
    if (is_present_hf("X-Append")) append_branch("$hdr(X-Append)");
    if (is_present_hf("X-Stock")) {
        $ru = "sip:bob@example.test";
        if (!lookup("stock")) $ru = "sip:carol@example.test";
        lookup_to_dset("stock", "sip:carol@example.test");
        t_on_branch("members");
        t_relay();
        exit;
    }
    if ($hdr(X-Second) == "request-uri") {
        $ru = "sip:bob@example.test";
        $var(first) = sip_route_flows("location");
        $ru = "sip:carol@example.test";
        $var(second) = sip_route_flows("location");
    } else {
        $var(first) = sip_route_flows("location", "sip:bob@example.test");
        $var(second) = sip_route_flows("location", "sip:carol@example.test");
    }
    xlog("L_WARN", "routed $var(first) $var(second)\n");
    if ($var(first) < 0 && $var(second) < 0) {
        sl_send_reply("480", "Temporarily Unavailable");
        exit;
    }
    t_on_branch("members");
    t_on_branch_failure("flows");
    t_on_failure("calls");
    t_relay();
}
branch_route[members] { if ($rU =~ "^refused") drop; }
event_route[tm:branch-failure:flows] { sip_on_flow_failed(); }
failure_route[calls] {
    sip_on_failure();
    xlog("L_WARN", "on_failure $rc\n");
}
]]

local function start(t, options)
    options = options or {}
    return ways.start(t, setmetatable({ config = options.config or group }, { __index = options }))
end

local refuse = ua.refuse

local group_aor = "sip:group@example.test"
local function register_refused(phone, options)
    options.contact_uri = phone.contact_uri:gsub("^sip:", "sip:refused")
    phone:register(options)
end

local function for_each_naming(title, run)
    for _, naming in ipairs { "parameter", "request-uri" } do
        test(("%s, named by %s"):format(title, naming), function(t)
            run(t, { { "X-Second", naming } })
        end)
    end
end

test("a group of two users: both ring, one answers [stock]", function(t)
    local _, open = start(t)
    local bob, carol, alice = open "bob", open "carol", open("alice", "udp")
    ways.register("stock", bob)
    ways.register("stock", carol)
    local call = alice:invite(group_aor, { headers = ways.headers "stock" })
    local ringing = bob:expect "INVITE"
    local taken = carol:expect "INVITE"
    bob:reply(ringing, 180)
    alice:expect(180)
    carol:reply(taken, 200)
    alice:expect_final(call, 200)
    bob:reply(bob:expect "CANCEL", 200)
end)

for_each_naming("a group of two users: both ring, one answers", function(t, headers)
    local host, open = start(t)
    local bob, carol, alice = open "bob", open "carol", open("alice", "udp")
    bob:register { instance = one, reg_id = 1 }
    carol:register { instance = two, reg_id = 1 }
    local call = alice:invite(group_aor, { headers = headers })
    local ringing = bob:expect "INVITE"
    local taken = carol:expect "INVITE"
    t:equal(ringing.uri, bob.contact_uri)
    t:equal(taken.uri, carol.contact_uri)
    t:equal(tonumber(ringing:get "Max-Breadth") + tonumber(taken:get "Max-Breadth"), 60)
    bob:reply(ringing, 180)
    alice:expect(180)
    carol:reply(taken, 200)
    alice:expect_final(call, 200)
    bob:reply(bob:expect "CANCEL", 200)
    host:wait_for_log "routed 1 1"
    t:equal(host:statistic "reflow:requests_routed", 1)
    t:equal(#host:log_lines "ERROR", 0)
end)

for_each_naming("each user's q classes ring in their order", function(t, headers)
    local _, open = start(t)
    local bob, home, carol, mobile = open "bob", open "bob", open "carol", open "carol"
    local alice = open("alice", "udp")
    bob:register { instance = one, reg_id = 1, q = "0.5" }
    home:register { instance = two, reg_id = 1, q = "0.1" }
    carol:register { instance = three, reg_id = 1, q = "1.0" }
    mobile:register { instance = ua.instance(4), reg_id = 1, q = "0.2" }
    local call = alice:invite(group_aor, { headers = headers })
    local first, second = bob:expect "INVITE", carol:expect "INVITE"
    home:expect_none("INVITE", 50)
    mobile:expect_none("INVITE", 50)
    bob:reply(first, 486)
    bob:expect "ACK"
    home:expect_none("INVITE", 50)
    carol:reply(second, 486)
    refuse(home, 486)
    refuse(mobile, 404)
    alice:expect_final(call, 404)
end)

for_each_naming("5626-7.a a phone of both users rings once", function(t, headers)
    local host, open = start(t)
    local phone, carol, alice = open "bob", open "carol", open("alice", "udp")
    phone:register { instance = one, reg_id = 1 }
    phone:register { instance = one, reg_id = 1, aor = "sip:carol@example.test", call_id = "second" }
    carol:register { instance = two, reg_id = 1, q = "0.3" }
    local call = alice:invite(group_aor, { headers = headers })
    refuse(phone, 486)
    refuse(carol, 486)
    phone:expect_none("INVITE", 50)
    alice:expect_final(call, 486)
    host:wait_for_log "routed 1 1"
end)

for_each_naming("5626-7.b each user's flows are replaced by their own", function(t, headers)
    local _, open = start(t)
    local bob, carol, other, alice = open "bob", open "carol", open "carol", open("alice", "udp")
    bob:register { instance = one, reg_id = 1 }
    carol:register { instance = two, reg_id = 1, q = "0.9" }
    other:register { instance = two, reg_id = 2, q = "0.5" }
    local call = alice:invite(group_aor, { headers = headers })
    local ringing = bob:expect "INVITE"
    refuse(carol, 430)
    other:reply(other:expect "INVITE", 200)
    alice:expect_final(call, 200)
    bob:reply(ringing, 487)
    alice:expect_bindings("sip:carol@example.test", 1)
end)

for_each_naming("one user of the group is not registered", function(t, headers)
    local host, open = start(t)
    local bob, carol, alice = open "bob", open "carol", open("alice", "udp")
    local call = alice:invite(group_aor, { headers = headers })
    alice:expect_final(call, 480)
    host:wait_for_log "routed %-1 %-1"
    carol:register { instance = two, reg_id = 1 }
    call = alice:invite(group_aor, { headers = headers })
    carol:reply(carol:expect "INVITE", 200)
    alice:expect_final(call, 200)
    host:wait_for_log "routed %-1 1"
    carol:register { contact = "*", expires = 0 }
    bob:register { instance = one, reg_id = 1 }
    call = alice:invite(group_aor, { headers = headers })
    bob:reply(bob:expect "INVITE", 200)
    alice:expect_final(call, 200)
    host:wait_for_log "routed 1 %-1"
end)

test("the same user twice rings once", function(t)
    local host, open = start(t, { config = (group:gsub("sip:carol@", "sip:bob@")) })
    local bob, alice = open "bob", open("alice", "udp")
    bob:register { instance = one, reg_id = 1 }
    local call = alice:invite(group_aor)
    bob:reply(bob:expect "INVITE", 200)
    alice:expect_final(call, 200)
    bob:expect_none("INVITE", 50)
    host:wait_for_log "routed 1 1"
end)

test("CANCEL ends all phones of the group", function(t)
    local _, open = start(t)
    local bob, carol, alice = open "bob", open("carol", "udp"), open("alice", "udp")
    bob:register { instance = one, reg_id = 1 }
    carol:register()
    local call = alice:invite(group_aor)
    local requests = { bob:expect "INVITE", carol:expect "INVITE" }
    for index, phone in ipairs { bob, carol } do
        phone:reply(requests[index], 180)
        alice:expect(180)
    end
    alice:cancel(call)
    for index, phone in ipairs { bob, carol } do
        phone:reply(phone:expect "CANCEL", 200)
        phone:reply(requests[index], 487)
    end
    alice:expect_final(call, 487)
end)

test("a group in a failure route: both ring after a busy phone", function(t)
    local config = kamailio.routing:gsub("failure_route%[calls%].*$", [[
failure_route[calls] {
    if (t_check_status("486") && $rU == "desk") {
        sip_route_flows("location", "sip:bob@example.test");
        sip_route_flows("location", "sip:carol@example.test");
        t_on_failure("calls");
        t_relay();
        exit;
    }
    sip_on_failure();
}
]])
    local _, open = start(t, { config = config })
    local desk, bob, carol, alice = open "desk", open "bob", open "carol", open("alice", "udp")
    desk:register()
    bob:register { instance = one, reg_id = 1, q = "0.4" }
    carol:register { instance = two, reg_id = 1, q = "0.8" }
    local call = alice:invite(desk.aor)
    refuse(desk, 486)
    local ringing = bob:expect "INVITE"
    carol:reply(carol:expect "INVITE", 200)
    alice:expect_final(call, 200)
    bob:reply(ringing, 487)
end)

local elsewhere_first = [[
request_route {
    if (is_method("CANCEL|ACK")) {
        if (t_check_trans()) t_relay();
        exit;
    }
    if (is_method("REGISTER")) {
        if (is_present_hf("X-Stock")) save("stock");
        else sip_save("location");
        exit;
    }
    $ru = $hdr(X-Trunk);
    t_on_failure("forward_to_bob");
    t_relay();
}
failure_route[forward_to_bob] {
    $ru = "sip:bob@example.test";
    $du = $null;
    if (is_present_hf("X-Stock")) {
        lookup("stock");
    } else {
        sip_route_flows("location");
        t_on_failure("calls");
    }
    t_relay();
}
failure_route[calls] { sip_on_failure(); }
]]

for _, way in ipairs(ways.names) do
    test(("a call that was sent elsewhere first is routed to a user in the failure route [%s]"):format(way),
        function(t)
            local host, open = start(t, { config = elsewhere_first })
            local trunk = peer.open(t, server.free_port(), function(request)
                return request.method == "INVITE" and peer.answer(request, 404) or nil
            end)
            local first, second, alice = open "bob", open "bob", open("alice", "udp")
            ways.register(way, first, { instance = one, reg_id = 1, q = "1.0" })
            ways.register(way, second, { instance = two, reg_id = 1, q = way == "stock" and "1.0" or "0.5" })
            local headers = ways.headers(way, { { "X-Trunk", ("sip:trunk@127.0.0.1:%d"):format(trunk.port) } })
            for _ = 1, 3 do
                local call = alice:invite(group_aor, { headers = headers })
                refuse(first, 486)
                refuse(second, 486)
                alice:expect_final(call, 486)
            end
            t:equal(table.concat(host:log_lines "ERROR", "\n"), "")
        end)
end

-- Their AORs lead to this server: a request that is sent there rings the phones again.
test("users named by $ru in a failure route ring once, and the names themselves are not called", function(t)
    local config = kamailio.routing:gsub("failure_route%[calls%].*$", [[
failure_route[calls] {
    if (t_check_status("486") && $avp(forwarded) == $null) {
        $avp(forwarded) = 1;
        $ru = "sip:bob@127.0.0.1:" + $Rp;
        $du = $null;
        sip_route_flows("location");
        $ru = "sip:carol@127.0.0.1:" + $Rp;
        sip_route_flows("location");
        $ru = "sip:nobody@127.0.0.1:" + $Rp;
        sip_route_flows("location");
        t_on_failure("calls");
        t_relay();
        exit;
    }
    sip_on_failure();
}
]])
    local host, open = start(t, { config = config })
    local desk, bob, carol, alice = open "desk", open "bob", open "carol", open("alice", "udp")
    desk:register()
    bob:register { instance = one, reg_id = 1 }
    carol:register { instance = two, reg_id = 1 }
    local call = alice:invite(desk.aor)
    refuse(desk, 486)
    refuse(bob, 486)
    refuse(carol, 486)
    alice:expect_final(call, 486)
    t:equal(#bob.inbox + #carol.inbox, 0)
    t:equal(host:statistic "reflow:requests_routed", 2) -- to the desk, and to bob
end)

test("a user named by $ru in a failure route who has no phone is not called with the next targets", function(t)
    local config = kamailio.routing:gsub('    t_on_branch_failure%("flows"%);\n', "")
        :gsub("failure_route%[calls%].*$", [[
failure_route[calls] {
    if (t_check_status("486")) {
        $ru = "sip:nobody@127.0.0.1:" + $Rp;
        $du = $null;
        sip_route_flows("location");
    }
    sip_on_failure();
}
route[CALL] {
    if ($rU == "nobody") {
        sl_send_reply("603", "Decline");
        exit;
    }
}
]])
    local _, open = start(t, { config = config })
    local first, second, alice = open "bob", open "bob", open("alice", "udp")
    first:register { q = "1.0" }
    second:register { q = "0.5" }
    local call = alice:invite(first.aor)
    refuse(first, 486)
    refuse(second, 404)
    alice:expect_final(call, 404)
end)

-- --- the return codes of sip_on_failure() ---

test("sip_on_failure() returns 1 for branches that were added, and 2 for a response", function(t)
    local config = group:gsub('t_on_branch_failure%("flows"%);', "")
        :gsub("sip_on_failure%(%);", "sip_on_failure(); $var(rc) = $rc; t_on_failure(\"calls\");")
        :gsub("on_failure $rc", "on_failure $var(rc)")
    local host, open = start(t, { config = config })
    local desk, cell, alice = open "bob", open "bob", open("alice", "udp")
    desk:register { instance = one, reg_id = 1, q = "0.9" }
    cell:register { instance = two, reg_id = 1, q = "0.5" }
    local call = alice:invite(group_aor)
    refuse(desk, 486)
    host:wait_for_log "on_failure 1"
    refuse(cell, 404)
    alice:expect_final(call, 404)
    host:wait_for_log "on_failure 2"
end)

for _, status in ipairs { 486, 430, 503, 401 } do
    test(("sip_on_failure() returns 2 after %d"):format(status), function(t)
        local host, open = start(t)
        local bob, alice = open "bob", open("alice", "udp")
        bob:register { instance = one, reg_id = 1 }
        local call = alice:invite(group_aor)
        refuse(bob, status)
        alice:expect_final(call)
        host:wait_for_log "on_failure 2"
    end)
end

-- --- branches of the script ---

local function gateway(t, status)
    local port = server.free_port()
    local made = peer.open(t, port, function(request)
        return request.method ~= "ACK" and peer.answer(request, request.method == "CANCEL" and 200 or status) or nil
    end)
    made.uri = ("sip:gw@127.0.0.1:%d"):format(port)
    return made
end

for _, status in ipairs { 404, 430, 503, 603 } do
    test(("a script's own branch that answers %d leaves no error in the log"):format(status), function(t)
        local host, open = start(t)
        local gw, bob, alice = gateway(t, status), open "bob", open("alice", "udp")
        bob:register { instance = one, reg_id = 1 }
        local call = alice:invite(group_aor, { headers = { { "X-Append", gw.uri } } })
        local request = bob:expect "INVITE"
        gw:expect(2) -- and its ACK
        bob:reply(request, 486)
        alice:expect_final(call, status == 603 and 603 or 486)
        for _, level in ipairs { "ERROR", "CRITICAL", "WARNING: <core>", "BUG" } do
            t:equal(table.concat(host:log_lines(level), "\n"), "", level)
        end
    end)
end

test("3261-9.a a script's own branch that rings at the moment when a phone answers is cancelled", function(t)
    local _, open = start(t)
    local bob, own, alice = open "bob", open("own", "udp"), open("alice", "udp")
    bob:register { instance = one, reg_id = 1 }
    for _ = 1, 100 do
        local call = alice:invite(group_aor, { headers = { { "X-Append", own.contact_uri } } })
        local taken, ringing = bob:expect "INVITE", own:expect "INVITE"
        own:reply(ringing, 180)
        bob:reply(taken, 200)
        alice:expect_final(call, 200)
        own:reply(own:expect "CANCEL", 200)
        own:reply(ringing, 487)
        own:expect "ACK"
        bob:expect "ACK"
    end
end)

test("the functions return 3 in the failure routes of another call, and leave no error in the log", function(t)
    local config = group:gsub("    t_check_trans%(%);\n    if %(is_method%(\"REGISTER\"%)%)", [[
    t_check_trans();
    if ($rU == "trunk") {
        $ru = $hdr(X-Trunk);
        t_on_branch_failure("flows");
        t_on_failure("calls");
        t_relay();
        exit;
    }
    if (is_method("REGISTER"))]])
    local host, open = start(t, { config = config })
    local gw, alice = gateway(t, 486), open("alice", "udp")
    alice:expect_final(alice:invite("sip:trunk@example.test", { headers = { { "X-Trunk", gw.uri } } }), 486)
    host:wait_for_log "on_failure 3"
    t:equal(table.concat(host:log_lines "ERROR", "\n"), "")
end)

test("a script's own branch in KEMI leaves no error in the log", function(t)
    local path = server.temporary ".lua"
    server.write(path, [[
function ksr_request_route()
    if KSR.is_method_in("C") then
        if KSR.tm.t_check_trans() > 0 then KSR.tm.t_relay() end
        return 1
    end
    KSR.tm.t_check_trans()
    if KSR.is_method_in("A") then return 1 end
    if KSR.is_REGISTER() then KSR.reflow.save("location") return 1 end
    KSR.corex.append_branch_uri(KSR.pv.get("$hdr(X-Append)"))
    if KSR.reflow.route_flows("location") < 0 then KSR.sl.sl_send_reply(404, "Not Found") return 1 end
    KSR.tm.t_on_branch_failure("ksr_branch_failed")
    KSR.tm.t_on_failure("ksr_failed")
    KSR.tm.t_relay()
    return 1
end
function ksr_branch_failed() KSR.reflow.on_flow_failed() return 1 end
function ksr_failed()
    if KSR.tm.t_check_status("486") > 0 and not KSR.isflagset(5) then
        KSR.setflag(5)
        KSR.pv.unset("$du")
        KSR.pv.sets("$ru", KSR.pv.get("$hdr(X-Mail)"))
        KSR.tm.t_on_failure("ksr_failed")
        KSR.tm.t_relay()
        return 1
    end
    KSR.reflow.on_failure()
    return 1
end
]])
    t:defer(function()
        os.remove(path)
    end)
    local modules = { table.unpack(kamailio.modules) }
    table.insert(modules, #modules, "app_lua")
    local host, open = start(t, { config = 'cfgengine "lua"\n', modules = modules,
        params = { { "app_lua", "load", path }, { "usrloc", "preload", "location" } } })
    local gw, vm, bob, alice = gateway(t, 486), gateway(t, 480), open "bob", open("alice", "udp")
    bob:register { instance = one, reg_id = 1 }
    local call = alice:invite(bob.aor, { headers = { { "X-Append", gw.uri }, { "X-Mail", vm.uri } } })
    refuse(bob, 486)
    alice:expect_final(call)
    vm:expect(2)
    wait.until_true(ua.patience, function()
        return host:rpc("tm.stats"):match "current: (%d+)" == "0"
    end)
    t:equal(table.concat(host:log_lines "ERROR", "\n"), "")
end)

for_each_naming("a member whose branch the script drops does not hold up the others", function(t, headers)
    local s, open = start(t)
    local refused, desk, carol, alice = open "bob", open "bob", open "carol", open("alice", "udp")
    register_refused(refused, { instance = one, reg_id = 1, q = "1.0" })
    desk:register { instance = two, reg_id = 1, q = "0.5" }
    carol:register { instance = three, reg_id = 1 }
    local call = alice:invite(group_aor, { headers = headers })
    refuse(carol, 486)
    local invite = desk:expect "INVITE"
    desk:reply(invite, 200)
    alice:expect_final(call, 200)
    t:equal(#refused.inbox, 0)
    t:equal(s:statistic "reflow:flows_down", 0)
    -- The first one named has nobody else.
    desk:register { instance = two, reg_id = 1, expires = 0 }
    call = alice:invite(group_aor, { headers = headers })
    refuse(carol, 603)
    alice:expect_final(call, 603)
end)

tap.done()
