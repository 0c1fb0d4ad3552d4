-- SPDX-License-Identifier: BSD-2-Clause
--[[ Modules of Kamailio tried together with this one: each is loaded and used, two flows of a phone are registered, a
     call arrives over the second one because the first is dead, and BYE ends it. The table in module/kamailio/OWN.md,
     "Modules tried together", has a row for each. ]]
local uv = require "luv"
local certificates = require "certificates"
local kamailio = require "kamailio"
local manual = require "manual"
local media_proxy = require "media_proxy"
local server = require "server"
local tap = require "tap"
local ua = require "ua"

local test = tap.test
local schemas <const> = "/usr/share/kamailio/db_sqlite/"

-- As the manual recommends; route[BEFORE], route[CALL], route[WITHIN], route[SAVED] and failure_route's BUSY are the
-- module's own part of it.
local routing <const> = [[
request_route {
    route(BEFORE);
    if (is_method("CANCEL")) {
        if (t_check_trans()) t_relay();
        exit;
    }
    if (has_totag()) {
        if (sip_loose_route()) {
            route(WITHIN);
            if (!isdsturiset()) sip_handle_alias("location");
            t_relay();
            exit;
        }
        if (is_method("ACK")) {
            t_check_trans();
            exit;
        }
        route(UNROUTED);
        sl_send_reply("481", "Call/Transaction Does Not Exist");
        exit;
    }
    t_check_trans();
    remove_hf("Route");
    if (is_method("REGISTER")) {
        if (sip_save("location")) route(SAVED);
        exit;
    }
    if (is_method("INVITE|SUBSCRIBE|REFER")) {
        sip_record_route();
        sip_add_alias("location");
    }
    route(CALL);
    if (!sip_route_flows("location")) {
        route(NOBODY);
        sl_send_reply("480", "Temporarily Unavailable");
        exit;
    }
    t_on_branch_failure("flows");
    t_on_failure("calls");
    t_relay();
}
event_route[tm:branch-failure:flows] { sip_on_flow_failed(); }
failure_route[calls] {
    if (t_is_canceled()) exit;
    route(FAILED);
    sip_on_failure();
}
onreply_route { if (is_method("INVITE")) sip_add_alias("location"); }
]]

local function with_routes(text)
    for _, name in ipairs { "BEFORE", "CALL", "WITHIN", "UNROUTED", "SAVED", "NOBODY", "FAILED" } do
        if not text:find("route[" .. name .. "]", 1, true) then
            text = ("%s\nroute[%s] { return; }\n"):format(text, name)
        end
    end
    return text
end

local function database(t, ...)
    if not uv.fs_stat(schemas) then
        t:skip "no schema of Kamailio's for SQLite"
    end
    local path = server.temporary ".db"
    t:defer(function()
        os.remove(path)
    end)
    local parts = { "standard", "usrloc", ... }
    for _, part in ipairs(parts) do
        assert(os.execute(("sqlite3 '%s' <%s%s-create.sql"):format(path, schemas, part)))
    end
    return path, "sqlite:///" .. path
end

local function query(path, text)
    local pipe = assert(io.popen(("sqlite3 -cmd '.timeout 20000' '%s' \"%s\" 2>&1"):format(path, text)))
    local said = pipe:read "a"
    pipe:close()
    return (said:gsub("%s+$", ""))
end

--[[ Starts Kamailio with further modules before ours. what, all optional: modules, params (as in kamailio.start),
     routes (text), core, secure, domain, port. ]]
