-- SPDX-License-Identifier: BSD-2-Clause
-- What Kamailio with the module makes of responses: flows that failed, answers that end an instance, responses that
-- are forwarded.
local kamailio = require "kamailio"
local server = require "server"
local tap = require "tap"
local ua = require "ua"

local test = tap.test
local one, two = ua.instance(1), ua.instance(2)

local function start(t, options)
    options = options or {}
    local params = { { "tm", "fr_timer", options.fr_timer or 60000 }, { "tm", "wt_timer", 1000 } }
    for _, each in ipairs(options.params or {}) do
        params[#params + 1] = each
    end
    if options.policy then
        local path = server.temporary ".lua"
        server.write(path, 'local sip = require "reflow"\n' .. options.policy)
        t:defer(function()
            os.remove(path)
        end)
        params[#params + 1] = { "reflow", "policy", path }
    end
    local host = kamailio.start(t, { config = options.config, extra = options.extra, params = params,
        modules = options.modules, core = options.core })
    return host, ua.opener(host, options.transport)
end

-- Two flows of one instance; the first is tried first.
local function two_flows(open, options)
    local first, second = open("bob", options), open("bob", options)
    second:register { instance = one, reg_id = 2, q = "0.5" }
    first:register { instance = one, reg_id = 1, q = "0.9" }
    return first, second
end

-- Two phones that ring at once.
local function two_phones(open)
    local first, second = open "bob", open "bob"
    first:register { instance = one, reg_id = 1 }
    second:register { instance = two, reg_id = 1 }
    return first, second
end

local refuse = ua.refuse

local all_freed = kamailio.all_freed

for _, transport in ipairs { "udp", "tcp" } do
    local function titled(title, f)
        test(title .. " [" .. transport .. "]", f)
    end

    titled("5626-7.b 430 is answered by the other flow of the instance; 5626-7.g one binding goes", function(t)
        local host, open = start(t, { transport = transport })
        local first, second = two_flows(open)
        local alice = open "alice"
        local call = alice:invite(first.aor)
        refuse(first, 430)
        local request = second:expect "INVITE"
        second:reply(request, 180)
        alice:expect(180)
        second:reply(request, 200)
        alice:expect_final(call, 200)
        second:expect "ACK"
        t:equal(host:statistic "reflow:failovers", 1)
        t:equal(#alice:bindings(first.aor), 1)
    end)

    titled("5626-11.5.b 430, then 486 over the other flow: the caller hears 486", function(t)
        local _, open = start(t, { transport = transport })
        local first, second = two_flows(open)
        local alice = open "alice"
        local call = alice:invite(first.aor)
        refuse(first, 430)
        refuse(second, 486, { headers = { { "X-Said", "by bob" } } })
        local answer = alice:expect_final(call, 486)
        t:equal(answer:get "X-Said", "by bob", "as it was received")
    end)

    titled("5626-11.5.b 486, then 430 from another phone: the caller hears 486 as it was received", function(t)
        local _, open = start(t, { transport = transport })
        local first, second = two_phones(open)
        local alice = open "alice"
        local call = alice:invite(first.aor)
        refuse(first, 486, { headers = { { "X-Said", "by bob" } } })
        refuse(second, 430)
        t:equal(alice:expect_final(call, 486):get "X-Said", "by bob")
    end)

    titled("5626-11.5.a 430 from all: the caller hears 480, no binding is left", function(t)
        local host, open = start(t, { transport = transport })
        local first, second = two_flows(open)
        local alice = open "alice"
        local call = alice:invite(first.aor)
        refuse(first, 430)
        refuse(second, 430)
        t:equal(alice:expect_final(call, 480).phrase, "Temporarily Unavailable")
        alice:expect_bindings(first.aor, 0)
        t:ok(all_freed(host))
    end)

    titled("5626-7.d a flow that says nothing in time is replaced by the other", function(t)
        local _, open = start(t, { transport = transport, fr_timer = 3000 })
        local first, second = two_flows(open)
        local alice = open "alice"
        local call = alice:invite(first.aor)
        first:expect "INVITE"
        second:reply(second:expect "INVITE", 200)
        alice:expect_final(call, 200)
        t:equal(#alice:bindings(first.aor), 2, "a timeout drops no binding")
    end)

    titled("3261-9.a CANCEL after a fail-over reaches the branch that lives, and the caller hears 487", function(t)
        local host, open = start(t, { transport = transport })
        local first, second = two_flows(open)
        local alice = open "alice"
        local call = alice:invite(first.aor)
        refuse(first, 430)
        local request = second:expect "INVITE"
        second:reply(request, 180)
        alice:expect(180)
        alice:cancel(call)
        local cancel = second:expect "CANCEL"
        t:equal(cancel:branch(), request:branch())
        second:reply(cancel, 200)
        second:reply(request, 487)
        alice:expect_final(call, 487)
        first:expect_none("CANCEL", 100)
        t:ok(all_freed(host))
    end)
end

test("5626-7.c after 403 nothing else is tried, and the binding stands", function(t)
    local _, open = start(t)
    local first, second = two_flows(open)
    local alice = open "alice"
    local call = alice:invite(first.aor)
    refuse(first, 403)
    alice:expect_final(call, 403)
    second:expect_none("INVITE", 100)
    t:equal(#alice:bindings(first.aor), 2)
end)

test("5626-7.c an instance that answered in one q class is not rung in the next, another one is", function(t)
    local _, open = start(t)
    local first, second = two_flows(open)
    local other = open "bob"
    other:register { instance = two, reg_id = 1, q = "0.2" }
    local alice = open "alice"
    local call = alice:invite(first.aor)
    refuse(first, 486)
    refuse(other, 404)
    t:equal(alice:expect_final(call).status, 404)
    second:expect_none("INVITE", 100)
end)

test("5626-7.g the binding that failed goes, whatever To says", function(t)
    local _, open = start(t)
    local bob, carol, alice = open "bob", open "carol", open "alice"
    bob:register { instance = one, reg_id = 1 }
    carol:register { instance = two, reg_id = 1 }
    local call = alice:invite(bob.aor, { to = carol.aor })
    refuse(bob, 430)
    alice:expect_final(call, 480)
    alice:expect_bindings(bob.aor, 0)
    t:equal(#alice:bindings(carol.aor), 1)
end)

test("5626-7.b 5626-7.g a binding that has moved to another flow meanwhile stands, and takes the call", function(t)
    local _, open = start(t)
    local old, new, alice = open "bob", open "bob", open "alice"
    old:register { instance = one, reg_id = 1 }
    local call = alice:invite(old.aor)
    local request = old:expect "INVITE"
    new:register { instance = one, reg_id = 1 }
    old:reply(request, 430)
    new:reply(new:expect "INVITE", 200)
    alice:expect_final(call, 200)
    t:equal(#alice:bindings(old.aor), 1)
end)

test("5626-7.d a flow that rang and then says nothing is not replaced: 408", function(t)
    local _, open = start(t, { fr_timer = 6000, params = { { "tm", "fr_inv_timer", 700 } } })
    local first, second = two_flows(open)
    local alice = open "alice"
    local call = alice:invite(first.aor)
    local request = first:expect "INVITE"
    first:reply(request, 180)
    first:reply(first:expect "CANCEL", 200)
    alice:expect_final(call, 408)
    second:expect_none("INVITE", 100)
end)

test("3261-16.7.d a 6xx ends the search: who rings is cancelled, no lower class is tried", function(t)
    local _, open = start(t)
    local first, second = two_phones(open)
    local last = open "bob"
    last:register { instance = ua.instance(3), reg_id = 1, q = "0.1" }
    local alice = open "alice"
    local call = alice:invite(first.aor)
    local ringing = second:expect "INVITE"
    second:reply(ringing, 180)
    alice:expect(180)
    refuse(first, 603)
    local cancel = second:expect "CANCEL"
    second:reply(cancel, 200)
    second:reply(ringing, 487)
    alice:expect_final(call, 603)
    last:expect_none("INVITE", 100)
end)

test("3261-16.7.h the challenges of 401 and 407 go up together", function(t)
    local _, open = start(t)
    local first, second = two_phones(open)
    local alice = open "alice"
    local call = alice:invite(first.aor)
    refuse(first, 401, { headers = { { "WWW-Authenticate", 'Digest realm="a", nonce="1"' } } })
    refuse(second, 407, { headers = { { "Proxy-Authenticate", 'Digest realm="b", nonce="2"' } } })
    local answer = alice:expect_final(call)
    t:ok(answer.status == 401 or answer.status == 407)
    t:match(answer:get "WWW-Authenticate", 'realm="a"')
    t:match(answer:get "Proxy-Authenticate", 'realm="b"')
end)

test("3261-16.7.h challenges go up together where a 430 came last", function(t)
    local _, open = start(t)
    local first, second = two_phones(open)
    local third = open "bob"
    third:register { instance = ua.instance(3), reg_id = 1 }
    local alice = open "alice"
    local call = alice:invite(first.aor)
    refuse(first, 401, { headers = { { "WWW-Authenticate", 'Digest realm="a", nonce="1"' } } })
    refuse(second, 407, { headers = { { "Proxy-Authenticate", 'Digest realm="b", nonce="2"' } } })
    refuse(third, 430)
    local answer = alice:expect_final(call)
    t:match(answer:get "WWW-Authenticate", 'realm="a"')
    t:match(answer:get "Proxy-Authenticate", 'realm="b"')
end)

test("3261-16.7.g 503 goes up as 500", function(t)
    local _, open = start(t)
    local bob, alice = open "bob", open "alice"
    bob:register { instance = one, reg_id = 1 }
    local call = alice:invite(bob.aor)
    refuse(bob, 503)
    t:equal(alice:expect_final(call, 500).phrase, "Server Internal Error")
end)

test("3261-16.7.f nothing comes: 408 to an INVITE", function(t)
    local host, open = start(t, { fr_timer = 500 })
    local bob, alice = open "bob", open "alice"
    bob:register { instance = one, reg_id = 1 }
    alice:expect_final(alice:invite(bob.aor), 408)
    t:ok(all_freed(host))
end)

test("4320-4.a nothing comes: silence to an OPTIONS, and the transaction is freed", function(t)
    local host, open = start(t, { fr_timer = 3000 })
    local bob, alice = open "bob", open "alice"
    bob:register { instance = one, reg_id = 1 }
    alice:request("OPTIONS", { uri = bob.aor })
    bob:expect "OPTIONS"
    t:equal(host:rpc("tm.stats"):match "current: (%d+)", "1")
    t:ok(all_freed(host))
    alice:expect_none("final", 50)
end)

-- A binding to a port where nobody listens. It came through a proxy without Path, so that no flow leads to the phone.
local function register_nowhere(flow, port, q)
    flow:register { contact_uri = ("sip:bob@127.0.0.1:%d;transport=tcp"):format(port), q = q, via = {
        flow:via("z9hG4bKouter" .. port), "SIP/2.0/UDP 192.0.2.7;branch=z9hG4bKinner" .. port } }
end

test("3261-16.9.a a request that cannot be sent goes to the next target", function(t)
    local _, open = start(t, { core = "tcp_async=no" })
    local bob, alice = open "bob", open "alice"
    register_nowhere(bob, 1, "0.9")
    bob:register { instance = one, reg_id = 1, q = "0.5" }
    local call = alice:invite(bob.aor)
    local invite = bob:expect "INVITE"
    t:equal(invite.uri, bob.contact_uri)
    bob:reply(invite, 200)
    alice:expect_final(call, 200)
end)

test("3261-16.9.a so does one that cannot be sent after another has failed", function(t)
    local _, open = start(t, { core = "tcp_async=no" })
    local bob, carol, alice = open "bob", open "bob", open "alice"
    bob:register { instance = one, reg_id = 1, q = "0.9" }
    register_nowhere(carol, 1, "0.6")
    register_nowhere(carol, 2, "0.5")
    carol:register { instance = two, reg_id = 1, q = "0.4" }
    local call = alice:invite(bob.aor)
    refuse(bob, 486)
    refuse(carol, 404)
    alice:expect_final(call, 404)
end)

test("5626-7.h a flow that closes while its branch waits is replaced at once", function(t)
    local host, open = start(t, { fr_timer = 60000 })
    local first, second = two_flows(open)
    local alice = open "alice"
    local call = alice:invite(first.aor)
    first:expect "INVITE"
    first:close()
    local request = second:expect "INVITE"
    second:reply(request, 200)
    alice:expect_final(call, 200)
    t:equal(host:statistic "reflow:failovers", 1)
end)

test("5626-7.f a flow that closed before the call is not tried", function(t)
    local host, open = start(t, { fr_timer = 60000 })
    local first, second = two_flows(open)
    local alice = open "alice"
    first:close()
    t:equal(host:becomes("reflow:bindings_dropped", 1), 1)
    local call = alice:invite(first.aor)
    second:reply(second:expect "INVITE", 200)
    alice:expect_final(call, 200)
end)

test("3261-9.a the CANCELed call of a branch that rang over a flow now dead ends with 487 at once", function(t)
    local host, open = start(t)
    local bob, alice = open "bob", open "alice"
    bob:register { instance = one, reg_id = 1 }
    local call = alice:invite(bob.aor)
    bob:reply(bob:expect "INVITE", 180)
    alice:expect(180)
    bob:close()
    t:equal(host:becomes("reflow:bindings_dropped", 1), 1)
    alice:cancel(call)
    alice:expect_final(call, 487)
    t:ok(all_freed(host))
end)

test("3261-9.a a phone that rings at the moment when another answers is cancelled", function(t)
    local host, open = start(t, { transport = "udp" })
    local first, second = two_phones(open)
    local alice = open "alice"
    for _ = 1, 60 do
        local call = alice:invite(first.aor)
        local taken, ringing = first:expect "INVITE", second:expect "INVITE"
        first:reply(taken, 180)
        second:reply(ringing, 180)
        first:reply(taken, 200)
        alice:expect_final(call, 200)
        second:reply(second:expect "CANCEL", 200)
        second:reply(ringing, 487)
        second:expect "ACK"
        first:expect "ACK"
    end
    t:ok(all_freed(host))
end)

-- --- other scripts ---

local function routing(handlers)
    return (kamailio.routing:gsub("event_route%[tm:branch%-failure:flows%].*$", "") .. handlers)
end

test("a script with failure_route alone: 430 is answered by the other flow, 430 from all is 480", function(t)
    local config = routing "failure_route[calls] { sip_on_failure(); }\n"
    local _, open = start(t, { config = config:gsub('t_on_branch_failure%("flows"%);', "") })
    local first, second = two_flows(open)
    local alice = open "alice"
    local call = alice:invite(first.aor)
    refuse(first, 430)
    refuse(second, 430)
    alice:expect_final(call, 480)
    alice:expect_bindings(first.aor, 0)
end)

test("a script with failure_route alone: what failed while others rang is replaced when they have ended", function(t)
    local config = routing "failure_route[calls] { sip_on_failure(); }\n"
    local _, open = start(t, { config = config:gsub('t_on_branch_failure%("flows"%);', "") })
    local first, second = two_flows(open)
    local other = open "bob"
    other:register { instance = two, reg_id = 1, q = "0.9" }
    local alice = open "alice"
    local call = alice:invite(first.aor)
    local ringing = other:expect "INVITE"
    refuse(first, 430)
    second:expect_none("INVITE", 50)
    other:reply(ringing, 486)
    second:reply(second:expect "INVITE", 200)
    alice:expect_final(call, 200)
end)

test("a final response that is repeated is no news", function(t)
    local host, open = start(t, { transport = "udp" })
    local first, second = two_phones(open)
    local alice = open "alice"
    local call = alice:invite(first.aor)
    local one_request, other_request = first:expect "INVITE", second:expect "INVITE"
    first:reply(one_request, 430)
    second:reply(other_request, 486)
    alice:expect_final(call, 486)
    local before = host:statistic "reflow:codes_4xx"
    first:reply(one_request, 430)
    second:reply(other_request, 486)
    alice:expect_none("final", 100)
    t:equal(host:statistic "reflow:codes_4xx", before)
    t:equal(#host:log_lines "status rewrite", 0)
end)

test("a script without failure_route: 430 does not reach the caller", function(t)
    local config = routing "event_route[tm:branch-failure:flows] { sip_on_flow_failed(); }\n"
    local _, open = start(t, { config = config:gsub('t_on_failure%("calls"%);', "") })
    local first, second = two_flows(open)
    local alice = open "alice"
    local call = alice:invite(first.aor)
    refuse(first, 430)
    refuse(second, 430)
    alice:expect_final(call, 480)
end)

test("5626-11.5.a a script that calls nothing of ours on failure: 430 does not reach the caller", function(t)
    local config = routing [[
event_route[tm:branch-failure:flows] { xlog("L_WARN", "a branch failed\n"); }
failure_route[calls] { if (t_check_status("486")) xlog("L_WARN", "busy it is\n"); }
]]
    local host, open = start(t, { config = config })
    local first, second = two_phones(open)
    local alice = open "alice"
    local call = alice:invite(first.aor)
    refuse(first, 430)
    refuse(second, 430)
    alice:expect_final(call, 480)
    call = alice:invite(first.aor)
    refuse(first, 486)
    refuse(second, 430)
    alice:expect_final(call, 486)
    host:wait_for_log "busy it is"
end)

test("a failure route that answers by itself has the last word", function(t)
    local config = routing [[
event_route[tm:branch-failure:flows] { sip_on_flow_failed(); }
failure_route[calls] { t_reply("404", "Elsewhere"); }
]]
    local _, open = start(t, { config = config })
    local bob, alice = open "bob", open "alice"
    bob:register { instance = one, reg_id = 1 }
    local call = alice:invite(bob.aor)
    refuse(bob, 430)
    t:equal(alice:expect_final(call, 404).phrase, "Elsewhere")
end)

test("sip_decide() tells without doing, in reply routes and failure routes", function(t)
    local config = routing [[
event_route[tm:branch-failure:flows] {
    sip_decide();
    xlog("L_WARN", "branch: $reflow(action) $reflow(rule) $reflow(code) $reflow(drop)\n");
    sip_on_flow_failed();
}
failure_route[calls] {
    sip_decide();
    xlog("L_WARN", "call: $reflow(action) $reflow(rule) $reflow(code)\n");
    sip_on_failure();
}
onreply_route[heard] {
    sip_decide();
    xlog("L_WARN", "reply: $reflow(action) $reflow(rule) $reflow(code)\n");
}
]]
    local host, open = start(t, { config = config:gsub('t_on_failure%("calls"%);',
        't_on_failure("calls"); t_on_reply("heard");') })
    local first, second = two_flows(open)
    local alice = open "alice"
    local call = alice:invite(first.aor)
    refuse(first, 430)
    refuse(second, 486)
    alice:expect_final(call, 486)
    host:wait_for_log "reply: next_flow 5626%-7%.b 430"
    host:wait_for_log "branch: next_flow 5626%-7%.b 430 binding"
    host:wait_for_log "reply: fail 3261%-16%.7%.e 486"
    host:wait_for_log "call: fail 3261%-16%.7%.e 486"
end)

test("a script in KEMI", function(t)
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
    if KSR.reflow.route_flows("location") < 0 then KSR.sl.sl_send_reply(404, "Not Found") return 1 end
    KSR.tm.t_on_branch_failure("ksr_branch_failed")
    KSR.tm.t_on_failure("ksr_failed")
    KSR.tm.t_relay()
    return 1
end
function ksr_branch_failed() KSR.reflow.on_flow_failed() return 1 end
function ksr_failed() KSR.reflow.on_failure() return 1 end
]])
    t:defer(function()
        os.remove(path)
    end)
    local modules = { table.unpack(kamailio.modules) }
    table.insert(modules, #modules, "app_lua")
    local _, open = start(t, { config = 'cfgengine "lua"\n', modules = modules,
        params = { { "app_lua", "load", path }, { "usrloc", "preload", "location" } } })
    local first, second = two_flows(open)
    local alice = open "alice"
    local call = alice:invite(first.aor)
    refuse(first, 430)
    refuse(second, 430)
    alice:expect_final(call, 480)
    alice:expect_bindings(first.aor, 0)
    first:register { instance = one, reg_id = 1, q = "0.9" }
    second:register { instance = one, reg_id = 2, q = "0.5" }
    call = alice:invite(first.aor)
    first:expect "INVITE"
    first:close()
    refuse(second, 486)
    alice:expect_final(call, 486)
end)

tap.done()
