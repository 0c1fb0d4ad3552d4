-- SPDX-License-Identifier: BSD-2-Clause
-- A branch that the branch route drops: other flows and targets of the call are tried, its flow stays registered, and
-- without any target the caller hears 480.
local certificates = require "certificates"
local edges = require "kamailio_edge"
local kamailio = require "kamailio"
local peer = require "peer"
local server = require "server"
local tap = require "tap"
local ua = require "ua"
local ways = require "kamailio_ways"

local test = tap.test
local one, two = ua.instance(1), ua.instance(2)
local drop = [[
route[BRANCH] { if ($rU =~ "^refused") drop; }
]]

local function start(t, options)
    options = options or {}
    options.extra = drop .. (options.extra or "")
    return ways.start(t, options)
end

-- Registers a phone of bob's whose branches are dropped.
local function register_refused(phone, options)
    options = options or {}
    options.contact_uri = phone.contact_uri:gsub("^sip:", "sip:refused")
    phone:register(options)
    return options.contact_uri
end

local refuse = ua.refuse

-- No flow has been taken for dead.
local function stays_registered(t, s, count)
    local _, found = (s:rpc "reflow.flows" or ""):gsub("alive: ", "")
    t:equal(found, count)
    t:equal(s:statistic "reflow:flows_down", 0)
end

for _, transport in ipairs { "udp", "tcp", "tls", "ws", "wss" } do
    for _, q in ipairs { "1.0", "0.5" } do
        test(("a phone whose branch is dropped stays registered, q %s: %s"):format(q, transport), function(t)
            local s, open = start(t, { secure = (transport ~= "udp" and transport ~= "tcp")
                and certificates.new(t):sign("default", { names = "DNS:example.test" }) or nil })
            local bob, desk, alice = open("bob", transport), open("bob", transport), open("alice", "udp")
            desk:register { instance = one, reg_id = 1, q = "1.0" }
            register_refused(bob, { instance = two, reg_id = 1, q = q })
            local call = alice:invite(bob.aor)
            refuse(desk, 486)
            alice:expect_final(call, 486)
            bob:expect_none("INVITE", 50)
            stays_registered(t, s, 2)
            -- It is called again as soon as the script lets it pass.
            bob:register { instance = two, reg_id = 1, q = "1.0" }
            call = alice:invite(bob.aor)
            bob:reply(bob:expect "INVITE", 200)
            alice:expect_final(call, 200)
        end)
    end
end

for _, way in ipairs(ways.names) do
    test(("a target with a lower q is called if the first one is dropped [%s]"):format(way), function(t)
        local _, open = start(t)
        local first, second, alice = open "bob", open("bob", "udp"), open("alice", "udp")
        register_refused(first, { q = "1.0", headers = ways.headers(way) })
        ways.register(way, second, { q = "0.5" })
        local call = alice:invite(first.aor, { headers = ways.headers(way) })
        local invite = second:expect "INVITE"
        second:reply(invite, 180)
        alice:expect(180)
        second:reply(invite, 200)
        alice:expect_final(call, 200)
        first:expect_none("INVITE", 50)
    end)
end

for _, others in ipairs { 0, 1 } do
    test(("the other flow of a phone is called if the first one is dropped, beside %d phones"):format(others),
        function(t)
            local s, open = start(t)
            local first, second, alice = open "bob", open "bob", open("alice", "udp")
            local desk = open "bob"
            register_refused(first, { instance = one, reg_id = 1, q = "1.0" })
            second:register { instance = one, reg_id = 2, q = "0.9" }
            if others > 0 then
                desk:register { instance = two, reg_id = 1, q = "1.0" }
            end
            local call = alice:invite(first.aor)
            if others > 0 then
                desk:reply(desk:expect "INVITE", 180)
                alice:expect(180)
            end
            local invite = second:expect "INVITE"
            second:reply(invite, 200)
            alice:expect_final(call, 200)
            if others > 0 then
                desk:expect "CANCEL"
            end
            stays_registered(t, s, 2 + others)
        end)
end

for _, transport in ipairs { "udp", "tcp" } do
    test("after msg_apply_changes() too a branch is the module's: the next flow, and a branch that is dropped: "
        .. transport, function(t)
        local s, open = start(t, { core = "tcp_clone_rcvbuf=1", more = { "textopsx" },
            extra = "route[FOUND] { msg_apply_changes(); }\n" })
        local first, second, alice = open("bob", transport), open("bob", transport), open("alice", "udp")
        first:register { instance = one, reg_id = 1, q = "1.0" }
        second:register { instance = one, reg_id = 2, q = "0.5" }
        local call = alice:invite(first.aor)
        refuse(first, 430)
        refuse(second, 486)
        alice:expect_final(call, 486)
        first:expect_bindings(first.aor, 1)
        register_refused(first, { instance = one, reg_id = 1, q = "1.0" })
        call = alice:invite(first.aor)
        refuse(second, 486)
        alice:expect_final(call, 486)
        first:expect_none("INVITE", 50)
        t:equal(s:statistic "reflow:failovers", 2)
    end)
end

test("a name that is not found does not hold up a target with a lower q; alone it is 478", function(t)
    -- Otherwise the phone behind the proxy is called through the proxy, and not by its Contact.
    local s, open = start(t, { core = "dns_try_ipv6=no\ndns_try_naptr=no",
        extra = "route[SAVE] { $avp(RECEIVED) = $null; }\n" })
    local desk, alice = open("bob", "udp"), open("alice", "udp")
    -- 1: the name does not exist.
    assert(s:rpc("dns.add_a", "gone.example.net", 3600, "192.0.2.1", 1))
    desk:register { q = "0.5" }
    desk:register { contact_uri = "sip:bob@gone.example.net:5060", q = "1.0", call_id = "behind-a-proxy",
        via = { desk:via "z9hG4bKabove", "SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKbelow" } }
    local call = alice:invite(desk.aor)
    local invite = desk:expect "INVITE"
    desk:reply(invite, 200)
    alice:expect_final(call, 200)
    desk:register { expires = 0 }
    alice:expect_final(alice:invite(desk.aor), 478)
end)

