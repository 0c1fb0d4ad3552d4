-- SPDX-License-Identifier: BSD-2-Clause
-- call.user in Kamailio: the user whose password an authentication module has accepted, and nobody else. The module
-- auth marks credentials as authorized before it checks the password, so that $au proves nothing.
local host = require "host"
local kamailio = require "kamailio"
local peer = require "peer"
local server = require "server"
local tap = require "tap"
local wait = require "wait"

local test = tap.test

local policy = [[
sip_on_request(function(request, call)
  return sip_reply(603, tostring(call.user))
end)
]]

-- A wrong password goes on as if there had been none: the policy decides.
local routing = [[
route[CALL] {
    if ($hdr(X-Check) == "no") {
        if (sip_authenticated()) {
            sl_send_reply("500", "Authenticated Without a Check");
            exit;
        }
        return;
    }
    if (pv_proxy_authenticate("example.test", "secret", "0")) {
        sip_authenticated();
    } else if ($hdr(Proxy-Authorization) == $null) {
        proxy_challenge("example.test", "0");
        exit;
    } else {
        xlog("L_WARN", "au is $au\n");
    }
}
]]

-- MD5 by md5sum: no library is needed.
local function md5(text)
    local path = server.temporary ".txt"
    server.write(path, text)
    local pipe = assert(io.popen("md5sum " .. path))
    local sum = pipe:read("a"):match "^%x+"
    pipe:close()
    os.remove(path)
    return sum
end

