-- SPDX-License-Identifier: BSD-2-Clause
-- After a phone on a stream flow: what a script does next works as it does after lookup(). The voicemail, the trunk and
-- the gateway listen for connections, and nobody has connected to them before.
local certificates = require "certificates"
local peer = require "peer"
local server = require "server"
local tap = require "tap"
local ua = require "ua"
local ways = require "kamailio_ways"

local test = tap.test

-- A server that takes calls over new connections. `status`: of its answer to an INVITE or MESSAGE; nil: none.
local function gateway(t, status, address)
    local port = server.free_port()
    local made = peer.open(t, port, function(request)
        if request.method == "ACK" or not status then
            return nil
        end
        return peer.answer(request, request.method == "CANCEL" and 200 or status,
            status < 300 and { { "Contact", ("<sip:gw@127.0.0.1:%d;transport=tcp>"):format(port) } } or nil)
    end, address)
    local host = address and address:find ":" and "[" .. address .. "]" or address or "127.0.0.1"
    made.uri = ("sip:vm@%s:%d;transport=tcp"):format(host, port)
    made.next_hop = ("sip:%s:%d;transport=tcp"):format(host, port)
    return made
end

local refuse = ua.refuse

local for_each_way = ways.for_each

local voicemail = [[
route[FAILED] {
    if (t_is_canceled()) exit;
    if (t_check_status("486|408") && is_present_hf("X-Mail")) {
        $du = $null;
        $ru = $hdr(X-Mail);
        t_relay();
        exit;
    }
}
]]

for _, transport in ipairs { "udp", "tcp", "tls", "ws", "wss" } do
    for_each_way("a busy phone's call goes to voicemail over a new connection: " .. transport, function(t, way)
        local secure = (transport ~= "udp" and transport ~= "tcp")
            and certificates.new(t):sign("default", { names = "DNS:example.test" }) or nil
        local _, open = ways.start(t, { extra = voicemail, secure = secure })
        local vm, bob, alice = gateway(t, 200), open("bob", transport), open("alice", "udp")
        ways.register(way, bob)
        local call = alice:invite(bob.aor, { headers = ways.headers(way, { { "X-Mail", vm.uri } }) })
        refuse(bob, 486)
        alice:expect_final(call, 200)
        t:equal(vm:expect(1).uri, vm.uri)
    end)
end

for_each_way("a busy phone's call goes to voicemail over a new connection: IPv6", function(t, way)
    local _, open = ways.start(t, { extra = voicemail, address = "[::1]" })
    local more = { host = "::1", local_host = "::1" }
    local vm, bob, alice = gateway(t, 200, "::1"), open("bob", "tcp", more), open("alice", "udp", more)
    ways.register(way, bob)
    local call = alice:invite(bob.aor, { headers = ways.headers(way, { { "X-Mail", vm.uri } }) })
    refuse(bob, 486)
    alice:expect_final(call, 200)
    t:equal(vm:expect(1).uri, vm.uri)
end)

for_each_way("a MESSAGE goes to voicemail as a call does", function(t, way)
    local _, open = ways.start(t, { extra = voicemail })
    local vm, bob, alice = gateway(t, 200), open "bob", open("alice", "udp")
    ways.register(way, bob)
    local sent = alice:request("MESSAGE", { uri = bob.aor, headers = ways.headers(way, { { "X-Mail", vm.uri } }) })
    bob:reply(bob:expect "MESSAGE", 486)
    alice:expect_final(sent, 200)
    t:equal(vm:expect(1).method, "MESSAGE")
end)

for_each_way("two phones, one over UDP and one over TCP, are busy", function(t, way)
    local _, open = ways.start(t, { extra = voicemail })
    local vm, desk, cell, alice = gateway(t, 200), open("bob", "udp"), open "bob", open("alice", "udp")
    ways.register(way, desk)
    ways.register(way, cell)
    local call = alice:invite(desk.aor, { headers = ways.headers(way, { { "X-Mail", vm.uri } }) })
    local first, second = desk:expect "INVITE", cell:expect "INVITE"
    desk:reply(first, 486)
    cell:reply(second, 486)
    alice:expect_final(call, 200)
    vm:expect(1)
end)

