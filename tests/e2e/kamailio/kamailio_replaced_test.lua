-- SPDX-License-Identifier: BSD-2-Clause
-- What configurations do around save() and lookup(), with these and with sip_save() and sip_route_flows() in their
-- place: a next hop that t_relay_to_tcp() names, suspended requests, return codes, tm's disable_6xx_block, usrloc's
-- matching_mode.
local certificates = require "certificates"
local peer = require "peer"
local server = require "server"
local tap = require "tap"
local ua = require "ua"
local ways = require "kamailio_ways"

local test = tap.test
local one, two = ua.instance(1), ua.instance(2)

local function for_each_way(title, run)
    for _, way in ipairs(ways.names) do
        test(("%s [%s]"):format(title, way), function(t)
            run(t, way)
        end)
    end
end

local function refuse(phone, status)
    local request = phone:expect "INVITE"
    phone:reply(request, status)
    phone:expect "ACK"
    return request
end

-- A gateway at a port that the configuration names; it refuses calls, and takes other requests.
local function refusing_gateway(t, address)
    return peer.open(t, server.free_port(), function(request)
        return request.method ~= "ACK" and peer.answer(request, request.method == "INVITE" and 404 or 200) or nil
    end, address)
end

-- The private address of a phone behind a NAT.
local private <const> = { udp = "sip:bob@192.168.1.10:5060", tcp = "sip:bob@192.168.1.10:5060;transport=tcp" }

-- --- t_relay_to_tcp() and t_relay_to_udp() ---

local function relay_to(proto, host, port)
    return ('t_on_failure("calls"); if (!t_relay_to_%s("%s", "%d")) xlog("L_ERR", "not relayed\\n"); exit;')
        :format(proto, host, port)
end

