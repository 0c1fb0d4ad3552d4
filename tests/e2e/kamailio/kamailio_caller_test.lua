-- SPDX-License-Identifier: BSD-2-Clause
-- call.user in Kamailio: the user whose password an authentication module has accepted, and nobody else. The module
-- auth marks credentials as authorized before it checks the password, so that $au proves nothing.
local host = require "host"
local kamailio = require "kamailio"
local server = require "server"
local tap = require "tap"


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

local function start(t)
    local path = server.temporary ".lua"
    server.write(path, policy)
    t:defer(function()
        os.remove(path)
    end)
    local modules = table.move(kamailio.modules, 1, #kamailio.modules, 2, { "auth" })
    local k = kamailio.start(t, { extra = routing, modules = modules,
        params = { { "usrloc", "use_domain", 1 }, { "reflow", "policy", path } } })
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

test("wrong values of trunk are refused at start", function(t)
    for value, why in pairs { ["203.0.113.1/24"] = "no bits set", ["trunk.example.net"] = "not ADDRESS",
        ["203.0.113.0/33"] = "not ADDRESS", ["203.0.113.0/"] = "not ADDRESS", ["0.0.0.0/0"] = "everybody",
        ["::/0"] = "everybody", [""] = "not ADDRESS" } do
        local ok, problem = pcall(kamailio.start, t, { params = { { "reflow", "trunk", value } } })
        t:equal(ok, false, value)
        t:match(problem, why)
    end
end)

tap.done()