test("all branches are dropped: 480; a request other than an INVITE likewise", function(t)
    local s, open = start(t)
    local bob, desk, alice = open("bob", "udp"), open "bob", open("alice", "udp")
    register_refused(bob, { q = "1.0" })
    register_refused(desk, { instance = one, reg_id = 1, q = "0.5" })
    alice:expect_final(alice:invite(bob.aor), 480)
    alice:expect_final(alice:request("MESSAGE", { uri = bob.aor }), 480)
    t:equal(#s:log_lines "ERROR", 0)
    stays_registered(t, s, 2)
end)

local relayed = ways.routing:gsub("    t_relay%(%);\n}\nbranch_route", function()
    return "    if (!t_relay()) route(NOT_SENT);\n}\nbranch_route"
end)

test("a script that answers after t_relay() has failed decides: the call ends there", function(t)
    local answers = { { 'sl_send_reply("404", "Not Found");', 404 }, { 't_reply("603", "Decline");', 603 } }
    if kamailio.version() < 600 then -- that of 6.0 leaves the response to tm, and the other target is called
        answers[#answers + 1] = { "sl_reply_error();", 500 }
    end
    for _, each in ipairs(answers) do
        local _, open = start(t, { config = relayed, extra = ("route[NOT_SENT] { %s }\n"):format(each[1]) })
        local first, second, alice = open "bob", open("bob", "udp"), open("alice", "udp")
        register_refused(first, { q = "1.0" })
        second:register { q = "0.5" }
        alice:expect_final(alice:invite(first.aor), each[2])
        second:expect_none("INVITE", 100)
    end
end)

if kamailio.version() >= 600 then
    test("sl_reply_error() after t_relay() has failed leaves the call to its other targets", function(t)
        local _, open = start(t, { config = relayed, extra = "route[NOT_SENT] { sl_reply_error(); }\n" })
        local first, second, alice = open "bob", open("bob", "udp"), open("alice", "udp")
        register_refused(first, { q = "1.0" })
        second:register { q = "0.5" }
        local call = alice:invite(first.aor)
        second:reply(second:expect "INVITE", 200)
        alice:expect_final(call, 200)
    end)
end

test("a script that sends the call elsewhere after t_relay() has failed decides", function(t)
    local voicemail = peer.open(t, server.free_port(), function(request)
        return request.method == "INVITE" and peer.answer(request, 486) or nil
    end)
    local extra = ('route[NOT_SENT] { $ru = "sip:vm@127.0.0.1:%d;transport=tcp"; $du = $null; t_relay(); }\n'):format(
        voicemail.port)
    local _, open = start(t, { config = relayed, extra = extra })
    local first, second, alice = open "bob", open "bob", open("alice", "udp")
    register_refused(first, { instance = one, reg_id = 1, q = "1.0" })
    second:register { instance = one, reg_id = 2, q = "0.5" }
    local call = alice:invite(first.aor)
    alice:expect_final(call, 486)
    t:equal(voicemail:expect(2).method, "ACK")
    t:equal(#second.inbox, 0)
end)

for _, transport in ipairs { "udp", "tcp" } do
    for _, way in ipairs(ways.names) do
        test(("a script that sends the call elsewhere after the lookup: ACK follows, %s [%s]"):format(transport, way),
            function(t)
                local voicemail = peer.open(t, server.free_port(), function(request)
                    return request.method == "INVITE" and peer.answer(request, 486) or nil
                end)
                local extra = ('route[FOUND] { $ru = "sip:vm@127.0.0.1:%d;transport=tcp"; $du = $null; }\n'):format(
                    voicemail.port)
                local s, open = start(t, { extra = extra })
                local bob, alice = open("bob", transport), open("alice", "udp")
                ways.register(way, bob, { instance = one, reg_id = 1 })
                local call = alice:invite(bob.aor, { headers = ways.headers(way) })
                alice:expect_final(call, 486)
                t:equal(voicemail:expect(2).method, "ACK")
                t:equal(#bob.inbox, 0)
                t:match(s:rpc("ul.lookup", way == "stock" and "stock" or "location", "bob"), "Contact")
            end)
    end
end

-- edge.cfg with a branch route that drops the branches to phones.
local function refusing_edge(t)
    local file <close> = assert(io.open "examples/kamailio/edge.cfg")
    local text, count = file:read("a"):gsub('    t_on_failure%("FLOW"%);\n', '%0    t_on_branch("REFUSE");\n')
    assert(count == 1)
    local path = server.temporary ".cfg"
    t:defer(function()
        os.remove(path)
    end)
    server.write(path, text .. "branch_route[REFUSE] { drop; }\n")
    return path
end

test("an edge whose script drops the branch over a flow answers 480, and not that the flow is gone", function(t)
    local s, registrar, open = edges.start(t, { config = refusing_edge(t) })
    local bob = open("bob", { transport = "tcp" })
    local path = edges.path_of(edges.register(bob, registrar))
    registrar:expect_final(edges.to_phone(registrar, bob, path), 480)
    t:equal(s:statistic "reflow:tokens_dead", 0)
end)

tap.done()