-- options: policy, params (more parameters of this module), extra, config, core, modules (more of them).
local function start(t, options)
    options = options or {}
    local path = server.temporary ".lua"
    server.write(path, options.policy or policy)
    t:defer(function()
        os.remove(path)
    end)
    local modules = table.move(kamailio.modules, 1, #kamailio.modules, 2, { "auth" })
    table.move(options.modules or {}, 1, #(options.modules or {}), #modules, modules)
    modules[#modules + 1] = options.modules and "reflow" or nil
    local params = { { "usrloc", "use_domain", 1 }, { "reflow", "policy", path } }
    for name, value in pairs(options.params or {}) do
        params[#params + 1] = { "reflow", name, value }
    end
    local k = kamailio.start(t, { extra = options.extra or routing, modules = modules, params = params,
        config = options.config, core = options.core })
    return k, host.opener(k, "udp")
end

local function credentials(nonce, uri, user, password, realm)
    realm = realm or "example.test"
    local response = md5(table.concat({ md5(("%s:%s:%s"):format(user, realm, password)), nonce,
        md5("INVITE:" .. uri) }, ":"))
    return ('Digest username="%s", realm="%s", nonce="%s", uri="%s", response="%s", algorithm=MD5'):format(user, realm,
        nonce, uri, response)
end

local function seen(caller, options)
    options.uri = "sip:bob@example.test"
    return caller:expect_final(caller:request("INVITE", options), 603).phrase
end

local function nonce_of(caller)
    local refused = caller:expect_final(caller:request("INVITE", { uri = "sip:bob@example.test" }), 407)
    return refused:get("Proxy-Authenticate"):match 'nonce="(.-)"'
end

test("call.user is the user whose password was right", function(t)
    local _, open = start(t)
    local alice = open "alice"
    local nonce = nonce_of(alice)
    local function with(...)
        return { headers = { { "Proxy-Authorization", credentials(nonce, "sip:bob@example.test", ...) } } }
    end
    t:equal(seen(alice, with("alice", "secret")), "alice@example.test")
    t:equal(seen(alice, with("alice", "wrong")), "nil")
    t:equal(seen(alice, with("alice@example.test", "secret")), "alice@example.test")
    t:equal(seen(alice, with("alice@example.net", "secret")), "nil") -- the module has not compared that domain
end)

test("credentials that nobody has checked are not a user's", function(t)
    local k, open = start(t)
    local alice = open "alice"
    local nonce = nonce_of(alice)
    local header = { "Proxy-Authorization", credentials(nonce, "sip:bob@example.test", "alice", "secret") }
    t:equal(seen(alice, { headers = { header, { "X-Check", "no" } } }), "nil")
    local wrong = { "Proxy-Authorization", credentials(nonce, "sip:bob@example.test", "alice", "wrong") }
    t:equal(seen(alice, { headers = { wrong } }), "nil")
    t:match(k.log, "au is alice") -- what $au says of a wrong password
end)

test("a user is not the next message's", function(t)
    local _, open = start(t)
    local alice, mallory = open "alice", open "mallory"
    local nonce = nonce_of(alice)
    t:equal(seen(alice, { headers = { { "Proxy-Authorization",
        credentials(nonce, "sip:bob@example.test", "alice", "secret") } } }), "alice@example.test")
    for _ = 1, 8 do
        t:equal(seen(mallory, { headers = { { "X-Check", "no" } } }), "nil")
    end
end)

-- --- check_callers ---

-- Sends every request out, from any caller. Requests for carol and dave are sent out only after the first target has
-- failed, or has redirected the call.
local careless = [[
local out = "sip:out@127.0.0.1:%d"
sip_on_request(function(request, call)
  if request.uri:find "sip:carol@" then
    return sip_route()
  elseif request.uri:find "sip:dave@" then
    return sip_route(call.aor, { recurse = true })
  end
  return request.uri:find "sip:route@" and sip_route(out) or sip_relay(out)
end)
sip_on_response(486, function()
  return sip_relay(out)
end)
sip_on_exhausted(function(reply)
  return reply.code == 487 and sip_relay(out) or nil
end)
]]

-- Credentials are checked, and asked for only where the module wants them.
local lazy = [[
route[CALL] {
    if ($hdr(Proxy-Authorization) != $null && pv_proxy_authenticate("example.test", "secret", "0")) {
        sip_authenticated();
    }
}
]]

local challenging = kamailio.routing:gsub("    if %(!sip_route_flows%(\"location\"%)%) {", [[
    $var(rc) = sip_route_flows("location");
    if ($var(rc) == -5) {
        proxy_challenge("example.test", "0");
        exit;
    }
    if ($var(rc) < 0) {]], 1)

local function start_checking(t, more, config)
    local out = server.free_port()
    local params = { check_callers = 1, trunk = "127.0.0.2" }
    for name, value in pairs(more or {}) do
        params[name] = value
    end
    local k, open = start(t, { policy = careless:format(out), params = params, extra = lazy,
        config = config or challenging })
    return k, open, open("out", { local_port = out })
end

local function with_credentials(caller, uri, user)
    local refused = caller:expect_final(caller:request("INVITE", { uri = uri }), 407)
    local nonce = refused:get("Proxy-Authenticate"):match 'nonce="(.-)"'
    return caller:request("INVITE", { uri = uri, cseq = 2, headers = { { "Proxy-Authorization",
        credentials(nonce, uri, user or caller.user, "secret") } } })
end

-- The destination of the policy gets this call, and no other one before it.
local function expect_out(t, out, caller, call)
    local invite = out:expect "INVITE"
    t:equal(invite:get "Call-ID", call:get "Call-ID")
    out:reply(invite, 480)
    caller:expect_final(call, 480)
end

test("3261-16.3.a with check_callers a policy lets out users and trunks alone", function(t)
    local k, open, out = start_checking(t)
    local alice, mallory, trunk = open "alice", open "mallory", open("trunk", { local_host = "127.0.0.2" })
    alice:register {}
    for _, caller in ipairs { mallory, alice } do -- a registration is no credential
        for _, uri in ipairs { "sip:bob@example.test", "sip:route@example.test", "sip:+15550199@example.net" } do
            caller:expect_final(caller:request("INVITE", { uri = uri }), 407)
            caller:expect_final(caller:request("MESSAGE", { uri = uri, from = "sip:mallory@example.net" }), 407)
        end
    end
    t:equal(k:statistic "reflow:verdicts_refused", 12)
    expect_out(t, out, alice, with_credentials(alice, "sip:bob@example.test"))
    expect_out(t, out, alice, with_credentials(alice, "sip:route@example.test"))
    expect_out(t, out, trunk, trunk:request("INVITE", { uri = "sip:bob@example.test" }))
    expect_out(t, out, mallory, mallory:request("INVITE", { uri = "urn:service:sos" }))
end)

test("3261-16.3.a with check_callers no later hook lets a stranger out, and no redirect", function(t)
    local k, open, out = start_checking(t)
    local alice, mallory, phones = open "alice", open "mallory", {}
    for _, user in ipairs { "carol", "dave" } do
        phones[user] = open(user)
        phones[user]:register {}
    end
    local moved = { headers = { { "Contact", ("<sip:out@127.0.0.1:%d>"):format(out.local_port) } } }
    for _, each in ipairs { { "carol", 486 }, { "carol", 487 }, { "dave", 302, moved } } do
        local user, status, options = table.unpack(each)
        local call = mallory:request("INVITE", { uri = ("sip:%s@example.test"):format(user) })
        phones[user]:reply(phones[user]:expect "INVITE", status, options)
        mallory:expect_final(call, status)
    end
    t:equal(k:statistic "reflow:verdicts_refused", 2)
    assert(wait.until_true(kamailio.patience, function()
        return k.log:find("refused: it would break rule 3261-16.3.a", 1, true)
    end), "the log does not name the rule")
    for _, each in ipairs { { "carol", 486 }, { "carol", 487 }, { "dave", 302, moved } } do
        local user, status, options = table.unpack(each)
        local uri = ("sip:%s@example.test"):format(user)
        -- Nobody asks for these credentials; the nonce comes from another call.
        local refused = alice:expect_final(alice:request("INVITE", { uri = "sip:bob@example.test" }), 407)
        local nonce = refused:get("Proxy-Authenticate"):match 'nonce="(.-)"'
        local call = alice:request("INVITE", { uri = uri, headers = { { "Proxy-Authorization",
            credentials(nonce, uri, "alice", "secret") } } })
        phones[user]:reply(phones[user]:expect "INVITE", status, options)
        expect_out(t, out, alice, call)
    end
end)

-- A call to "gateway" goes to a gateway first, and then to carol. The gateway answers over TCP, so that another process
-- runs the failure route than the one that has checked the credentials.
local after_gateway = challenging:gsub("    route%(CALL%);\n", [[
%0    if ($rU == "gateway") {
        $ru = "sip:gateway@127.0.0.1:GATEWAY;transport=tcp";
        t_on_failure("to_carol");
        t_relay();
        exit;
    }
]]):gsub("failure_route%[calls%]", [[
failure_route[to_carol] {
    $ru = "sip:carol@example.test";
    $du = $null;
    sip_route_flows("location");
    t_on_failure("calls");
    t_relay();
}
%0]])

test("3261-16.3.a a call that is routed to a user only in a failure route has its caller all the same", function(t)
    local gateway = peer.open(t, server.free_port(), function(request)
        return request.method == "INVITE" and peer.answer(request, 480) or nil
    end)
    local k, open, out = start_checking(t, nil, after_gateway:gsub("GATEWAY", gateway.port))
    local alice, mallory, trunk = open "alice", open "mallory", open("trunk", { local_host = "127.0.0.2" })
    local carol, uri = open "carol", "sip:gateway@example.test"
    carol:register {}
    local function call(caller, headers)
        local sent = caller:request("INVITE", { uri = uri, headers = headers })
        carol:reply(carol:expect "INVITE", 486)
        return sent
    end
    mallory:expect_final(call(mallory), 486)
    expect_out(t, out, trunk, call(trunk))
    expect_out(t, out, alice, call(alice, { { "Proxy-Authorization",
        credentials(nonce_of(alice), uri, "alice", "secret") } }))
    t:equal(k:statistic "reflow:verdicts_refused", 2) -- mallory's, and the one for the nonce
end)

test("call.user is known when the request is continued by another process", function(t)
    local config = kamailio.routing:gsub("    route%(CALL%);\n", [[
%0    async_task_route("LATER");
    exit;
}
route[LATER] {
]])
    local _, open = start(t, { config = config, core = "async_workers=1", modules = { "async" },
        extra = routing })
    local alice, mallory = open "alice", open "mallory"
    local header = { "Proxy-Authorization",
        credentials(nonce_of(alice), "sip:bob@example.test", "alice", "secret") }
    t:equal(seen(alice, { headers = { header } }), "alice@example.test")
    t:equal(seen(mallory, { headers = { { "X-Check", "no" } } }), "nil")
end)

test("without check_callers the policy decides by itself", function(t)
    local _, open, out = start_checking(t, { check_callers = 0 })
    local mallory = open "mallory"
    expect_out(t, out, mallory, mallory:request("INVITE", { uri = "sip:bob@example.test" }))
end)

test("a trunk may be written as IPv6", function(t)
    local _, open, out = start_checking(t, { trunk = "::ffff:127.0.0.0/126" })
    local trunk, mallory = open("trunk", { local_host = "127.0.0.3" }), open("mallory", { local_host = "127.0.0.4" })
    mallory:expect_final(mallory:request("INVITE", { uri = "sip:bob@example.test" }), 407)
    expect_out(t, out, trunk, trunk:request("INVITE", { uri = "sip:bob@example.test" }))
end)

test("wrong values of trunk are refused at start", function(t)
    for value, why in pairs { ["203.0.113.1/24"] = "no bits set", ["trunk.example.net"] = "not ADDRESS",
        ["203.0.113.0/33"] = "not ADDRESS", ["203.0.113.0/"] = "not ADDRESS", ["0.0.0.0/0"] = "everybody",
        ["::/0"] = "everybody", [""] = "not ADDRESS", ["::ffff:0:0/96"] = "everybody",
        ["::ffff:203.0.113.0/95"] = "not ADDRESS", ["::ffff:203.0.113.1/120"] = "no bits set" } do
        local ok, problem = pcall(kamailio.start, t, { params = { { "reflow", "trunk", value } } })
        t:equal(ok, false, value)
        t:match(problem, why)
    end
end)

tap.done()
