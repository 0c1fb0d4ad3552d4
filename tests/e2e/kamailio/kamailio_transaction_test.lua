-- SPDX-License-Identifier: BSD-2-Clause
-- The module beside what else configurations do with tm: suspended transactions, replies that are dropped, spirals.
local kamailio = require "kamailio"
local tap = require "tap"
local ua = require "ua"

local test = tap.test
local one, two = ua.instance(1), ua.instance(2)

local function start(t, options)
    local params = { { "tm", "fr_timer", 60000 }, { "tm", "wt_timer", 1000 } }
    for _, each in ipairs(options.params or {}) do
        params[#params + 1] = each
    end
    local host = kamailio.start(t, { config = options.config, extra = options.extra, params = params,
        modules = options.modules, core = options.core, args = options.args })
    return host, ua.opener(host)
end

local refuse = ua.refuse

local all_freed = kamailio.all_freed

local suspending = [[
request_route {
    if (is_method("CANCEL")) {
        if (t_check_trans()) t_relay();
        exit;
    }
    if (is_method("ACK")) {
        t_check_trans();
        exit;
    }
    if (is_method("REGISTER")) {
        sip_save("location");
        exit;
    }
    t_newtran();
    async_task_route("RESUMED");
}
route[RESUMED] {
    if (!sip_route_flows("location")) {
        t_reply("404", "Not Found");
        exit;
    }
    t_on_branch_failure("flows");
    t_on_failure("calls");
    t_relay();
}
event_route[tm:branch-failure:flows] { sip_on_flow_failed(); }
failure_route[calls] { sip_on_failure(); }
]]

local function start_suspending(t)
    local modules = { "async" }
    for _, name in ipairs(kamailio.modules) do
        table.insert(modules, #modules, name)
    end
    modules[#modules], modules[#modules - 1] = modules[#modules - 1], modules[#modules]
    return start(t, { config = suspending, modules = modules, core = "async_workers=2" })
end

test("a request that was suspended goes to the flows, and nowhere else", function(t)
    local host, open = start_suspending(t)
    local bob, alice = open "bob", open "alice"
    bob:register { instance = one, reg_id = 1 }
    local call = alice:invite(bob.aor)
    local request = bob:expect "INVITE"
    t:equal(request.uri, bob.contact_uri)
    bob:reply(request, 200)
    alice:expect_final(call, 200)
    t:equal(host:statistic "reflow:requests_routed", 1)
    t:ok(all_freed(host))
end)

test("5626-11.5.a a request that was suspended: 430 is replaced, 430 from all is 480", function(t)
    local host, open = start_suspending(t)
    local first, second, alice = open "bob", open "bob", open "alice"
    second:register { instance = one, reg_id = 2, q = "0.5" }
    first:register { instance = one, reg_id = 1, q = "0.9" }
    local call = alice:invite(first.aor)
    refuse(first, 430)
    refuse(second, 430)
    alice:expect_final(call, 480)
    t:ok(all_freed(host))
end)

test("3261-16.7.e a request that was suspended: 503 is the best there is", function(_)
    local _, open = start_suspending(_)
    local bob, alice = open "bob", open "alice"
    bob:register { instance = one, reg_id = 1 }
    local call = alice:invite(bob.aor)
    refuse(bob, 503)
    alice:expect_final(call, 500)
end)

for _, mode in ipairs { 1, 2, 3 } do
    test("3261-16.7.e replies that tm drops count all the same, failure_reply_mode=" .. mode, function(t)
        local host, open = start(t, { params = { { "tm", "failure_reply_mode", mode } } })
        local first, second, alice = open "bob", open "bob", open "alice"
        first:register { instance = one, reg_id = 1, q = "0.9" }
        second:register { instance = two, reg_id = 1, q = "0.5" }
        local call = alice:invite(first.aor)
        refuse(first, 486)
        refuse(second, 503)
        alice:expect_final(call, 486)
        t:ok(all_freed(host))
        call = alice:invite(first.aor)
        refuse(first, 486)
        refuse(second, 430)
        alice:expect_final(call, 486)
        t:ok(all_freed(host))
    end)
end

test("3261-16.7.h challenges go up though tm drops the replies", function(t)
    local _, open = start(t, { params = { { "tm", "failure_reply_mode", 1 } } })
    local first, second, alice = open "bob", open "bob", open "alice"
    first:register { instance = one, reg_id = 1 }
    second:register { instance = two, reg_id = 1 }
    local call = alice:invite(first.aor)
    refuse(first, 401, { headers = { { "WWW-Authenticate", 'Digest realm="one", nonce="1"' } } })
    refuse(second, 407, { headers = { { "Proxy-Authenticate", 'Digest realm="two", nonce="2"' } } })
    local answer = alice:expect_final(call)
    t:ok(answer.status == 401 or answer.status == 407)
    t:equal(answer:get "WWW-Authenticate", 'Digest realm="one", nonce="1"')
    t:equal(answer:get "Proxy-Authenticate", 'Digest realm="two", nonce="2"')
end)

tap.done()