for_each_way("CANCEL reaches the voicemail that rings over a new connection", function(t, way)
    local _, open = ways.start(t, { extra = voicemail })
    local vm, bob, alice = gateway(t, 180), open "bob", open("alice", "udp")
    ways.register(way, bob)
    local call = alice:invite(bob.aor, { headers = ways.headers(way, { { "X-Mail", vm.uri } }) })
    refuse(bob, 486)
    alice:expect(180)
    alice:cancel(call)
    local cancel = vm:expect(2)
    t:equal(cancel.method, "CANCEL")
    vm.requests[1].send(peer.answer(vm.requests[1], 487))
    alice:expect_final(call, 487)
end)

local append = [[
route[BEGIN] { if (is_present_hf("X-Append")) append_branch("$hdr(X-Append)"); }
]]

for_each_way("a branch that the script has appended before the lookup connects", function(t, way)
    local host, open = ways.start(t, { extra = append })
    local gw, bob, alice = gateway(t, 183), open "bob", open("alice", "udp")
    ways.register(way, bob)
    local call = alice:invite(bob.aor, { headers = ways.headers(way, { { "X-Append", gw.uri } }) })
    local request = bob:expect "INVITE"
    gw:expect(1)
    alice:expect(183)
    bob:reply(request, 200)
    alice:expect_final(call, 200)
    t:equal(gw:expect(2).method, "CANCEL")
    t:equal(#host:log_lines "ERROR", 0)
end)

for_each_way("a redirect by a phone leads to a new connection", function(t, way)
    local _, open = ways.start(t, { more = { "acc", "uac_redirect" }, failed = [[
    if (t_check_status("302") && get_redirects("*")) {
        t_relay();
        exit;
    }
]] })
    local gw, bob, alice = gateway(t, 200), open "bob", open("alice", "udp")
    ways.register(way, bob)
    local call = alice:invite(bob.aor, { headers = ways.headers(way) })
    refuse(bob, 302, { headers = { { "Contact", "<" .. gw.uri .. ">" } } })
    alice:expect_final(call, 200)
    gw:expect(1)
end)

for_each_way("a dispatcher's gateway is called over a new connection", function(t, way)
    local gw, list = gateway(t, 200), server.temporary ".list"
    server.write(list, ("1 %s\n"):format(gw.next_hop))
    t:defer(function()
        os.remove(list)
    end)
    local _, open = ways.start(t, { more = { "dispatcher" }, params = { { "dispatcher", "list_file", list } },
        extra = [[
route[FAILED] {
    if (t_check_status("480|486") && ds_select_dst("1", "0")) {
        t_relay();
        exit;
    }
}
]] })
    local bob, alice = open "bob", open("alice", "udp")
    ways.register(way, bob)
    local call = alice:invite(bob.aor, { headers = ways.headers(way) })
    refuse(bob, 486)
    alice:expect_final(call, 200)
    gw:expect(1)
end)

local next_hop = {
    ["after the lookup"] = 'route[FOUND] { $du = $hdr(X-Next); }',
    ["of a transaction that exists"] = 'route[FOUND] { t_newtran(); $du = $hdr(X-Next); }',
    ["in the branch route"] = 'route[BRANCH] { $du = $hdr(X-Next); }',
}
for title, extra in pairs(next_hop) do
    for_each_way("a next hop that the script sets " .. title .. " is connected to", function(t, way)
        local host, open = ways.start(t, { extra = extra })
        local gw, bob, alice = gateway(t, 200), open "bob", open("alice", "udp")
        ways.register(way, bob)
        local call = alice:invite(bob.aor, { headers = ways.headers(way, { { "X-Next", gw.next_hop } }) })
        alice:expect_final(call, 200)
        t:equal(gw:expect(1).uri, bob.contact_uri)
        bob:expect_none("INVITE", 50)
        if way == "reflow" then
            t:equal(host:statistic "reflow:flows_down", 0)
        end
    end)
end

for_each_way("a next hop of the script that refuses connections costs the phone nothing", function(t, way)
    local host, open = ways.start(t, { extra = next_hop["after the lookup"], core = "tcp_async=no" })
    local bob, alice = open "bob", open("alice", "udp")
    ways.register(way, bob)
    local next = ("sip:127.0.0.1:%d;transport=tcp"):format(server.free_port())
    local call = alice:invite(bob.aor, { headers = ways.headers(way, { { "X-Next", next } }) })
    local answer = alice:expect_final(call)
    t:ok(answer.status >= 400)
    if way == "reflow" then
        t:equal(host:statistic "reflow:flows_down", 0)
    end
end)

-- append_branch() gives the new branch the next hop of the message.
for_each_way("serial forking with t_next_contacts() after a stream branch", function(t, way)
    local _, open = ways.start(t, { params = { { "tm", "contacts_avp", "tm_contacts" },
        { "tm", "contact_flows_avp", "tm_flows" } }, extra = [[
route[FOUND] {
    $avp(next) = $du;
    $du = $null;
    append_branch("$hdr(X-Append)", "0.1");
    if ($avp(next) != $null) $du = $avp(next);
    t_load_contacts();
    t_next_contacts();
}
route[FAILED] {
    if (t_next_contacts()) {
        t_relay();
        exit;
    }
}
]] })
    local gw, bob, alice = gateway(t, 200), open "bob", open("alice", "udp")
    ways.register(way, bob, { q = "0.9" })
    local call = alice:invite(bob.aor, { headers = ways.headers(way, { { "X-Append", gw.uri } }) })
    refuse(bob, 486)
    alice:expect_final(call, 200)
    gw:expect(1)
end)

-- --- the flow itself ---

-- The phones' connections close while the script sleeps. A connection that Kamailio opened would be refused and logged.
local late = [[
route[FOUND] {
    xlog("L_WARN", "found\n");
    usleep(700000);
}
]]

local function expect_no_connection(t, host)
    for _, word in ipairs { "tcp_do_connect", "tcpconn_finish_connect", "Connection refused", "tcp_send%(%)" } do
        t:equal(table.concat(host:log_lines(word), "\n"), "")
    end
end

test("5626-7.e no connection is opened to a phone whose flow ends between the lookup and the relaying", function(t)
    local host, open = ways.start(t, { children = 4, extra = late })
    local first, second, alice = open "bob", open "bob", open("alice", "udp")
    first:register { instance = ua.instance(1), reg_id = 1, q = "0.9" }
    second:register { instance = ua.instance(1), reg_id = 2, q = "0.5" }
    local call = alice:invite(first.aor)
    host:wait_for_log "found"
    first:close()
    second:reply(second:expect "INVITE", 200)
    alice:expect_final(call, 200)
    expect_no_connection(t, host)
end)

test("5626-7.e ... nor to any of several phones", function(t)
    local host, open = ways.start(t, { children = 4, extra = late })
    local phones, alice = {}, open("alice", "udp")
    for index = 1, 3 do
        phones[index] = open "bob"
        phones[index]:register { instance = ua.instance(index), reg_id = 1 }
    end
    local call = alice:invite(phones[1].aor)
    host:wait_for_log "found"
    for _, phone in ipairs(phones) do
        phone:close()
    end
    alice:expect_final(call, 480)
    expect_no_connection(t, host)
end)

-- --- inside a dialog ---

test("a re-INVITE that the phone refuses goes elsewhere over a new connection", function(t)
    local config = ways.routing:gsub("        t_relay%(%);\n        exit;\n    }\n    t_check_trans", [[
        sip_handle_alias("location");
        if (is_method("INVITE")) t_on_failure("calls");
        t_relay();
        exit;
    }
    t_check_trans]])
    local _, open = ways.start(t, { config = config, extra = voicemail .. [[
onreply_route { sip_add_alias("location"); }
]] })
    local vm, bob, alice = gateway(t, 200), open "bob", open("alice", "udp")
    bob.contact_uri = "sip:bob@192.0.2.7:5060;transport=tcp"
    bob:register { instance = ua.instance(1) }
    local call = alice:invite(bob.aor)
    bob:reply(bob:expect "INVITE", 200)
    local answer = alice:expect_final(call, 200)
    bob:expect "ACK"
    t:match(answer:get "Contact", ";alias=")
    local again = alice:within("INVITE", call, answer, { contact = ("<%s>"):format(alice.contact_uri),
        headers = { { "X-Mail", vm.uri } } })
    refuse(bob, 486)
    alice:expect_final(again, 200)
    t:equal(vm:expect(1).uri, vm.uri)
end)

tap.done()
