-- SPDX-License-Identifier: BSD-2-Clause
-- The module's functions in every block where they may stand, in Kamailio's own language and in KEMI; what they refuse
-- at start; counters, $reflow(), events and RPC.
local certificates = require "certificates"
local tap = require "tap"
local ua = require "ua"
local uv = require "luv"
local kamailio = require "kamailio"
local server = require "server"

local test = tap.test
local one, two = ua.instance(1), ua.instance(2)

-- Each test function, and what it says of each of the codes.
local functions = { "success", "provisional", "redirect", "client_error", "server_error", "global_failure", "final",
    "flow_failed" }
local truths = {
    [183] = "provisional", [200] = "success final", [302] = "redirect final", [430] = "client_error final flow_failed",
    [486] = "client_error final", [503] = "server_error final", [603] = "global_failure final",
}

local function starter(t, options)
    local host = kamailio.start(t, options)
    return host, ua.opener(host)
end

-- Without "reflow" at the end, so that others can be loaded before it.
local function modules_with(...)
    local list = { table.unpack(kamailio.modules) }
    for _, name in ipairs { ... } do
        table.insert(list, #list, name)
    end
    return list
end

-- Statements that log `place` and the names of those functions that hold.
local function told(place, argument)
    local lines = { '$var(said) = "";' }
    for _, name in ipairs(functions) do
        lines[#lines + 1] = ('if (sip_is_%s(%s)) $var(said) = $var(said) + " %s";'):format(name, argument or "", name)
    end
    lines[#lines + 1] = ('xlog("L_NOTICE", "SAID %s:$var(said).\\n");'):format(place)
    return table.concat(lines, "\n")
end

local function holds_in(host, place, code)
    host:wait_for_log("SAID " .. place .. ": " .. truths[code]:gsub("%-", "%%-") .. "%.")
end

-- A relay that asks of the current reply in every block that has one.
local relay = ([[
request_route {
    if (is_method("CANCEL")) { if (t_check_trans()) t_relay(); exit; }
    t_check_trans();
    if (is_method("ACK")) exit;
    if (has_totag()) { t_relay(); exit; }
    $du = "sip:" + $rd + ":" + $rp;
    t_on_reply("R");
    t_on_branch_failure("B");
    t_on_failure("F");
    t_relay();
}
onreply_route[R] { %s }
event_route[tm:branch-failure:B] { %s }
failure_route[F] { %s }
route[UNUSED] { sip_route_flows("location"); sip_save("location"); }
failure_route[UNUSED] { sip_on_failure(); }
]]):format(told "reply", told "branch", told "failure")

test("tests of the current reply, in reply, branch failure and failure routes", function(t)
    local host, open = starter(t, { config = relay })
    local alice, bob = open("alice", { transport = "udp" }), open("bob", { transport = "udp" })
    for _, code in ipairs { 302, 430, 486, 503, 603 } do
        host.log = ""
        local call = alice:invite(bob.contact_uri)
        local invite = bob:expect "INVITE"
        bob:reply(invite, 183)
        alice:expect(183)
        holds_in(host, "reply", 183)
        bob:reply(invite, code)
        holds_in(host, "reply", code)
        holds_in(host, "branch", code)
        holds_in(host, "failure", code)
        alice:expect_final(call)
    end
    host.log = ""
    local call = alice:request("OPTIONS", { uri = bob.contact_uri })
    bob:reply(bob:expect "OPTIONS", 200)
    alice:expect_final(call, 200)
    holds_in(host, "reply", 200)
end)

test("tests of a code: a number, a text, a variable", function(t)
    local lines = {}
    for code in pairs(truths) do
        lines[#lines + 1] = told(code .. " number", code)
        lines[#lines + 1] = told(code .. " text", ('"%d"'):format(code))
        lines[#lines + 1] = ("$var(code) = %d;"):format(code)
        lines[#lines + 1] = told(code .. " variable", "$var(code)")
        lines[#lines + 1] = told(code .. " quoted", '"$var(code)"')
    end
    local host, open = starter(t, { config = kamailio.routing,
        extra = "route[BEFORE] { " .. table.concat(lines, "\n") .. " }" })
    open "alice":request("OPTIONS", { uri = "sip:example.test" })
    for code in pairs(truths) do
        for _, how in ipairs { "number", "text", "variable", "quoted" } do
            holds_in(host, code .. " " .. how, code)
        end
    end
end)

test("a variable that holds no code is no code, with a line in the log", function(t)
    local host, open = starter(t, { extra = [[route[BEFORE] {
        $var(code) = "much";
        if (sip_is_final("$var(code)")) xlog("L_NOTICE", "WRONG\n"); else xlog("L_NOTICE", "RIGHT\n");
        $var(code) = 99999;
        if (sip_is_final("$var(code)")) xlog("L_NOTICE", "WRONG\n"); else xlog("L_NOTICE", "RIGHT AGAIN\n");
    }]] })
    open "alice":request("OPTIONS", { uri = "sip:example.test" })
    host:wait_for_log "RIGHT AGAIN"
    host:wait_for_log '"much" is given where a number is needed'
    t:ok(not host.log:find "WRONG")
end)

-- --- at start ---

local refused = {
    { 'sip_is_success("abc")', 'sip_is_success%(%): parameter 1 is "abc"; it takes a status code, 100 to 699' },
    { "sip_is_flow_failed(700)", 'sip_is_flow_failed%(%): parameter 1 is "700"' },
    { 'sip_explain("0")', "sip_explain%(%): parameter 1" },
    { 'sip_explain(430, "fr")', 'sip_explain%(%): parameter 2 is "fr"; it takes a language, en or es' },
    { 'sip_rest_destination("", 5)', 'sip_rest_destination%(%): parameter 1 is ""; it takes a destination' },
    { 'sip_rest_destination("a b", 5)', 'sip_rest_destination%(%): parameter 1 is "a b"' },
    { 'sip_rest_destination("a:1", "x")', 'sip_rest_destination%(%): parameter 2 is "x"; it takes seconds' },
    { 'sip_rest_destination("a:1", -1)', "sip_rest_destination%(%): parameter 2" },
    { 'sip_is_resting("")', "sip_is_resting%(%): parameter 1" },
    { 'sip_save("")', "sip_save%(%): parameter 1" },
    { 'sip_route_flows("nowhere")', 'sip_route_flows%(%): parameter 1 is "nowhere"; it takes a table of usrloc' },
    { '$reflow(colour) == "red"', "%$reflow%(colour%): there is action, rule" },
}

test("what is constant and wrong is refused at start with one line", function(t)
    for _, case in ipairs(refused) do
        local host = kamailio.start(t, { expect_end = true,
            extra = ("route[BEFORE] { if (%s) return; }"):format(case[1]) })
        t:ok(host:wait(), case[1] .. ": it goes on")
        t:ok(host.status ~= 0, case[1] .. ": status 0")
        t:equal(#host:log_lines(case[2]), 1, case[1] .. ":\n" .. host:log_tail())
    end
end)

test("a function in a block where it cannot work is refused at start", function(t)
    for _, text in ipairs { "route[X] { sip_is_success(); }", "route[X] { sip_on_failure(); }",
        "route[X] { sip_on_flow_failed(); }", "route[X] { sip_decide(); }",
        'onreply_route[X] { sip_save("location"); }', 'onreply_route[X] { sip_route_flows("location"); }',
        "onreply_route[X] { sip_on_failure(); }", "onreply_route[X] { sip_flow_forward(); }" } do
        local host = kamailio.start(t, { expect_end = true, extra = text })
        t:ok(host:wait(), text .. ": it goes on")
        t:ok(host.status ~= 0, text .. ": status 0")
        host:wait_for_log "Command cannot be used in the block"
    end
end)

test("5626-11.5.a sip_route_flows() without sip_on_failure() is warned of at start", function(t)
    local routing = kamailio.routing:gsub("sip_on_failure%(%);", "return;")
    local host = starter(t, { config = routing })
    host:wait_for_log "WARNING.*sip_on_failure%(%) is not: a 430 could reach a caller"
    t:equal(#host:log_lines "could reach a caller", 1)
end)

test("without usrloc, outbound or rr the functions that need them are refused at start", function(t)
    local edge_only = "request_route { %s; }"
    for _, case in ipairs {
        { 'sip_save("location")', { "tm", "sl", "pv", "reflow" }, "sip_save%(%): usrloc is not loaded" },
        { 'sip_route_flows("location")', { "tm", "sl", "pv", "reflow" }, "sip_route_flows%(%): usrloc is not loaded" },
        { "sip_loose_route()", { "tm", "sl", "reflow" }, "sip_loose_route%(%): rr is not loaded" },
        { "sip_record_route()", { "tm", "sl", "reflow" }, "sip_record_route%(%): rr is not loaded" },
        { "sip_flow_forward()", { "tm", "sl", "rr", "reflow" }, "sip_flow_forward%(%): outbound is not loaded" },
        { "sip_flow_forward()", { "tm", "sl", "pv", "stun", "outbound", "reflow" },
            "sip_flow_forward%(%): rr is not loaded" } } do
        local host = kamailio.start(t, { expect_end = true, modules = case[2],
            config = edge_only:format(case[1]) .. "\n" })
        t:ok(host:wait() and host.status ~= 0, case[1])
        t:equal(#host:log_lines(case[3]), 1, host:log_tail())
    end
end)

-- --- at run time ---

test("a function in an event route that it is not for says so once", function(t)
    local host, open = starter(t, { children = 1, tcp_children = 1, modules = modules_with("xhttp"),
        extra = [[event_route[xhttp:request] {
            sip_on_flow_failed();
            if (sip_is_final()) xlog("L_NOTICE", "WRONG\n");
            xhttp_reply("200", "OK", "text/plain", "done");
        }]] })
    local client = open "client"
    for count = 1, 2 do
        client:send_raw "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"
        t:ok(ua.wait.until_true(ua.patience, function()
            return #client.odd == count
        end), "no response to GET")
    end
    host:wait_for_log "sip_on_flow_failed%(%) cannot work in the block it was called in"
    host:wait_for_log "sip_is_final%(%) without a code cannot work in the block it was called in"
    t:equal(#host:log_lines "sip_on_flow_failed%(%) cannot work", 1)
    t:ok(not host.log:find "WRONG")
end)

test("sip_explain() tells a code in the log and in $reflow(text)", function(t)
    local host, open = starter(t, { extra = [[route[BEFORE] {
        if ($reflow(text) == $null) xlog("L_NOTICE", "NOTHING YET\n");
        if (sip_explain(430)) xlog("L_NOTICE", "TEXT $(reflow(text){s.substr,0,15})!\n");
        $var(code) = 486;
        if (sip_explain("$var(code)", "es")) xlog("L_NOTICE", "LENGTH $(reflow(text){s.len})!\n");
        $var(code) = 42;
        if (!sip_explain("$var(code)")) xlog("L_NOTICE", "NO CODE\n");
    }]] })
    open "alice":request("OPTIONS", { uri = "sip:example.test" })
    host:wait_for_log "NOTHING YET"
    host:wait_for_log "NOTICE.* 430 Flow Failed: %a"
    host:wait_for_log "TEXT 430 Flow Failed!"
    host:wait_for_log "NOTICE.* 486 Busy Here: %a"
    local _, _, length = host:wait_for_log "LENGTH (%d+)!"
    t:ok(tonumber(length) > 300, length)
    host:wait_for_log "NO CODE"
end)

test("3261-21.5.4.a destinations rest, in all processes, until their time is over", function(t)
    local host, open = starter(t, { extra = [[route[BEFORE] {
        if ($hdr(X-Rest) != $null) { sip_rest_destination("$hdr(X-Rest)", "$hdr(X-Seconds)"); }
        if (sip_is_resting("192.0.2.7:5060")) sl_send_reply("200", "Resting");
        else sl_send_reply("200", "Awake");
        exit;
    }]] })
    local function ask(transport, headers)
        local alice = open("alice", { transport = transport })
        local sent = alice:request("OPTIONS", { uri = "sip:example.test", headers = headers })
        local phrase = alice:expect_final(sent, 200).phrase
        alice:close()
        return phrase
    end
    t:equal(ask "udp", "Awake")
    t:equal(ask("udp", { { "X-Rest", "192.0.2.7:5060" }, { "X-Seconds", "60" } }), "Resting")
    for _ = 1, 4 do
        t:equal(ask "tcp", "Resting")
    end
    t:match(assert(host:rpc "reflow.rests"), "192%.0%.2%.7:5060")
    t:equal(ask("tcp", { { "X-Rest", "192.0.2.7:5060" }, { "X-Seconds", "0" } }), "Awake")
    t:equal(ask("tcp", { { "X-Rest", "192.0.2.7:5060" }, { "X-Seconds", "1" } }), "Resting")
    t:ok(ua.wait.until_true(ua.patience, function()
        return ask "udp" == "Awake"
    end), "it wakes by itself")
    ask("udp", { { "X-Rest", "a/b" }, { "X-Seconds", "1" } })
    host:wait_for_log 'sip_rest_destination%("a/b", 1%): host:port or host'
end)

-- --- counters ---

local function rule_names()
    local names = {}
    for line in io.lines "module/core/rules.def" do
        local id = line:match '^RULE%([%w_]+, +"([^"]+)"'
        if id then
            names["rule_" .. id:lower():gsub("[^%w]", "_")] = true
        end
    end
    return names
end

test("statistics have a name for each rule, class, action and hook, and count", function(t)
    local host, open = starter(t)
    local names = {}
    for name in assert(host:rpc("stats.get_statistics", "reflow:")):gmatch "reflow:(%S+) =" do
        t:match(name, "^[a-z0-9_]+$")
        names[name] = true
    end
    for name in pairs(rule_names()) do
        t:ok(names[name], "no " .. name)
    end
    for _, name in ipairs { "codes_1xx", "codes_6xx", "action_next_flow", "hook_response_entries",
        "hook_flow_down_errors", "policy_version", "requests_routed", "shared_memory_full" } do
        t:ok(names[name], "no " .. name)
    end
    local bob, alice = open "bob", open "alice"
    bob:register { instance = one, reg_id = 1 }
    local call = alice:invite(bob.aor)
    bob:reply(bob:expect "INVITE", 486)
    alice:expect_final(call, 486)
    t:equal(host:statistic "reflow:codes_4xx", 1)
    t:equal(host:statistic "reflow:action_fail", 1)
    t:equal(host:statistic "reflow:requests_routed", 1)
    t:equal(host:statistic "reflow:registers_accepted", 1)
    assert(host:rpc "reflow.reset_stats")
    t:equal(host:statistic "reflow:codes_4xx", 0)
    t:equal(host:statistic "reflow:requests_routed", 0)
end)

test("the same numbers for Prometheus, over HTTP", function(t)
    local host, open = starter(t, { modules = modules_with("xhttp", "xhttp_prom"),
        params = { { "xhttp_prom", "xhttp_prom_stats", "reflow:" } },
        extra = "event_route[xhttp:request] { prom_dispatch(); }" })
    local bob, alice = open "bob", open "alice"
    bob:register { instance = one, reg_id = 1 }
    local call = alice:invite(bob.aor)
    bob:reply(bob:expect "INVITE", 486)
    alice:expect_final(call, 486)
    local text, done = "", false
    local socket = uv.new_tcp()
    socket:connect("127.0.0.1", host.port, function()
        socket:write "GET /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"
        socket:read_start(function(_, chunk)
            text = text .. (chunk or "")
            local length, at = text:match "Content%-Length: (%d+).-\r\n\r\n()"
            done = not chunk or length and #text - at + 1 >= tonumber(length)
        end)
    end)
    t:ok(ua.wait.until_true(ua.patience, function()
        return done
    end), text)
    socket:close()
    t:match(text, "kamailio_reflow_codes_4xx[^\n]* 1[ \n]")
    for name in pairs(rule_names()) do
        t:match(text, "kamailio_reflow_" .. name .. "[ {]")
    end
end)

-- --- $reflow() and events ---

test("$reflow() tells the last decision of the message, and $null elsewhere", function(t)
    local host, open = starter(t, { config = (kamailio.routing:gsub("{ sip_on_failure%(%); }", [[{
        sip_decide();
        xlog("L_NOTICE", "DECIDED $reflow(action) $reflow(rule) $reflow(code) [$reflow(why)]\n");
        if ($reflow(status) == $null && $reflow(wait) == $null && $reflow(drop) == $null) xlog("L_NOTICE", "NO MORE\n");
        sip_on_failure();
    }]])), extra = [[route[BEFORE] {
        if ($reflow(action) == $null && $reflow(flow) == $null && $reflow(version) == $null)
            xlog("L_NOTICE", "NONE YET\n");
    }]] })
    local bob, alice = open "bob", open "alice"
    bob:register { instance = one, reg_id = 1 }
    local call = alice:invite(bob.aor)
    bob:reply(bob:expect "INVITE", 486)
    alice:expect_final(call, 486)
    host:wait_for_log "NONE YET"
    host:wait_for_log "DECIDED fail %d+%-[%d%.a-z]+ 486 %[[^%]]+%]"
    host:wait_for_log "NO MORE"
end)

test("events: a flow comes up, goes down; no target is left", function(t)
    local host, open = starter(t, { extra = [[
        event_route[reflow:flow-up] {
            xlog("L_NOTICE", "UP $reflow(aor) $reflow(reg_id) $reflow(instance) $reflow(reason) [$reflow(flow)]\n");
        }
        event_route[reflow:flow-down] {
            xlog("L_NOTICE", "DOWN $reflow(aor) $reflow(reg_id) $reflow(instance) $reflow(reason) [$reflow(flow)]\n");
        }
        event_route[reflow:exhausted] { xlog("L_NOTICE", "EXHAUSTED $reflow(code) $ci\n"); }]] })
    local bob, alice = open "bob", open "alice"
    bob:register { instance = one, reg_id = 1 }
    host:wait_for_log "UP %S*bob%S* 1 urn:uuid:[%w-]+ <null> %[tcp 127%.0%.0%.1:%d+"
    local call = alice:invite(bob.aor)
    bob:reply(bob:expect "INVITE", 486)
    alice:expect_final(call, 486)
    local _, _, call_id = host:wait_for_log "EXHAUSTED 486 (%S+)"
    t:equal(call_id, call:get "Call-ID")
    bob:close()
    host:wait_for_log "DOWN %S*bob%S* 1 urn:uuid:[%w-]+ closed %[tcp 127%.0%.0%.1:%d+"
end)

test("reflow.flows lists the bindings of an AOR with their flows", function(t)
    local host, open = starter(t)
    local first, second = open "bob", open("bob", { transport = "udp" })
    first:register { instance = one, reg_id = 1 }
    second:register { instance = two, reg_id = 3, expires = 100 }
    for _, name in ipairs { "sip:bob@example.test", "bob@example.test" } do
        local text = assert(host:rpc("reflow.flows", name))
        t:match(text, "reg_id: 1")
        t:match(text, "reg_id: 3")
        t:match(text, "flow: tcp 127%.0%.0%.1")
        t:match(text, "flow: udp 127%.0%.0%.1")
        t:match(text, "alive: yes")
        local left = tonumber(text:match "reg_id: 3.-expires: (%d+)")
        t:ok(left and left <= 100 and left > 40, text)
        t:match(text, "instance: <?" .. one:gsub("%-", "%%-"))
    end
    local carol = open "carol"
    carol:register { instance = one, reg_id = 1 }
    for _, words in ipairs { {}, { "*" }, { "*", "10" }, { "*", "10", "location" } } do
        local text = assert(host:rpc("reflow.flows", table.unpack(words)))
        t:equal(select(2, text:gsub("contact: ", "")), 3)
        t:match(text, "aor: [^\n]*carol[^\n]*\n.*transport: tcp%s+remote: 127%.0%.0%.1:" .. carol.local_port .. "\n")
        t:match(text, "transport: udp%s+remote: 127%.0%.0%.1:" .. second.local_port .. "\n")
        t:match(text, "age: %d+%s+expires: %d+")
        t:match(text, "left_out: 0")
    end
    local short = assert(host:rpc("reflow.flows", "*", "1"))
    t:equal(select(2, short:gsub("contact: ", "")), 1)
    t:match(short, "left_out: 2")
    t:match(select(2, host:rpc("reflow.flows", "*", "0")), "400")
    local nothing, why = host:rpc("reflow.flows", "sip:nobody@example.test")
    t:ok(not nothing)
    t:match(why, "404")
    nothing, why = host:rpc("reflow.flows", "sip:bob@example.test", "elsewhere")
    t:ok(not nothing)
    t:match(why, "no table elsewhere")
end)

test("reflow.connection lists the bindings of a connection", function(t)
    local host, open = starter(t)
    local bob, carol = open "bob", open "carol"
    bob:register { instance = one, reg_id = 1 }
    bob:register { instance = one, reg_id = 1, aor = carol.aor, expires = 100 }
    carol:register { instance = two, reg_id = 2 }
    local id = assert(host:rpc("reflow.flows", bob.aor)):match "flow: tcp %S+ #(%d+)"
    local text = assert(host:rpc("reflow.connection", id))
    t:match(text, "connection: " .. id .. "%s+addresses: tcp 127%.0%.0%.1:%d+%-127%.0%.0%.1:" .. bob.local_port)
    t:match(text, "state: open")
    t:match(text, "aor: %S*bob")
    t:match(text, "aor: %S*carol")
    t:match(text, "contact: " .. bob.contact_uri:gsub("%p", "%%%0"))
    t:match(text, "reg_id: 1")
    t:ok(not text:find "reg_id: 2")
    local left = tonumber(text:match "aor: %S*carol.-expires: (%d+)")
    t:ok(left and left <= 100 and left > 40, text)
    t:match(text, "left_out: 0")
    local alice = open "alice"
    alice:expect_final(alice:request("OPTIONS", { uri = "sip:example.test" }), 200)
    local plain
    for each in assert(host:rpc "core.tcp_list"):gmatch "id: (%d+)" do
        plain = host:rpc("reflow.connection", each)
        if plain and plain:find(":" .. alice.local_port, 1, true) then
            break
        end
    end
    t:match(plain, "127%.0%.0%.1:" .. alice.local_port)
    t:ok(not plain:find "aor: ")
    for _, words in ipairs { {}, { "0" }, { "s:-1" }, { "x" }, { id, "1" } } do
        t:match(select(2, host:rpc("reflow.connection", table.unpack(words))), "400")
    end
    t:match(select(2, host:rpc("reflow.connection", 999999)), "404")
end)

test("reflow.rest sets a rest and ends it", function(t)
    local host = starter(t)
    local function rests()
        return (assert(host:rpc "reflow.rests"):gsub("%s+", " "))
    end
    for _, name in ipairs { "192.0.2.7:5060", "trunk.example.net", "[2001:db8::7]:5060" } do
        t:match(assert(host:rpc("reflow.rest", name, 600)), "seconds: 600")
        t:match(rests(), "destination: " .. name:gsub("%p", "%%%0") .. " seconds: %d+")
        t:match(assert(host:rpc("reflow.rest", name, name:find "trunk" and "off" or 0)), "seconds: 0")
        t:match(rests(), "count: 0")
        t:match(select(2, host:rpc("reflow.rest", name, "off")), "404.*does not rest")
    end
    for _, words in ipairs { {}, { "192.0.2.7:5060" }, { "192.0.2.7:5060", "s:-1" }, { "192.0.2.7:5060", "soon" },
        { "192.0.2.7:5060", 604801 }, { "192.0.2.7:5060", 1, 1 }, { "a b", 5 } } do
        t:match(select(2, host:rpc("reflow.rest", table.unpack(words))), "400")
    end
end)

for _, transport in ipairs { "udp", "tcp", "tls", "ws", "wss" } do
    test("3263-4.3.b a phone that is silent is listed with its transport, until it registers again: " .. transport,
        function(t)
            local secure = (transport ~= "udp" and transport ~= "tcp")
                and certificates.new(t):sign("default", { names = "DNS:example.test" }) or nil
            local host = kamailio.start(t, { secure = secure,
                params = { { "tm", "fr_timer", 1000 }, { "reflow", "rest_silent", 600 } } })
            local function open(user, kind)
                return ua.open { port = host.ports and host.ports[kind] or host.port, user = user,
                    domain = host.domain, transport = kind }
            end
            local bob, alice = open("bob", transport), open("alice", "udp")
            -- An address that is not its own, so that it is called over its flow.
            local options = { supported = false,
                contact_uri = "sip:bob@192.0.2.9:5999" .. bob.contact_uri:match "[;]?[^;]*$":gsub("^sip:.*", "") }
            bob:register(options)
            local call = alice:invite(bob.aor)
            bob:expect "INVITE"
            alice:expect_final(call, 408)
            local listed = assert(host:rpc "reflow.rests")
            t:match(listed, "destination: " .. transport .. ":127%.0%.0%.1:%d+")
            t:match(listed, "count: 1\n")
            options.cseq = 9
            bob:register(options)
            t:match(assert(host:rpc "reflow.rests"), "count: 0\n")
        end)
end

test("a flow that dies, its binding, and a request without a target are in the log", function(t)
    local host, open = starter(t)
    local bob, alice = open "bob", open "alice"
    bob:register { instance = one, reg_id = 1 }
    bob:close()
    host:wait_for_log(("INFO: [^\n]*bob%%S*: flow tcp 127%%.0%%.0%%.1:%%d+%%-127%%.0%%.0%%.1:%d #%%d+ is down "):format(
        bob.local_port) .. "%(closed%): binding removed")
    local carol = open "carol"
    carol:register { supported = false, parameters = ';methods="INVITE, ACK, BYE, CANCEL"' }
    alice:expect_final(alice:request("MESSAGE", { uri = carol.aor }))
    host:wait_for_log "INFO: [^\n]*carol@%S+ has no target; bindings passed over: 1 that does not allow the method"
    -- Of somebody who is not registered there is nothing to say: strangers try names.
    alice:expect_final(alice:invite "sip:nobody@example.test")
    t:equal(#host:log_lines "nobody", 0)
end)

test("5626-7.f a binding whose connection is known to be gone is passed over, and the log says so", function(t)
    -- tcpops takes the event of closed connections: the module looks for them itself, here only when it has to.
    local host, open = starter(t, { modules = modules_with "tcpops",
        params = { { "reflow", "poll_interval", 60000 } } })
    local bob, alice = open "bob", open "alice"
    bob:register { instance = one, reg_id = 1 }
    local id = assert(host:rpc("reflow.flows", bob.aor)):match "flow: tcp %S+ #(%d+)"
    bob:close()
    local text
    t:ok(ua.wait.until_true(ua.patience, function()
        text = host:rpc("reflow.connection", id)
        return text and text:find "state: gone"
    end), text)
    t:match(text, "aor: %S*bob")
    alice:expect_final(alice:invite(bob.aor), 404)
    host:wait_for_log "INFO: [^\n]*bob@%S+ has no target; bindings passed over: 1 on a dead flow"
    host:wait_for_log "bob%S*: flow %S+ %S+ #%d+ is down %(closed%): binding removed"
    t:equal(host:statistic "reflow:bindings_skipped", 1)
end)

-- --- KEMI ---

local script = [[
local names = { "success", "provisional", "redirect", "client_error", "server_error", "global_failure", "final",
    "flow_failed" }
local function said(place, suffix, ...)
    local list = ""
    for _, name in ipairs(names) do
        if KSR.reflow["is_" .. name .. suffix](...) == 1 then list = list .. " " .. name end
    end
    KSR.notice("SAID " .. place .. ":" .. list .. ".\n")
end
function ksr_request_route()
    if KSR.is_method_in("A") then return 1 end
    KSR.tm.t_check_trans()
    if KSR.is_REGISTER() then
        KSR.reflow.save("location")
        return 1
    end
    if KSR.is_OPTIONS() then
        for _, code in ipairs { 183, 200, 302, 430, 486, 503, 603 } do said(code .. " code", "_code", code) end
        said("request", "")
        KSR.notice("EXPLAINED " .. KSR.reflow.explain(430) .. " " .. KSR.pv.get("$(reflow(text){s.substr,0,15})") ..
            " " .. KSR.reflow.explain_lang(430, "es") .. " " .. KSR.reflow.explain_lang(430, "xx") .. "\n")
        KSR.notice("RESTS " .. KSR.reflow.is_resting("h:1") .. KSR.reflow.rest_destination("h:1", 60) ..
            KSR.reflow.is_resting("h:1") .. KSR.reflow.rest_destination("", 60) .. "\n")
        KSR.sl.sl_send_reply(200, "OK")
        return 1
    end
    if KSR.reflow.route_flows("location") < 0 then
        KSR.sl.sl_send_reply(404, "Not Found")
        return 1
    end
    KSR.tm.t_on_reply("ksr_reply")
    KSR.tm.t_on_branch_failure("ksr_branch")
    KSR.tm.t_on_failure("ksr_failure")
    KSR.tm.t_relay()
    return 1
end
function ksr_reply() said("reply", "") return 1 end
function ksr_branch() said("branch", "") KSR.reflow.on_flow_failed() return 1 end
function ksr_failure() said("failure", "") KSR.reflow.on_failure() return 1 end
function ksr_event(event)
    KSR.notice("EVENT " .. event .. " " .. tostring(KSR.pv.get("$reflow(aor)")) .. " " ..
        tostring(KSR.pv.get("$reflow(code)")) .. "\n")
    return 1
end
]]

test("all of it in KEMI", function(t)
    if not uv.fs_stat(kamailio.module_path():match "[^:]+" .. "/app_lua.so") then
        t:skip "no app_lua.so"
    end
    local path = server.temporary ".lua"
    server.write(path, script)
    t:defer(function()
        os.remove(path)
    end)
    local host, open = starter(t, { config = 'cfgengine "lua"\n', modules = modules_with "app_lua",
        params = { { "app_lua", "load", path }, { "usrloc", "preload", "location" },
            { "reflow", "event_callback", "ksr_event" } } })
    local bob, alice = open "bob", open "alice"
    alice:expect_final(alice:request("OPTIONS", { uri = "sip:example.test" }), 200)
    for code in pairs(truths) do
        holds_in(host, code .. " code", code)
    end
    host:wait_for_log "SAID request:%."
    host:wait_for_log "EXPLAINED 1 430 Flow Failed 1 %-1"
    host:wait_for_log "RESTS %-111%-1"
    bob:register { instance = one, reg_id = 1 }
    host:wait_for_log "EVENT reflow:flow%-up %S*bob%S* nil"
    local call = alice:invite(bob.aor)
    local invite = bob:expect "INVITE"
    bob:reply(invite, 183)
    alice:expect(183)
    holds_in(host, "reply", 183)
    bob:reply(invite, 503)
    alice:expect_final(call, 500)
    for _, place in ipairs { "reply", "branch", "failure" } do
        holds_in(host, place, 503)
    end
    host:wait_for_log "EVENT reflow:exhausted nil 500"
    bob:close()
    host:wait_for_log "EVENT reflow:flow%-down %S*bob"
end)

tap.done()
