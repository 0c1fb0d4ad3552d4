-- SPDX-License-Identifier: BSD-2-Clause
-- What a policy makes of responses in Kamailio: its verdicts, and the guardrails that they meet.
local kamailio = require "kamailio"
local server = require "server"
local tap = require "tap"
local ua = require "ua"

local test = tap.test
local one, two = ua.instance(1), ua.instance(2)

local function start(t, policy, options)
    options = options or {}
    local path = server.temporary ".lua"
    server.write(path, 'local sip = require "reflow"\n' .. policy)
    t:defer(function()
        os.remove(path)
    end)
    local params = { { "tm", "fr_timer", options.fr_timer or 60000 }, { "tm", "wt_timer", 1000 },
        { "usrloc", "use_domain", 1 }, { "reflow", "policy", path } }
    if options.tenant then
        local tenant = server.temporary ".lua"
        server.write(tenant, options.tenant)
        t:defer(function()
            os.remove(tenant)
        end)
        params[#params + 1] = { "reflow", "tenant", "example.test=" .. tenant }
    end
    local host = kamailio.start(t, { params = params, extra = options.extra, config = options.config })
    return host, ua.opener(host)
end

local refuse = ua.refuse

-- Bob's phone, the voicemail's user agent and Alice.
local function people(open)
    local bob, mail, alice = open "bob", open "vm", open "alice"
    bob:register { instance = one, reg_id = 1 }
    mail:register { instance = two, reg_id = 1 }
    return bob, mail, alice
end

local challenging = [[
sip_on_register(function(request) if request.to:find "door" then return sip_challenge() end end)
sip_on_request(function(request)
    if request.uri:find "vm" or request.uri:find "^urn:" then return sip_challenge() end
end)]]

test("3261-22.a sip_challenge() makes the configuration challenge with Kamailio's own modules", function(t)
    local routing = 'loadmodule "auth.so"\n' .. kamailio.routing
    local config = routing:gsub('sip_save%("location"%);', [[sip_save("location");
        if ($rc == -5) www_challenge("$td", "0");]]):gsub('if %(!sip_route_flows%("location"%)%) {', [[
    $var(rc) = sip_route_flows("location");
    if ($var(rc) == -5) {
        proxy_challenge("$fd", "0");
        exit;
    }
    if ($var(rc) < 0) {]])
    local host, open = start(t, challenging, { config = config })
    local bob, _, alice = people(open)
    local refused = alice:expect_final(alice:invite("sip:vm@example.test"), 407)
    t:match(refused:get "Proxy-Authenticate", '^Digest realm="example.test"')
    local call = alice:invite(bob.aor)
    refuse(bob, 486)
    alice:expect_final(call, 486)
    local door = open "door"
    local response = door:register { expect = 401 }
    t:match(response:get "WWW-Authenticate", '^Digest realm="example.test"')
    t:equal(host:statistic "reflow:verdicts", 2)
end)

test("a configuration that does not know sip_challenge() refuses the request", function(t)
    local _, open = start(t, challenging)
    local _, _, alice = people(open)
    alice:expect_final(alice:invite("sip:vm@example.test"), 404)
end)

test("sip_relay() on 486: voicemail answers", function(t)
    local host, open = start(t, 'sip_on_response(486, function() return sip_relay("sip:vm@example.test") end)')
    local bob, mail, alice = people(open)
    local call = alice:invite(bob.aor)
    refuse(bob, 486)
    mail:reply(mail:expect "INVITE", 200)
    alice:expect_final(call, 200)
    t:equal(host:statistic "reflow:verdicts", 1)
end)


test("sip_relay() to a URI of elsewhere; the better of the answers goes up", function(t)
    local port = server.free_port()
    local _, open = start(t,
        ('sip_on_response(486, function() return sip_relay("sip:x@127.0.0.1:%d") end)'):format(port))
    local bob, _, alice = people(open)
    local far = open("x", { transport = "udp", local_port = port })
    local call = alice:invite(bob.aor)
    refuse(bob, 486)
    refuse(far, 503)
    alice:expect_final(call, 486)
end)

test("sip_route() of another user", function(t)
    local _, open = start(t, 'sip_on_response("4xx", function() return sip_route("sip:vm@example.test") end)')
    local bob, mail, alice = people(open)
    local call = alice:invite(bob.aor)
    refuse(bob, 404)
    mail:reply(mail:expect "INVITE", 200)
    alice:expect_final(call, 200)
end)

test("sip_fail() ends the call with that status; who rings is cancelled", function(t)
    local _, open = start(t, "sip_on_response(486, function() return sip_fail(603) end)")
    local bob, _, alice = people(open)
    local other = open "bob"
    other:register { instance = ua.instance(3), reg_id = 1 }
    local call = alice:invite(bob.aor)
    local ringing = other:expect "INVITE"
    other:reply(ringing, 180)
    alice:expect(180)
    refuse(bob, 486)
    other:reply(other:expect "CANCEL", 200)
    other:reply(ringing, 487)
    alice:expect_final(call, 603)
end)

test("sip_retry_after() and sip_rest()", function(t)
    local host, open = start(t, [[
sip_on_response(486, function() return sip_retry_after(77) end)
sip_on_response(503, function(reply) return sip_rest(reply.destination, 60) end)]])
    local bob, _, alice = people(open)
    local call = alice:invite(bob.aor)
    refuse(bob, 486)
    t:equal(alice:expect_final(call, 486):get "Retry-After", "77")
    call = alice:invite(bob.aor)
    refuse(bob, 503)
    alice:expect_final(call, 500)
    t:match(host:rpc "reflow.rests", tostring(bob.local_port))
end)

test("3261-21.5.4.a what a tenant's policy lets rest does so for the calls of that tenant alone", function(t)
    local host, open = start(t, "", {
        tenant = "sip_on_response(486, function(reply) return sip_rest(reply.destination, 60) end)" })
    local bob, alice = open("bob"), open("alice")
    bob:register { instance = one, reg_id = 1 }
    bob:register { instance = one, reg_id = 1, aor = "sip:bob@other.test" }
    local call = alice:invite "sip:bob@example.test"
    refuse(bob, 486)
    alice:expect_final(call, 486)
    t:match(host:rpc "reflow.rests", "tenant: example.test")
    call = alice:invite "sip:bob@example.test"
    t:ok(alice:expect_final(call).status >= 400)
    call = alice:invite "sip:bob@other.test"
    -- The phone gets this one, and did not get the one before.
    t:equal(refuse(bob, 487):get "Call-ID", call:get "Call-ID")
    alice:expect_final(call, 487)
end)

test("3261-21.5.4.a a 503 with Retry-After makes its destination rest without any policy", function(t)
    local host, open = start(t, "")
    local bob, _, alice = people(open)
    local call = alice:invite(bob.aor)
    refuse(bob, 503, { headers = { { "Retry-After", "30 (soon)" } } })
    alice:expect_final(call, 500)
    t:match(host:rpc "reflow.rests", tostring(bob.local_port))
end)

test("sip_next_target() opens the next class while others ring", function(t)
    local _, open = start(t, "sip_on_response(404, function() return sip_next_target() end)")
    local bob, alice = open "bob", open "alice"
    local low = open "bob"
    bob:register { instance = one, reg_id = 1, q = "0.9" }
    low:register { instance = two, reg_id = 1, q = "0.5" }
    local call = alice:invite(bob.aor)
    refuse(bob, 404)
    low:reply(low:expect "INVITE", 200)
    alice:expect_final(call, 200)
end)

test("sip_relay() on 180 rings another beside; the first 2xx wins, the other is cancelled", function(t)
    local _, open = start(t, 'sip_on_response(180, function(reply) return sip_relay("sip:vm@example.test") end)')
    local bob, mail, alice = people(open)
    local call = alice:invite(bob.aor)
    local ringing = bob:expect "INVITE"
    bob:reply(ringing, 180)
    alice:expect(180)
    mail:reply(mail:expect "INVITE", 200)
    alice:expect_final(call, 200)
    mail:expect "ACK"
    bob:reply(bob:expect "CANCEL", 200)
    bob:reply(ringing, 487)
    bob:expect "ACK"
end)

test("... and a beside branch that fails by 430 is failed over too", function(t)
    local _, open = start(t, 'sip_on_response(180, function(reply) return sip_relay("sip:vm@example.test") end)')
    local bob, mail, alice = people(open)
    local second = open "vm"
    second:register { instance = two, reg_id = 2, q = "0.5" }
    local call = alice:invite(bob.aor)
    local ringing = bob:expect "INVITE"
    bob:reply(ringing, 180)
    alice:expect(180)
    refuse(mail, 430)
    second:reply(second:expect "INVITE", 200)
    alice:expect_final(call, 200)
    bob:reply(bob:expect "CANCEL", 200)
    bob:reply(ringing, 487)
end)

test("sip_fail() on 183 stops the ringing, and that status goes up", function(t)
    local host, open = start(t, "sip_on_response(183, function() return sip_fail(480) end)")
    local bob, _, alice = people(open)
    local call = alice:invite(bob.aor)
    local ringing = bob:expect "INVITE"
    bob:reply(ringing, 183)
    bob:reply(bob:expect "CANCEL", 200)
    bob:reply(ringing, 487)
    alice:expect_final(call, 480)
    t:equal(host:statistic "reflow:verdicts", 1)
end)

test("5626-7.c and 3261-16.7.d: sip_next_flow() after 486 and sip_relay() after 603 are refused", function(t)
    local host, open = start(t, [[
sip_on_response(486, function() return sip_next_flow() end)
sip_on_response(603, function() return sip_relay("sip:vm@example.test") end)]])
    local bob, mail, alice = people(open)
    local second = open "bob"
    second:register { instance = one, reg_id = 2, q = "0.5" }
    for _, status in ipairs { 486, 603 } do
        local call = alice:invite(bob.aor)
        refuse(bob, status)
        alice:expect_final(call, status)
    end
    mail:expect_none("INVITE", 100)
    second:expect_none("INVITE", 10)
    t:equal(host:statistic "reflow:verdicts_refused", 2)
    host:wait_for_log "it would break rule 5626%-7%.c"
    host:wait_for_log "it would break rule 3261%-16%.7%.d"
end)

test("sip_on_flow_failed() hears what failed and leaves the rest to the core", function(t)
    local host, open = start(t, [[
local sip = require "reflow"
sip_on_flow_failed(function(reply, call, decision)
    sip.log("heard %d %s %s %s", reply.code, tostring(decision.action), call.aor, tostring(reply.flow))
end)]])
    local bob, _, alice = people(open)
    local call = alice:invite(bob.aor)
    refuse(bob, 430)
    alice:expect_final(call, 480)
    host:wait_for_log(("heard 430 fail sip:bob@example.test tcp 127.0.0.1:%d%%-127.0.0.1:%d #%%d+"):format(host.port,
        bob.local_port))
end)

test("sip_on_exhausted() has a last target; the event block hears of the end", function(t)
    local host, open = start(t, 'sip_on_exhausted(function() return sip_relay("sip:vm@example.test") end)',
        { extra = 'event_route[reflow:exhausted] { xlog("L_WARN", "exhausted with $reflow(code)\n"); }' })
    local bob, mail, alice = people(open)
    local call = alice:invite(bob.aor)
    refuse(bob, 404)
    refuse(mail, 486)
    alice:expect_final(call, 486)
    host:wait_for_log "exhausted with 486"
    t:equal(#host:log_lines "exhausted with", 1)
end)

test("sip_on_exhausted() with another status", function(t)
    local _, open = start(t, "sip_on_exhausted(function() return sip_fail(433) end)")
    local bob, _, alice = people(open)
    local call = alice:invite(bob.aor)
    refuse(bob, 404)
    alice:expect_final(call, 433)
end)

test("3261-16.7.i a redirection is followed where the policy says so, each URI once", function(t)
    local _, open = start(t, 'sip_on_response(486, function() return sip_relay("sip:vm@example.test", '
        .. "{ recurse = true }) end)")
    local bob, mail, alice = people(open)
    local carol = open "carol"
    carol:register { instance = ua.instance(4), reg_id = 1 }
    local call = alice:invite(bob.aor)
    refuse(bob, 486)
    refuse(mail, 302, { headers = { { "Contact", "<sip:carol@example.test>;q=0.5, <sip:vm@example.test>" } } })
    carol:reply(carol:expect "INVITE", 200)
    alice:expect_final(call, 200)
end)

test("a redirection that is not followed goes up", function(t)
    local _, open = start(t, "")
    local bob, _, alice = people(open)
    local call = alice:invite(bob.aor)
    refuse(bob, 302, { headers = { { "Contact", "<sip:carol@example.test>" } } })
    t:match(alice:expect_final(call, 302):get "Contact", "carol")
end)

test("a hook that fails leaves the core's decision", function(t)
    local host, open = start(t, 'sip_on_response("*", function() error "broken" end)')
    local bob, _, alice = people(open)
    local call = alice:invite(bob.aor)
    bob:reply(bob:expect "INVITE", 180)
    alice:expect(180)
    alice:cancel(call)
    bob:reply(bob:expect "CANCEL", 200)
    t:match(host:rpc("stats.get_statistics", "reflow:"), "error")
end)

test("a timeout is heard in tm's own process, and its verdict carried out", function(t)
    local _, open = start(t, 'sip_on_response(408, function() return sip_relay("sip:vm@example.test") end)',
        { fr_timer = 3000 })
    local bob, mail, alice = people(open)
    local call = alice:invite(bob.aor)
    bob:expect "INVITE"
    mail:reply(mail:expect "INVITE", 200)
    alice:expect_final(call, 200)
end)

test("sip_fail() on a 2xx to a request that is no INVITE", function(t)
    local _, open = start(t, "sip_on_success(function(reply) return sip_fail(488) end)")
    local bob, _, alice = people(open)
    local request = alice:request("MESSAGE", { uri = bob.aor })
    bob:reply(bob:expect "MESSAGE", 200)
    alice:expect_final(request, 488)
end)

test("3261-16.7.c sip_fail() on a 2xx to an INVITE is refused", function(t)
    local host, open = start(t, "sip_on_success(function(reply) return sip_fail(488) end)")
    local bob, _, alice = people(open)
    local call = alice:invite(bob.aor)
    bob:reply(bob:expect "INVITE", 200)
    alice:expect_final(call, 200)
    t:equal(host:statistic "reflow:verdicts_refused", 1)
end)

test("sip_on_exhausted() reads the response that would go up", function(t)
    local host, open = start(t, [[
local sip = require "reflow"
sip_on_exhausted(function(reply) sip.log("last: %s", tostring(reply:header "X-Said")) end)]])
    local bob, _, alice = people(open)
    local call = alice:invite(bob.aor)
    refuse(bob, 404, { headers = { { "X-Said", "not me" } } })
    alice:expect_final(call, 404)
    host:wait_for_log "last: not me"
end)

tap.done()