local function start(t, what)
    local names = {}
    for _, name in ipairs(kamailio.modules) do
        if name ~= "reflow" then
            names[#names + 1] = name
        end
    end
    local folder = kamailio.module_path():match "^[^:]+"
    for _, name in ipairs(what.modules or {}) do
        if not uv.fs_stat(("%s/%s.so"):format(folder, name)) then
            t:skip("no " .. name .. ".so")
        end
        names[#names + 1] = name
    end
    names[#names + 1] = "reflow"
    return kamailio.start(t, { config = with_routes(routing .. (what.routes or "")), modules = names,
        params = what.params, core = what.core, secure = what.secure, port = what.port, memory = 64,
        domain = what.domain })
end

local function opener(t, s, transport)
    return function(user, options)
        local all = { port = s.ports and s.ports[transport] or s.port, user = user, domain = s.domain,
            transport = transport }
        for name, value in pairs(options or {}) do
            all[name] = value
        end
        local phone = ua.open(all)
        t:defer(function()
            phone:close()
        end)
        return phone
    end
end

--[[ REGISTER of two flows, a call that comes over the second because the first one answers 430, and BYE from the called
     side. options.registered is called before the call. Returns what was seen: invite, answer, and the phones. ]]
local function play(t, s, options)
    options = options or {}
    local open = opener(t, s, options.transport or "tcp")
    local first, second, alice = open "bob", open "bob", opener(t, s, "udp") "alice"
    second:register { instance = ua.instance(1), reg_id = 2, q = "0.5" }
    first:register { instance = ua.instance(1), reg_id = 1, q = "1.0" }
    if options.registered then
        options.registered()
    end
    local call = alice:invite(options.uri or first.aor, options.invite)
    first:reply(first:expect "INVITE", 430)
    local invite = second:expect "INVITE"
    second:reply(invite, 180)
    second:reply(invite, 200, options.answer)
    local answer = alice:expect_final(call, 200)
    second:expect "ACK"
    local bye = second:within_called("BYE", invite)
    alice:reply(alice:expect "BYE", 200)
    second:expect_final(bye, 200)
    return { invite = invite, answer = answer, bob = second, alice = alice, call = call }
end

local function becomes(t, expected, get)
    local got
    ua.wait.until_true(ua.patience, function()
        got = get()
        return got == expected or ua.wait.pause(30)
    end)
    t:equal(got, expected)
end

local tried = {}

-- A row of the table.
local function with(name, body)
    tried[name] = true
    test("with " .. name, function(t)
        if not kamailio.available() then
            t:skip "no Kamailio, or no module"
        end
        body(t)
    end)
end

with("acc", function(t)
    local s = start(t, { modules = { "acc" }, params = { { "acc", "log_flag", 1 }, { "acc", "log_missed_flag", 2 },
        { "acc", "failed_transaction_flag", 3 } }, routes = [[
route[CALL] {
    if (is_method("INVITE")) {
        setflag(1);
        setflag(2);
        setflag(3);
    }
}
route[WITHIN] { setflag(1); }
]] })
    play(t, s)
    becomes(t, 2, function()
        return #s:log_lines "ACC: "
    end)
    local alice = opener(t, s, "udp") "alice"
    alice:expect_final(alice:invite "sip:nobody@example.test", 480)
    local bob = opener(t, s, "udp") "carol"
    bob:register()
    local call = alice:invite(bob.aor)
    bob:reply(bob:expect "INVITE", 486)
    alice:expect_final(call, 486)
    becomes(t, 1, function()
        return #s:log_lines "ACC: call missed"
    end)
end)

with("dialog", function(t)
    local s = start(t, { modules = { "dialog" },
        routes = 'route[CALL] { if (is_method("INVITE")) dlg_manage(); }' })
    play(t, s)
    t:equal(s:statistic "dialog:processed_dialogs", 1)
    becomes(t, 0, function()
        return s:statistic "dialog:active_dialogs"
    end)
end)

with("nathelper", function(t)
    local s = start(t, { params = { { "usrloc", "nat_bflag", 6 }, { "nathelper", "natping_interval", 1 },
        { "nathelper", "sipping_bflag", 6 }, { "nathelper", "sipping_from", "sip:keepalive@localhost" },
        { "nathelper", "ping_nated_only", 1 } },
        routes = 'route[BEFORE] { if (is_method("REGISTER") && nat_uac_test("19")) setbflag(6); }' })
    play(t, s)
    local phone = opener(t, s, "udp") "carol"
    phone.contact_uri = "sip:carol@192.168.1.9:5060"
    phone:register()
    phone:reply(phone:expect "OPTIONS", 200)
end)

local sdp <const> = table.concat({ "v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "c=IN IP4 127.0.0.1", "t=0 0",
    "m=audio 40000 RTP/AVP 0", "" }, "\r\n")
local described <const> = { headers = { { "Content-Type", "application/sdp" } }, body = sdp }

with("rtpengine", function(t)
    local proxy = media_proxy.start(t)
    local s = start(t, { modules = { "rtpengine" },
        params = { { "rtpengine", "rtpengine_sock", "udp:127.0.0.1:" .. proxy.port } }, routes = [[
route[CALL] { t_on_branch("media"); t_on_reply("media"); }
branch_route[media] { rtpengine_manage(); }
onreply_route[media] { if (status =~ "^[12]") rtpengine_manage(); sip_add_alias("location"); }
route[WITHIN] { if (is_method("BYE")) rtpengine_manage(); }
]] })
    local seen = play(t, s, { invite = described, answer = described })
    t:match(seen.invite.body, "192%.0%.2%.99")
    t:match(seen.answer.body, "192%.0%.2%.99")
    t:equal(table.concat(proxy.commands, " "), "offer offer answer delete")
end)

with("topoh", function(t)
    local s = start(t, { modules = { "topoh" }, params = { { "topoh", "mask_key", "a secret" },
        { "topoh", "mask_ip", "127.0.0.8" } } })
    local seen = play(t, s)
    t:match(seen.invite:get "Contact" or "", "127%.0%.0%.8")
    t:ok(not seen.invite.text or not seen.invite:get("Contact"):find(":" .. seen.alice.local_port, 1, true))
end)

with("topos", function(t)
    local path, url = database(t, "topos")
    local s = start(t, { modules = { "db_sqlite", "topos" }, params = { { "topos", "db_url", url } } })
    local seen = play(t, s)
    t:equal(#seen.invite:values "Record-Route", 0)
    t:ok(tonumber(query(path, "select count(*) from topos_d")) >= 1)
end)

with("uac", function(t)
    local s = start(t, { modules = { "uac" }, params = { { "uac", "restore_mode", "auto" },
        { "rr", "append_fromtag", 1 } },
        routes = 'route[CALL] { if (is_method("INVITE")) uac_replace_from("Desk", "sip:+15550100@example.test"); }' })
    local seen = play(t, s)
    t:match(seen.invite:get "From", "sip:%+15550100@example%.test")
    t:match(seen.answer:get "From", "sip:alice@example%.test")
end)

with("dispatcher", function(t)
    local list, port = server.temporary ".list", server.free_port()
    t:defer(function()
        os.remove(list)
    end)
    local dead = server.free_port()
    server.write(list, ("1 sip:127.0.0.1:%d\n1 sip:127.0.0.1:%d\n"):format(dead, port))
    local s = start(t, { modules = { "dispatcher" }, params = { { "dispatcher", "list_file", list },
        { "dispatcher", "flags", 2 }, { "dispatcher", "xavp_dst", "trunks" }, { "tm", "failure_exec_mode", 1 } },
        routes = [[
route[CALL] {
    if ($rU =~ "^\+" && ds_select_dst("1", "8")) {
        t_on_failure("calls");
        t_relay();
        exit;
    }
}
route[FAILED] {
    if ($xavp(trunks) != $null && t_check_status("477|5[0-9][0-9]") && ds_next_dst()) {
        t_on_failure("calls");
        t_relay();
        exit;
    }
}
]] })
    play(t, s)
    local first, second = opener(t, s, "udp")("trunk", { local_port = dead }), opener(t, s, "udp")("trunk",
        { local_port = port })
    local alice = opener(t, s, "udp") "alice"
    local call = alice:invite "sip:+4930123456@example.test"
    local taken
    ua.wait.until_true(ua.patience, function()
        taken = #first.inbox > 0 and first or #second.inbox > 0 and second
        return taken
    end)
    taken:reply(taken:expect "INVITE", 503)
    local other = taken == first and second or first
    other:reply(other:expect "INVITE", 200)
    alice:expect_final(call, 200)
end)

with("tsilo", function(t)
    local s = start(t, { modules = { "registrar", "tsilo" }, routes = [[
route[SAVED] { if (is_present_hf("X-Woken")) ts_append_by_contact("location", "sip:$tU@$td"); }
route[CALL] {
    if (!is_method("INVITE")) return;
    t_newtran();
    ts_store("sip:$rU@$rd");
}
]] })
    play(t, s)
    local open = opener(t, s, "tcp")
    local alice, desk, cell = open "alice", open "carol", open "carol"
    desk:register { instance = ua.instance(3), reg_id = 1 }
    local call = alice:invite(desk.aor)
    desk:reply(desk:expect "INVITE", 180)
    alice:expect(180)
    -- The desk's REGISTER has its answer before route[SAVED], which must not find the call while it is being relayed.
    cell:register { instance = ua.instance(4), reg_id = 1, headers = { { "X-Woken", "1" } } }
    cell:reply(cell:expect "INVITE", 200)
    alice:expect_final(call, 200)
    desk:expect "CANCEL"
end)

with("presence", function(t)
    local path, url = database(t, "presence")
    local s = start(t, { modules = { "db_sqlite", "presence", "presence_xml" }, params = {
        { "presence", "db_url", url }, { "presence_xml", "db_url", url }, { "presence_xml", "force_active", 1 } },
        routes = [[
route[EVENTS] {
    if (!is_method("SUBSCRIBE|PUBLISH")) return;
    sip_add_alias("location");
    msg_apply_changes();
    if (!t_newtran()) return;
    if (is_method("PUBLISH")) handle_publish();
    else handle_subscribe();
    t_release();
    exit;
}
route[BEFORE] { if (!has_totag()) route(EVENTS); }
route[UNROUTED] { if (uri == myself) route(EVENTS); }
]] , core = 'loadmodule "textopsx.so"' })
    play(t, s)
    local bob, alice = opener(t, s, "tcp") "carol", opener(t, s, "udp") "alice"
    bob.contact_uri = "sip:carol@192.168.1.9:5060;transport=tcp"
    local subscribe = bob:request("SUBSCRIBE", { uri = alice.aor, headers = { { "Event", "presence" },
        { "Accept", "application/pidf+xml" }, { "Expires", "600" } } })
    t:match(tostring(bob:expect_final(subscribe).status), "^20[02]$")
    bob:reply(bob:expect "NOTIFY", 200)
    alice:expect_final(alice:request("PUBLISH", { uri = alice.aor, headers = { { "Event", "presence" },
        { "Content-Type", "application/pidf+xml" }, { "Expires", "600" } }, body =
        '<?xml version="1.0"?><presence xmlns="urn:ietf:params:xml:ns:pidf" entity="sip:alice@example.test">'
        .. '<tuple id="a"><status><basic>open</basic></status></tuple></presence>' }), 200)
    local notify = bob:expect "NOTIFY"
    bob:reply(notify, 200)
    t:match(notify.body or "", "open")
    t:ok(path)
end)

with("msilo", function(t)
    local path, url = database(t, "msilo")
    local port = server.free_port()
    local s = start(t, { port = port, modules = { "db_sqlite", "msilo" }, params = { { "msilo", "db_url", url },
        { "msilo", "outbound_proxy", "sip:127.0.0.1:" .. port },
        { "msilo", "from_address", "sip:registrar@example.test" } }, routes = [[
route[NOBODY] {
    if (is_method("MESSAGE") && m_store("$ru")) {
        sl_send_reply("202", "Accepted");
        exit;
    }
}
route[SAVED] { m_dump(); }
]] })
    play(t, s)
    local alice, carol = opener(t, s, "udp") "alice", opener(t, s, "tcp") "carol"
    alice:expect_final(alice:request("MESSAGE", { uri = carol.aor, headers = { { "Content-Type", "text/plain" } },
        body = "later" }), 202)
    t:equal(query(path, "select count(*) from silo"), "1")
    carol:register { instance = ua.instance(3), reg_id = 1 }
    local message = carol:expect "MESSAGE"
    t:match(message.body, "later")
    carol:reply(message, 200)
end)

with("siptrace", function(t)
    local capture, captured = uv.new_udp(), {}
    assert(capture:bind("127.0.0.1", 0))
    capture:recv_start(function(_, bytes)
        captured[#captured + 1] = bytes
    end)
    t:defer(function()
        capture:close()
    end)
    local s = start(t, { modules = { "siptrace" }, params = { { "siptrace", "trace_to_database", 0 },
        { "siptrace", "duplicate_uri", "sip:127.0.0.1:" .. capture:getsockname().port },
        { "siptrace", "hep_mode_on", 1 }, { "siptrace", "hep_version", 3 }, { "siptrace", "trace_on", 1 },
        { "siptrace", "trace_flag", 10 } }, routes = [[
route[CALL] {
    setflag(10);
    sip_trace();
}
]] })
    play(t, s)
    local function has(pattern)
        return table.concat(captured):find(pattern) and true
    end
    becomes(t, true, function()
        return has "SIP/2.0 430" and has "SIP/2.0 200" and has "INVITE sip:"
    end)
end)

with("htable", function(t)
    local s = start(t, { modules = { "htable" }, params = { { "htable", "htable", "calls=>size=8;initval=0" } },
        routes = 'route[CALL] { if (is_method("INVITE")) $var(n) = $shtinc(calls=>$rU); }' })
    play(t, s)
    t:match(s:rpc("htable.get", "calls", "bob"), "value: 1")
end)

with("pike", function(t)
    local s = start(t, { modules = { "pike" }, params = { { "pike", "sampling_time_unit", 1 },
        { "pike", "reqs_density_per_unit", 30 } },
        routes = [[
route[BEFORE] {
    if ($si != "127.0.0.1" && !pike_check_req()) {
        sl_send_reply("503", "Flood");
        exit;
    }
}
]] })
    play(t, s)
    local flooder = ua.open { port = s.port, user = "flood", transport = "udp", local_host = "127.0.0.2" }
    t:ok(ua.wait.until_true(ua.patience, function()
        for _ = 1, 50 do
            flooder:request("OPTIONS", { uri = "sip:nobody@example.test" })
        end
        return flooder:receive(503, 50)
    end))
    flooder:close()
end)

with("auth_db", function(t)
    local path, url = database(t, "auth_db")
    query(path, "insert into subscriber (username, domain, password) values ('bob', 'example.test', 'secret')")
    local s = start(t, { modules = { "db_sqlite", "auth", "auth_db" }, params = { { "auth_db", "db_url", url },
        { "auth_db", "calculate_ha1", 1 }, { "auth_db", "password_column", "password" },
        { "auth_db", "use_domain", 1 } },
        routes = [[
route[BEFORE] {
    if (!is_method("REGISTER")) return;
    if (!auth_check("$fd", "subscriber", "1")) {
        auth_challenge("$fd", "0");
        exit;
    }
    sip_authenticated();
    consume_credentials();
}
]] })
    local digest = require "digest"
    local register = ua.open { port = s.port, user = "bob", transport = "tcp" }
    local known = getmetatable(register).__index.register
    t:defer(function()
        getmetatable(register).__index.register = known
    end)
    -- Every phone of play() registers with the password.
    getmetatable(register).__index.register = function(phone, options)
        options.expect = 401
        local challenged = known(phone, options)
        options.headers = { digest.header(digest.challenges(challenged)[1], { user = "bob", password = "secret",
            method = "REGISTER", uri = "sip:example.test" }) }
        options.expect = 200
        return known(phone, options)
    end
    play(t, s)
    register:close()
end)

with("alias_db", function(t)
    local path, url = database(t, "alias_db")
    query(path, "insert into dbaliases (alias_username, alias_domain, username, domain) values ('+15550102', "
        .. "'example.test', 'bob', 'example.test')")
    local s = start(t, { modules = { "db_sqlite", "alias_db" }, params = { { "alias_db", "db_url", url },
        { "alias_db", "use_domain", 1 } }, routes = 'route[CALL] { alias_db_lookup("dbaliases"); }' })
    play(t, s, { uri = "sip:+15550102@example.test" })
end)

with("domain", function(t)
    local path, url = database(t, "domain")
    query(path, "insert into domain (domain, did) values ('example.test', 'example.test')")
    local s = start(t, { modules = { "db_sqlite", "domain" }, params = { { "domain", "db_url", url },
        { "domain", "register_myself", 1 }, { "usrloc", "use_domain", 1 } }, domain = "another.test",
        routes = [[
route[BEFORE] {
    if (uri != myself && !has_totag()) {
        sl_send_reply("403", "Relaying Denied");
        exit;
    }
}
]] })
    s.domain = "example.test"
    play(t, s)
    local alice = opener(t, s, "udp") "alice"
    alice:expect_final(alice:invite "sip:bob@elsewhere.test", 403)
end)

with("path", function(t)
    local registrar = start(t, {})
    local edge = kamailio.start(t, { config = "examples/kamailio/edge.cfg", defines = {
        ('REFLOW="%s"'):format(uv.fs_realpath(kamailio.module)), "CHILDREN=2", "REGISTRAR=127.0.0.1",
        "REGISTRAR_PORT=" .. registrar.port } })
    local first, second = opener(t, edge, "tcp") "bob", opener(t, edge, "tcp") "bob"
    second:register { instance = ua.instance(1), reg_id = 2, q = "0.5" }
    first:register { instance = ua.instance(1), reg_id = 1, q = "1.0" }
    first:close()
    opener(t, registrar, "udp") "alice":call(second)
end)

with("outbound", function(t)
    -- Loaded in each of these tests: the registrar's own support of it is not used.
    local s = start(t, { modules = { "registrar" }, params = { { "registrar", "outbound_mode", 2 } } })
    t:equal(s:rpc "core.modules":find("outbound", 1, true) ~= nil, true)
    play(t, s)
end)

for _, transport in ipairs { "wss", "tls" } do
    with(transport == "wss" and "websocket" or "tls", function(t)
        local files = certificates.new(t):sign("default", { names = "DNS:example.test" })
        local s = start(t, { secure = files, core = "tcp_children=1" })
        play(t, s, { transport = transport })
        if transport == "wss" then
            play(t, s, { transport = "ws" })
        end
    end)
end

with("dmq", function(t)
    local ports = { server.free_port(), server.free_port() }
    local nodes = {}
    for index = 1, 2 do
        local own, peer = ports[index], ports[3 - index]
        nodes[index] = start(t, { modules = { "dmq", "dmq_usrloc" }, port = own, core = "server_id=" .. index,
            params = { { "dmq", "server_address", "sip:127.0.0.1:" .. own },
                { "dmq", "notification_address", "sip:127.0.0.1:" .. peer }, { "dmq", "ping_interval", 60 },
                { "dmq_usrloc", "enable", 1 }, { "dmq_usrloc", "sync", 1 }, { "dmq_usrloc", "usrloc_delete", 1 } },
            routes = 'route[BEFORE] { if (is_method("KDMQ")) { dmq_handle_message(); exit; } }' })
    end
    assert(ua.wait.until_true(ua.patience, function()
        for _, node in ipairs(nodes) do
            if select(2, (node:rpc "dmq.list_nodes" or ""):gsub("status: active", "")) ~= 2 then
                return false
            end
        end
        return true
    end))
    local function has(count)
        becomes(t, count, function()
            return nodes[2]:statistic "usrloc:location_contacts"
        end)
    end
    -- Other workers take a binding and its removal: the second may come first.
    play(t, nodes[1], { registered = function()
        has(2)
    end })
    has(1)
end)

test("the manual's table has a row for each of these modules", function(t)
    local text = manual.section "## 5. Modules tried together"
    local rows = {}
    for name in text:gmatch "\n| ([%w_]+) |" do
        rows[name] = true
    end
    rows["module"] = nil
    for name in pairs(tried) do
        t:ok(rows[name], "no row for " .. name)
        rows[name] = nil
    end
    t:equal(next(rows), nil, "a row without a test")
end)

tap.done()
