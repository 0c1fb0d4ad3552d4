-- SPDX-License-Identifier: BSD-2-Clause
-- Accounting beside the module: one record of each unanswered call, as with lookup(), and what scripts see of the
-- response in a failure route.
local peer = require "peer"
local server = require "server"
local tap = require "tap"
local ua = require "ua"
local wait = require "wait"
local ways = require "kamailio_ways"

local test = tap.test
local one, two = ua.instance(1), ua.instance(2)

local params = { { "acc", "log_flag", 1 }, { "acc", "log_missed_flag", 2 }, { "acc", "failed_transaction_flag", 3 } }
local flags = "route[BEGIN] { if (is_method(\"INVITE\")) { setflag(1); setflag(2); setflag(3); } }\n"

local function start(t, options)
    options = options or {}
    return ways.start(t, { more = { "acc" }, params = params, fr_timer = options.fr_timer, failed = options.failed,
        extra = flags .. (options.extra or "") })
end

local refuse = ua.refuse

-- Lines of accounting about this call: codes of missed calls, and of transactions that have failed or were answered.
local function records(host, call)
    local missed, answered, id = {}, {}, call:get "Call-ID"
    for line in host.log:gmatch "[^\n]+" do
        if line:find("call_id=" .. id .. ";", 1, true) then
            local list = line:find("call missed:", 1, true) and missed or answered
            list[#list + 1] = line:match ";code=(%d+)"
        end
    end
    return table.concat(missed, " "), table.concat(answered, " ")
end

-- tm frees the transaction after all of its callbacks.
local function records_at_end(host, call)
    wait.until_true(ua.patience, function()
        return host:rpc("tm.stats"):match "current: (%d+)" == "0"
    end)
    return records(host, call)
end

local for_each_way = ways.for_each

for_each_way("a call that nobody answers is missed once: 408", function(t, way)
    local host, open = start(t, { fr_timer = 1000 })
    local bob, alice = open("bob", "udp"), open("alice", "udp")
    ways.register(way, bob)
    local call = alice:invite(bob.aor, { headers = ways.headers(way) })
    alice:expect_final(call, 408)
    local missed, answered = records_at_end(host, call)
    t:equal(missed, "408")
    t:equal(answered, "408")
end)

for _, status in ipairs { 486, 404, 603, 480, 401 } do
    for_each_way(("a call that is refused with %d is missed once"):format(status), function(t, way)
        local host, open = start(t)
        local bob, alice = open "bob", open("alice", "udp")
        ways.register(way, bob)
        local call = alice:invite(bob.aor, { headers = ways.headers(way) })
        refuse(bob, status)
        alice:expect_final(call, status)
        local missed, answered = records_at_end(host, call)
        t:equal(missed, tostring(status))
        t:equal(answered, tostring(status))
    end)
end

for_each_way("a 503, which goes upstream as 500, is missed once", function(t, way)
    local host, open = start(t)
    local bob, alice = open "bob", open("alice", "udp")
    ways.register(way, bob)
    local call = alice:invite(bob.aor, { headers = ways.headers(way) })
    refuse(bob, 503)
    alice:expect_final(call, 500)
    local missed, answered = records_at_end(host, call)
    t:equal(missed, "503")
    t:equal(answered, "500")
end)

for_each_way("a cancelled call is missed once", function(t, way)
    local host, open = start(t)
    local bob, alice = open "bob", open("alice", "udp")
    ways.register(way, bob)
    local call = alice:invite(bob.aor, { headers = ways.headers(way) })
    local request = bob:expect "INVITE"
    bob:reply(request, 180)
    alice:expect(180)
    alice:cancel(call)
    bob:reply(bob:expect "CANCEL", 200)
    bob:reply(request, 487)
    alice:expect_final(call, 487)
    t:equal((records_at_end(host, call)), "487")
end)

test("5626-11.5.a a call whose flows are all dead is missed once, with what the caller heard", function(t)
    local host, open = start(t)
    local bob, alice = open "bob", open("alice", "udp")
    bob:register { instance = one, reg_id = 1 }
    local call = alice:invite(bob.aor)
    refuse(bob, 430)
    alice:expect_final(call, 480)
    local missed, answered = records_at_end(host, call)
    t:equal(missed, "480")
    t:equal(answered, "480")
end)

test("5626-7.h a call whose flow closes is missed once", function(t)
    local host, open = start(t)
    local bob, alice = open "bob", open("alice", "udp")
    bob:register { instance = one, reg_id = 1 }
    local call = alice:invite(bob.aor)
    bob:expect "INVITE"
    bob:close()
    alice:expect_final(call, 480)
    t:equal((records_at_end(host, call)), "480")
end)

test("5626-11.5.b a call that was refused by one phone and lost on another is missed once", function(t)
    local host, open = start(t)
    local desk, cell, alice = open "bob", open "bob", open("alice", "udp")
    desk:register { instance = one, reg_id = 1 }
    cell:register { instance = two, reg_id = 1 }
    local call = alice:invite(desk.aor)
    refuse(desk, 486)
    refuse(cell, 430)
    alice:expect_final(call, 486)
    local missed, answered = records_at_end(host, call)
    t:equal(missed, "486")
    t:equal(answered, "486")
end)

test("5626-7.b a call that another flow takes is not missed", function(t)
    local host, open = start(t)
    local first, second, alice = open "bob", open "bob", open("alice", "udp")
    first:register { instance = one, reg_id = 1, q = "0.9" }
    second:register { instance = one, reg_id = 2, q = "0.5" }
    local call = alice:invite(first.aor)
    refuse(first, 430)
    second:reply(second:expect "INVITE", 200)
    alice:expect_final(call, 200)
    local missed, answered = records_at_end(host, call)
    t:equal(missed, "")
    t:equal(answered, "200")
end)

test("a call that a policy fails is missed once", function(t)
    local path = server.temporary ".lua"
    server.write(path, 'require "reflow" sip_on_response(486, function() return sip_fail(404) end)')
    t:defer(function()
        os.remove(path)
    end)
    local more = { table.unpack(params) }
    more[#more + 1] = { "reflow", "policy", path }
    local host, open = ways.start(t, { more = { "acc" }, params = more, extra = flags })
    local bob, alice = open "bob", open("alice", "udp")
    bob:register { instance = one, reg_id = 1 }
    local call = alice:invite(bob.aor)
    refuse(bob, 486)
    alice:expect_final(call, 404)
    local missed = records_at_end(host, call)
    t:ok(#missed == 3, missed)
end)

-- Accounting and the module hear of a failure in the order in which they have registered.
for title, begin in pairs { ["without a failure route"] = "", ["of a transaction that exists"] = "t_newtran();" } do
    for _, status in ipairs { 430, 503, 486 } do
        test(("a call %s that is refused with %d is missed once"):format(title, status), function(t)
            local config = ways.routing:gsub('    t_on_failure%("calls"%);\n', begin == "" and "" or "%0")
            local host, open = ways.start(t, { more = { "acc" }, params = params, config = config,
                extra = (flags:gsub("setflag%(3%); }", "%0 " .. begin)) })
            local bob, alice = open "bob", open("alice", "udp")
            bob:register { instance = one, reg_id = 1 }
            local call = alice:invite(bob.aor)
            refuse(bob, status)
            alice:expect_final(call)
            local missed = records_at_end(host, call)
            t:ok(#missed == 3 and missed ~= "430", missed)
        end)
    end
end

-- --- what the failure route sees ---

local function gateway(t)
    local port = server.free_port()
    local made = peer.open(t, port, function(request)
        return request.method ~= "ACK" and peer.answer(request, 200,
            { { "Contact", ("<sip:vm@127.0.0.1:%d;transport=tcp>"):format(port) } }) or nil
    end)
    made.uri = ("sip:vm@127.0.0.1:%d;transport=tcp"):format(port)
    return made
end

-- The lines of Debian's kamailio.cfg.
local manage_failure = [[
route[FAILED] {
    if (t_is_canceled()) {
        exit;
    }
    xlog("L_WARN", "failed with $T_reply_code\n");
    if (t_check_status("486|408")) {
        $du = $null;
        $ru = $hdr(X-Mail);
        t_relay();
        exit;
    }
}
]]

for_each_way("t_check_status(\"486|408\") is true for a phone that does not answer", function(t, way)
    local host, open = start(t, { extra = manage_failure, fr_timer = 1500 })
    local vm, bob, alice = gateway(t), open("bob", "udp"), open("alice", "udp")
    ways.register(way, bob)
    local call = alice:invite(bob.aor, { headers = ways.headers(way, { { "X-Mail", vm.uri } }) })
    alice:expect_final(call, 200)
    host:wait_for_log "failed with 408"
    local missed, answered = records_at_end(host, call)
    t:equal(missed, "408")
    t:equal(answered, "200")
end)

local deaths = {
    ["that answers 430"] = function(bob)
        refuse(bob, 430)
    end,
    ["that closes its connection"] = function(bob)
        bob:expect "INVITE"
        bob:close()
    end,
}
for title, die in pairs(deaths) do
    test(("5626-11.5.a t_check_status(\"486|408\") is true for a flow %s"):format(title), function(t)
        local host, open = start(t, { extra = manage_failure })
        local vm, bob, alice = gateway(t), open "bob", open("alice", "udp")
        bob:register { instance = one, reg_id = 1 }
        local call = alice:invite(bob.aor, { headers = { { "X-Mail", vm.uri } } })
        die(bob)
        alice:expect_final(call, 200)
        host:wait_for_log "failed with 408"
        t:equal(vm:expect(1).uri, vm.uri)
        alice:expect_bindings(bob.aor, 0)
        t:equal(#host:log_lines "status rewrite", 0)
    end)
end

test("5626-11.5.a t_check_status(\"486|408\") is true when both flows of a phone are dead", function(t)
    local _, open = start(t, { extra = manage_failure })
    local vm, first, second, alice = gateway(t), open "bob", open "bob", open("alice", "udp")
    first:register { instance = one, reg_id = 1, q = "0.9" }
    second:register { instance = one, reg_id = 2, q = "0.5" }
    local call = alice:invite(first.aor, { headers = { { "X-Mail", vm.uri } } })
    refuse(first, 430)
    refuse(second, 430)
    alice:expect_final(call, 200)
    vm:expect(1)
end)

test("sip_is_flow_failed() still shows the dead flow, and the caller hears 480", function(t)
    local host, open = start(t, { failed = [[
    if (sip_is_flow_failed() && t_check_status("408")) xlog("L_WARN", "a dead flow\n");
]] })
    local bob, alice = open "bob", open("alice", "udp")
    bob:register { instance = one, reg_id = 1 }
    local call = alice:invite(bob.aor)
    refuse(bob, 430)
    alice:expect_final(call, 480)
    host:wait_for_log "a dead flow"
end)

tap.done()