for _, transport in ipairs { "udp", "tcp", "tls", "ws", "wss" } do
    for _, proto in ipairs { "udp", "tcp" } do
        for_each_way(("t_relay_to_%s() after the lookup of a phone on %s"):format(proto, transport), function(t, way)
            local gw = refusing_gateway(t)
            local secure = (transport ~= "udp" and transport ~= "tcp")
                and certificates.new(t):sign("default", { names = "DNS:example.test" }) or nil
            local host, open = ways.start(t, { secure = secure,
                extra = "route[FOUND] { " .. relay_to(proto, "127.0.0.1", gw.port) .. " }" })
            local bob, alice = open("bob", transport), open("alice", "udp")
            ways.register(way, bob)
            alice:expect_final(alice:invite(bob.aor, { headers = ways.headers(way) }), 404)
            t:equal(gw:expect(1).uri, bob.contact_uri)
            local sent = alice:request("MESSAGE", { uri = bob.aor, headers = ways.headers(way) })
            alice:expect_final(sent, 200)
            bob:expect_none("INVITE", 50)
            t:equal(#host:log_lines "not relayed", 0)
            if way == "reflow" then
                t:equal(host:statistic "reflow:flows_down", 0)
            end
        end)
    end
end

for_each_way("t_relay_to_tcp() after the lookup: IPv6", function(t, way)
    local gw = refusing_gateway(t, "::1")
    local _, open = ways.start(t, { address = "[::1]",
        extra = "route[FOUND] { " .. relay_to("tcp", "[::1]", gw.port) .. " }" })
    local more = { host = "::1", local_host = "::1" }
    local bob, alice = open("bob", "tcp", more), open("alice", "udp", more)
    ways.register(way, bob)
    alice:expect_final(alice:invite(bob.aor, { headers = ways.headers(way) }), 404)
    t:equal(gw:expect(1).uri, bob.contact_uri)
end)

for_each_way("t_relay_to_tcp() in the failure route, after two busy phones", function(t, way)
    local gw = refusing_gateway(t)
    local _, open = ways.start(t, { failed = 'if (t_check_status("486")) { $ru = "sip:vm@example.test"; $du = $null; '
        .. relay_to("tcp", "127.0.0.1", gw.port) .. " }\n" })
    local desk, cell, alice = open "bob", open "bob", open("alice", "udp")
    ways.register(way, desk)
    ways.register(way, cell)
    local call = alice:invite(desk.aor, { headers = ways.headers(way) })
    local first, second = desk:expect "INVITE", cell:expect "INVITE"
    desk:reply(first, 486)
    cell:reply(second, 486)
    alice:expect_final(call)
    t:equal(gw:expect(1).uri, "sip:vm@example.test")
end)

-- Requests within a dialog go to the gateway, whatever the alias in their Request-URI says.
local within = [[
request_route {
    if (is_method("REGISTER")) {
        if (is_present_hf("X-Stock")) save("stock");
        else sip_save("location");
        exit;
    }
    if (is_method("ACK") || !has_totag()) {
        if (has_totag() && loose_route()) {
            handle_ruri_alias();
            t_relay();
            exit;
        }
        record_route();
        if (is_present_hf("X-Stock")) lookup("stock");
        else sip_route_flows("location");
        t_on_reply("aliased");
        t_relay();
        exit;
    }
    loose_route();
    if (is_present_hf("X-Stock")) handle_ruri_alias();
    else sip_handle_alias("location");
    t_relay_to_tcp("127.0.0.1", "PORT");
}
onreply_route[aliased] {
    if (is_present_hf("X-Stock")) add_contact_alias();
    else sip_add_alias("location");
}
]]

for_each_way("t_relay_to_tcp() within a dialog, after the alias of a phone on tcp", function(t, way)
    local gw = refusing_gateway(t)
    local _, open = ways.start(t, { config = (within:gsub("PORT", gw.port)) })
    local bob, alice = open "bob", open("alice", "udp")
    ways.register(way, bob)
    local call = alice:invite(bob.aor, { headers = ways.headers(way) })
    bob:reply(bob:expect "INVITE", 200, { contact = "<sip:bob@192.168.1.10:5060;transport=tcp>",
        headers = ways.headers(way) })
    local answer = alice:expect_final(call, 200)
    bob:expect "ACK"
    t:match(answer:get "Contact", ";alias=")
    alice:within("BYE", call, answer, { headers = ways.headers(way) })
    t:equal(gw:expect(1).method, "BYE")
    alice:expect(200)
    bob:expect_none("BYE", 50)
end)

test("5626-7.g the end of a branch that t_relay_to_tcp() sent elsewhere costs the phone nothing", function(t)
    local gw = peer.open(t, server.free_port(), function(request)
        return request.method == "INVITE" and peer.answer(request, 430) or nil
    end)
    local host, open = ways.start(t, { extra = "route[FOUND] { " .. relay_to("tcp", "127.0.0.1", gw.port) .. " }" })
    local bob, alice = open "bob", open("alice", "udp")
    bob:register { instance = one, reg_id = 1 }
    local call = alice:invite(bob.aor)
    gw:expect(1)
    refuse(bob, 486)
    alice:expect_final(call, 486)
    t:equal(#alice:bindings(bob.aor), 1)
    t:equal(host:statistic "reflow:bindings_dropped", 0)
end)

local ack_elsewhere = [[
request_route {
    if (is_method("REGISTER")) {
        if (is_present_hf("X-Stock")) save("stock");
        else sip_save("location");
        exit;
    }
    if (is_present_hf("X-Stock")) handle_ruri_alias();
    else sip_handle_alias("location");
    t_relay_to_tcp("127.0.0.1", "GATEWAY");
}
]]

for_each_way("t_relay_to_tcp() opens a connection for an ACK whose Request-URI has an alias", function(t, way)
    local gw = refusing_gateway(t)
    local _, open = ways.start(t, { config = ack_elsewhere:gsub("GATEWAY", gw.port) })
    local bob, alice = open "bob", open("alice", "udp")
    ways.register(way, bob)
    alice:request("ACK", { headers = ways.headers(way),
        uri = ("sip:bob@192.168.1.10:5060;transport=tcp;alias=127.0.0.1~%d~2"):format(bob.local_port) })
    t:equal(gw:expect(1).method, "ACK")
    t:equal(#bob.inbox, 0)
end)

-- --- clear_branches() ---

for _, transport in ipairs { "udp", "tcp" } do
    for_each_way("a script that calls a gateway in place of the phones: " .. transport, function(t, way)
        local gw = refusing_gateway(t)
        local _, open = ways.start(t, { extra = ([[
route[FOUND] {
    clear_branches();
    $ru = "sip:vm@127.0.0.1:%d;transport=tcp";
    $du = $null;
}
]]):format(gw.port) })
        local phones, alice = { open("bob", transport), open("bob", transport) }, open("alice", "udp")
        for index, phone in ipairs(phones) do
            ways.register(way, phone, { instance = ua.instance(index) })
        end
        alice:expect_final(alice:invite(phones[1].aor, { headers = ways.headers(way) }), 404)
        gw:expect(1)
        t:equal(#phones[1].inbox + #phones[2].inbox, 0)
    end)
end

-- The phones are cleared, and the gateway is called in their place; it sends `status`.
for _, transport in ipairs { "udp", "tcp" } do
    for _, status in ipairs { 404, 430 } do
        for title, q in pairs { ["one class"] = "0.9", ["two classes"] = "0.5" } do
            for_each_way(("after clear_branches() no phone is called when the gateway sends %d: %s, %s"):format(status,
                title, transport), function(t, way)
                local gw = peer.open(t, server.free_port(), function(request)
                    return request.method == "INVITE" and peer.answer(request, status) or nil
                end)
                local _, open = ways.start(t, { extra = ([[
route[FOUND] {
    clear_branches();
    $ru = "sip:vm@127.0.0.1:%d;transport=tcp";
    $du = $null;
}
]]):format(gw.port) })
                local desk, cell, alice = open("bob", transport), open("bob", transport), open("alice", "udp")
                ways.register(way, desk, { instance = one, reg_id = 1, q = "0.9" })
                ways.register(way, cell, { instance = two, reg_id = 1, q = q })
                local answer = alice:expect_final(alice:invite(desk.aor, { headers = ways.headers(way) }))
                t:equal(answer.status, (status == 430 and way == "reflow") and 480 or status)
                gw:expect(1)
                desk:expect_none("INVITE", 50)
                t:equal(#desk.inbox + #cell.inbox, 0)
                t:equal(#desk:register { contact = false, instance = false,
                    headers = ways.headers(way) }:values "Contact", 2)
            end)
        end
    end
end

for _, q in ipairs { "0.9", "0.5" } do
    for_each_way("after clear_branches() no phone is called when the gateway has no address: q " .. q, function(t, way)
        local _, open = ways.start(t, { extra = [[
route[FOUND] {
    clear_branches();
    $ru = "sip:vm@[::1]:9;transport=tcp";
    $du = $null;
}
]] })
        local desk, cell, alice = open("bob", "udp"), open("bob", "udp"), open("alice", "udp")
        ways.register(way, desk, { instance = one, q = "0.9" })
        ways.register(way, cell, { instance = two, q = q })
        local answer = alice:expect_final(alice:invite(desk.aor, { headers = ways.headers(way) }))
        t:match(tostring(answer.status), "^[45]")
        desk:expect_none("INVITE", 50)
        t:equal(#desk.inbox + #cell.inbox, 0)
    end)
end

-- --- suspended requests ---

local function start_suspending(t, options)
    options.more, options.core = { "async" }, "async_workers=2"
    return ways.start(t, options)
end

local suspended_register = [[
route[SAVE] {
    t_newtran();
    async_task_route("SAVED");
    exit;
}
route[SAVED] {
    if (is_present_hf("X-Stock")) save("stock");
    else sip_save("location");
}
]]

for _, transport in ipairs { "udp", "tcp" } do
    for_each_way("a REGISTER that was suspended is saved: " .. transport, function(t, way)
        local host, open = start_suspending(t, { extra = suspended_register })
        local bob, alice = open("bob", transport), open("alice", "udp")
        local contact = "sip:bob@192.168.1.10:5060" .. (transport == "tcp" and ";transport=tcp" or "")
        t:equal(#ways.register(way, bob, { contact_uri = contact }):values "Contact", 1)
        local call = alice:invite(bob.aor, { headers = ways.headers(way) })
        bob:reply(bob:expect "INVITE", 200)
        alice:expect_final(call, 200)
        t:equal(#ways.register(way, bob, { contact_uri = contact, expires = 0 }):values "Contact", 0)
        t:equal(#host:log_lines "ERROR", 0)
    end)
end

-- Requests within a dialog are suspended before they are routed.
local suspended_dialog = [[
request_route {
    if (is_method("CANCEL")) {
        if (t_check_trans()) t_relay();
        exit;
    }
    if (is_method("ACK")) {
        if (is_present_hf("X-Stock")) loose_route();
        else if (sip_loose_route()) sip_handle_alias("location");
        t_relay();
        exit;
    }
    if (has_totag()) {
        t_newtran();
        async_task_route("WITHIN");
        exit;
    }
    t_check_trans();
    if (is_method("REGISTER")) {
        if (is_present_hf("X-Stock")) save("stock");
        else sip_save("location");
        exit;
    }
    if (is_present_hf("X-Stock")) {
        record_route();
        lookup("stock");
    } else {
        sip_record_route();
        sip_route_flows("location");
        t_on_failure("calls");
    }
    t_relay();
}
route[WITHIN] {
    if (is_present_hf("X-Stock")) {
        loose_route();
    } else if (!sip_loose_route() || !sip_handle_alias("location")) {
        t_reply("481", "Call/Transaction Does Not Exist");
        exit;
    }
    t_relay();
}
failure_route[calls] { sip_on_failure(); }
]]

for _, transport in ipairs { "udp", "tcp" } do
    for_each_way("a request within a dialog that was suspended is routed: " .. transport, function(t, way)
        local host, open = start_suspending(t, { config = suspended_dialog })
        local bob, alice = open("bob", transport), open("alice", transport)
        ways.register(way, bob)
        local call = alice:invite(bob.aor, { headers = ways.headers(way) })
        bob:reply(bob:expect "INVITE", 200)
        local answer = alice:expect(200)
        alice:within("ACK", call, answer, { headers = ways.headers(way) })
        bob:expect "ACK"
        alice:within("BYE", call, answer, { headers = ways.headers(way) })
        bob:reply(bob:expect "BYE", 200)
        alice:expect(200)
        t:equal(#host:log_lines "ERROR", 0)
    end)
end

-- --- blocks ---

-- A REGISTER that the central registrar does not take is saved here.
local central = [[
route[SAVE] {
    if (!is_present_hf("X-Central")) return;
    $du = $hdr(X-Central);
    t_on_failure("saved_here");
    t_relay();
    exit;
}
failure_route[saved_here] {
    if (is_present_hf("X-Stock")) save("stock");
    else sip_save("location");
}
]]

for _, transport in ipairs { "udp", "tcp" } do
    for_each_way("a REGISTER is saved in a failure route: " .. transport, function(t, way)
        local _, open = ways.start(t, { extra = central })
        local upstream = peer.open(t, server.free_port(), function(request)
            return peer.answer(request, 500)
        end)
        local bob, alice = open("bob", transport), open("alice", "udp")
        local answer = ways.register(way, bob, { contact_uri = private[transport], headers = {
            { "X-Central", ("sip:127.0.0.1:%d;transport=%s"):format(upstream.port, transport) } } })
        t:equal(#answer:values "Contact", 1)
        upstream:expect(1)
        local call = alice:invite(bob.aor, { headers = ways.headers(way) })
        t:equal(refuse(bob, 486).uri, private[transport])
        alice:expect_final(call, 486)
    end)
end

local branch_alias = [[
route[BRANCH] {
    if (is_present_hf("X-Stock")) {
        add_contact_alias();
    } else {
        sip_add_alias("location");
        sip_add_alias("location");
    }
}
]]

for_each_way("the caller's Contact gets its alias in the branch route, in each branch once", function(t, way)
    local _, open = ways.start(t, { extra = branch_alias, failed = [[
    if (t_check_status("486")) {
        $ru = $hdr(X-Mail);
        $du = $null;
        t_on_branch("each");
        t_relay();
        exit;
    }
]] })
    local gw = refusing_gateway(t)
    local desk, cell, alice = open("bob", "udp"), open("bob", "udp"), open("alice", "udp")
    ways.register(way, desk, { instance = one })
    ways.register(way, cell, { instance = two })
    local call = alice:invite(desk.aor, { contact = "<sip:alice@192.168.1.9:5060>",
        headers = ways.headers(way, { { "X-Mail", ("sip:vm@127.0.0.1:%d"):format(gw.port) } }) })
    local expected = ("<sip:alice@192.168.1.9:5060;alias=127.0.0.1~%d~1>"):format(alice.local_port)
    local first, second = desk:expect "INVITE", cell:expect "INVITE"
    t:equal(first:get "Contact", expected)
    t:equal(second:get "Contact", expected)
    desk:reply(first, 486)
    cell:reply(second, 486)
    alice:expect_final(call)
    t:equal(gw:expect(1):get "Contact", expected)
end)

-- --- what save() and sip_save() return ---

local returned = [[
route[SAVE] {
    if (is_present_hf("X-Stock")) $var(rc) = save("stock");
    else $var(rc) = sip_save("location");
    xlog("L_WARN", "saved with $var(rc)\n");
    exit;
}
]]

for_each_way("the return code says what a REGISTER has done", function(t, way)
    local host, open = ways.start(t, { extra = returned, params = { { "registrar", "max_contacts", 2 },
        { "reflow", "max_contacts", 2 } } })
    local bob = open("bob", "udp")
    local place = 1
    local function returns(code, options)
        options.supported, options.expect = false, false
        ways.register(way, bob, options)
        local _, stop, got = host:wait_for_log("saved with (%-?%d+)", nil, place)
        place = stop
        t:equal(tonumber(got), code)
    end
    returns(4, { contact = false })
    returns(1, {})
    returns(2, {})
    returns(4, { contact = false })
    returns(1, { contact_uri = "sip:bob@192.0.2.1" })
    returns(-2, { contact_uri = "sip:bob@192.0.2.2" })
    returns(3, { expires = 0 })
    returns(1, { expires = 0 })
    returns(3, { contact = "*", expires = 0 })
    returns(1, { instance = one, contact_uri = "sip:bob@192.0.2.1" })
    returns(2, { instance = one, contact_uri = "sip:bob@192.0.2.2" })
    returns(2, { instance = one, contact_uri = "sip:bob@192.0.2.2", call_id = "other" })
    returns(1, { contact = "<sip:a@192.0.2.3>" })
    returns(-1, { contact = "<bad" })
    returns(3, { instance = one, contact_uri = "sip:bob@192.0.2.2", call_id = "third", expires = 0 })
end)

test("the return code of a flow that comes, is refreshed, moves and goes", function(t)
    local host, open = ways.start(t, { extra = returned })
    local place = 1
    local function returns(code, phone, options)
        options.instance, options.reg_id = one, 1
        phone:register(options)
        local _, stop, got = host:wait_for_log("saved with (%-?%d+)", nil, place)
        place = stop
        t:equal(tonumber(got), code)
    end
    local first, second = open "bob", open "bob"
    returns(1, first, {})
    returns(2, first, {})
    returns(2, second, {})
    returns(3, second, { expires = 0 })
end)

-- --- 6xx as any other response ---

local plain_6xx = {
    ["the parameter disable_6xx_block"] = { params = { { "tm", "disable_6xx_block", 1 } } },
    ["t_set_disable_6xx()"] = { extra = 'route[FOUND] { t_set_disable_6xx("1"); }' },
}
for title, options in pairs(plain_6xx) do
    for_each_way("a phone that declines does not stop the others, by " .. title, function(t, way)
        local _, open = ways.start(t, options)
        local desk, cell, alice = open "bob", open("bob", "udp"), open("alice", "udp")
        ways.register(way, desk, { instance = one })
        ways.register(way, cell, { instance = two })
        local call = alice:invite(desk.aor, { headers = ways.headers(way) })
        local ringing, declined = cell:expect "INVITE", desk:expect "INVITE"
        cell:reply(ringing, 180)
        alice:expect(180)
        desk:reply(declined, 603)
        desk:expect "ACK"
        cell:expect_none("CANCEL", 100)
        cell:reply(ringing, 200)
        alice:expect_final(call, 200)
    end)

    for_each_way("the caller hears the 6xx when all have refused, by " .. title, function(t, way)
        local _, open = ways.start(t, options)
        local desk, cell, alice = open "bob", open("bob", "udp"), open("alice", "udp")
        ways.register(way, desk, { instance = one })
        ways.register(way, cell, { instance = two })
        local call = alice:invite(desk.aor, { headers = ways.headers(way) })
        local ringing = cell:expect "INVITE"
        refuse(desk, 603)
        cell:reply(ringing, 486)
        alice:expect_final(call, 603)
    end)

    test("a phone that declines does not keep the next class from ringing, by " .. title, function(t)
        local _, open = ways.start(t, options)
        local desk, cell, alice = open "bob", open("bob", "udp"), open("alice", "udp")
        desk:register { instance = one, q = "0.9" }
        cell:register { instance = two, q = "0.5" }
        local call = alice:invite(desk.aor)
        refuse(desk, 600)
        cell:reply(cell:expect "INVITE", 200)
        t:equal(alice:expect_final(call).status, 200)
    end)
end

test("3261-16.7.d without them a 6xx ends the search", function(t)
    local _, open = ways.start(t)
    local desk, cell, alice = open "bob", open("bob", "udp"), open("alice", "udp")
    desk:register { instance = one, q = "0.9" }
    cell:register { instance = two, q = "0.5" }
    local call = alice:invite(desk.aor)
    refuse(desk, 603)
    alice:expect_final(call, 603)
    cell:expect_none("INVITE", 50)
    t:equal(#cell.inbox, 0)
end)

-- --- usrloc's matching_mode ---

local function start_matching(t, mode)
    return ways.start(t, { params = { { "usrloc", "matching_mode", mode }, { "registrar", "use_path", 1 } } })
end

for mode, bindings in pairs { [0] = 1, [1] = 2, [2] = 1, [3] = 2 } do
    for _, transport in ipairs { "udp", "tcp" } do
        for_each_way(("two phones with the same Contact, matching_mode %d: %s"):format(mode, transport),
            function(t, way)
                local _, open = start_matching(t, mode)
                local home, office, alice = open("bob", transport), open("bob", transport), open("alice", "udp")
                local contact = { contact_uri = private[transport], supported = false }
                ways.register(way, home, contact)
                t:equal(#ways.register(way, office, contact):values "Contact", bindings)
                local call = alice:invite(home.aor, { headers = ways.headers(way) })
                refuse(office, 486)
                if bindings == 2 then
                    refuse(home, 486)
                end
                alice:expect_final(call, 486)
                home:expect_none("INVITE", 50)
                -- A refresh finds its own binding, and so does a removal.
                t:equal(#ways.register(way, office, contact):values "Contact", bindings)
                contact.expires = 0
                t:equal(#ways.register(way, office, contact):values "Contact", bindings - 1)
            end)
    end
end

for_each_way("a new Contact with the same Call-ID replaces the old one, matching_mode 3", function(t, way)
    local _, open = start_matching(t, 3)
    local bob = open("bob", "udp")
    ways.register(way, bob, { supported = false })
    t:equal(#ways.register(way, bob, { supported = false, contact_uri = private.udp }):values "Contact", 1)
end)

for_each_way("two phones with the same Contact behind two edges, matching_mode 2", function(t, way)
    local _, open = start_matching(t, 2)
    local bob, first, second, alice = open("bob", "udp"), open("e1", "udp"), open("e2", "udp"), open("alice", "udp")
    for index, edge in ipairs { first, second } do
        local answer = ways.register(way, bob, { supported = "path", contact_uri = private.udp,
            call_id = "phone" .. index, headers = { { "Path", ("<sip:127.0.0.1:%d;lr>"):format(edge.local_port) } } })
        t:equal(#answer:values "Contact", index)
    end
    local call = alice:invite(bob.aor, { headers = ways.headers(way) })
    local ringing = { first:expect "INVITE", second:expect "INVITE" }
    first:reply(ringing[1], 486)
    second:reply(ringing[2], 486)
    alice:expect_final(call, 486)
end)

-- --- fix_nated_register() ---

for _, transport in ipairs { "udp", "tcp" } do
    for_each_way("a phone behind a proxy that adds no Path is called through the proxy: " .. transport, function(t, way)
        local _, open = ways.start(t)
        local proxy, alice = open("proxy", transport), open("alice", "udp")
        ways.register(way, proxy, { aor = "sip:bob@example.test", contact_uri = private[transport], supported = false,
            via = { proxy:via "z9hG4bKproxy", "SIP/2.0/UDP 192.168.1.10:5060;branch=z9hG4bKphone" } })
        local call = alice:invite("sip:bob@example.test", { headers = ways.headers(way) })
        t:equal(refuse(proxy, 486).uri, private[transport])
        alice:expect_final(call, 486)
    end)
end

-- --- equal Contacts of several users ---

local group = [[
route[BEGIN] {
    if (!is_method("INVITE")) return;
    if (is_present_hf("X-Stock")) {
        $ru = "sip:bob@example.test";
        lookup("stock");
        lookup_to_dset("stock", "sip:carol@example.test");
    } else {
        sip_route_flows("location", "sip:bob@example.test");
        sip_route_flows("location", "sip:carol@example.test");
        t_on_failure("calls");
    }
    t_relay();
    exit;
}
]]

for_each_way("two users of a ring group have the same Contact behind two edges", function(t, way)
    local _, open = ways.start(t, { extra = group, params = { { "registrar", "use_path", 1 } } })
    local first, second, alice = open("e1", "udp"), open("e2", "udp"), open("alice", "udp")
    for user, edge in pairs { bob = first, carol = second } do
        ways.register(way, open(user, "udp"), { supported = "path", contact_uri = "sip:line1@192.168.1.10",
            headers = { { "Path", ("<sip:127.0.0.1:%d;lr>"):format(edge.local_port) } } })
    end
    local call = alice:invite("sip:group@example.test", { headers = ways.headers(way) })
    local ringing = { first:expect "INVITE", second:expect "INVITE" }
    first:reply(ringing[1], 180)
    alice:expect(180)
    second:reply(ringing[2], 200)
    alice:expect_final(call, 200)
    t:equal(first:expect("CANCEL").method, "CANCEL")
end)

tap.done()
