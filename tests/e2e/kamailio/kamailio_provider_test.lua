-- SPDX-License-Identifier: BSD-2-Clause
-- examples/kamailio/provider.cfg: users with passwords, trunks, voicemail, accounting, media and a second node.
package.path = "tests/bench/?.lua;" .. package.path
local media_proxy = require "media_proxy"
local process = require "process"
local provider = require "provider"
local server = require "server"
local tap = require "tap"
local ua = require "ua"

local test = tap.test
local domain <const> = provider.domain
local open, register, invite, take = provider.open, provider.register, provider.invite, provider.take

local function voicemail(t, s)
    return open(t, s, "voicemail", "udp", { local_port = s.voicemail_port })
end

-- What tls of 5.6 and of 6.0 logs at each start, and a write that SQLite has refused because of another one, are known.
local function is_known(line)
    return line:find "openssl bug #1491" or line:find "set maximum pthreads key" or line:find "db_sqlite"
        or line:find "acc_db_request"
end

local function complaints(log)
    local found = {}
    for line in log:gmatch "[^\n]+" do
        if (line:find "WARNING" or line:find "ERROR" or line:find "CRITICAL") and not is_known(line) then
            found[#found + 1] = line
        end
    end
    return table.concat(found, "\n")
end

-- The same calls with the module, and with save() and lookup() in its place.
local function both(name, body)
    test(name, body)
    test(name .. " [save() and lookup()]", function(t)
        provider.use_stock(t)
        body(t)
    end)
end

-- --- users ---

for _, transport in ipairs { "udp", "tcp", "tls", "ws", "wss" } do
    both("users register with their passwords and call each other over " .. transport, function(t)
        local s = provider.start(t)
        local alice, bob = open(t, s, "alice", transport), open(t, s, "bob", transport)
        alice:register { expect = 401 }
        register(bob, { instance = ua.instance(1), reg_id = 1 })
        take(bob, invite(alice, bob.aor), alice)
        take(bob, invite(alice, "sip:+15550102@" .. domain), alice)
        t:equal(complaints(s.log), "")
    end)
end

test("a call moves to the other flow of a phone after the first has died", function(t)
    local s = provider.start(t)
    local alice, gone, bob = open(t, s, "alice"), open(t, s, "bob", "tcp"), open(t, s, "bob", "tcp")
    register(bob, { instance = ua.instance(1), reg_id = 2, q = "0.5" })
    register(gone, { instance = ua.instance(1), reg_id = 1, q = "1.0" })
    local call = invite(alice, bob.aor)
    gone:reply(gone:expect "INVITE", 430)
    take(bob, call, alice)
    register(gone, { instance = ua.instance(1), reg_id = 1, q = "1.0" })
    gone:close()
    take(bob, invite(alice, bob.aor), alice)
end)

both("phones behind NAT are called over their flows, in both directions of a call", function(t)
    local s = provider.start(t)
    local alice, bob = open(t, s, "alice"), open(t, s, "bob", "tcp")
    alice.contact_uri, bob.contact_uri = "sip:alice@192.168.1.5:5060", "sip:bob@192.168.1.6:5060;transport=tcp"
    register(alice)
    register(bob)
    local request = invite(alice, bob.aor)
    local got = bob:expect "INVITE"
    bob:reply(got, 200)
    alice:expect_final(request, 200)
    bob:expect "ACK"
    local bye = bob:within_called("BYE", got)
    alice:reply(alice:expect "BYE", 200)
    bob:expect_final(bye, 200)
    t:match(s:rpc("ul.lookup", "location", "bob@" .. domain), "CFlags: 64")
end)

test("a wrong password, and whoever guesses many", function(t)
    local s = provider.start(t, { defines = { "GUESSES=3" } })
    local alice = open(t, s, "alice")
    local mallory = open(t, s, "alice", "udp", { local_host = "127.0.0.2" })
    local uri = "sip:" .. domain
    for _ = 1, 3 do
        local challenged = mallory:register { expect = 401 }
        mallory:register { expect = 401, headers = provider.credentials(mallory, challenged, "REGISTER", uri, "guess") }
    end
    mallory:register { expect = 403 }
    t:match(s.log, "wrong password source=127%.0%.0%.2 transport=udp user=alice@example%.test")
    -- A nonce of one address is worth nothing to another one: nobody is refused for what others send in his name.
    local own = alice:register { expect = 401 }
    for _ = 1, 5 do
        local forged = provider.credentials(alice, own, "REGISTER", uri, "guess")
        open(t, s, "alice", "udp", { local_host = "127.0.0.4" }):register { expect = 401, headers = forged }
    end
    register(open(t, s, "alice", "udp", { local_host = "127.0.0.4" }))
    -- The user in From is the one whose password it is.
    local bob = open(t, s, "bob")
    local challenged = bob:register { expect = 401 }
    bob:register { aor = alice.aor, expect = 401, headers = provider.credentials(bob, challenged, "REGISTER", uri) }
end)

-- --- trunks ---

both("users call numbers through a trunk, and the trunk calls users by their numbers", function(t)
    local s = provider.start(t, { trunks = 1 })
    local alice, bob, trunk = open(t, s, "alice"), open(t, s, "bob"), provider.trunk(t, s, 1)
    register(bob)
    local got = take(trunk, invite(alice, "sip:+4930123456@" .. domain), alice)
    t:equal(got:get "P-Asserted-Identity", "<sip:+15550101@example.test>")
    take(trunk, invite(alice, "sip:004930123456@" .. domain), alice)
    take(trunk, invite(alice, "sip:112@" .. domain), alice)
    take(bob, trunk:invite("sip:+15550102@" .. domain, { from = "sip:+15550177@trunk.example.net" }), trunk)
    -- Nothing goes from one trunk to another.
    trunk:expect_final(trunk:invite("sip:+15550199@" .. domain), 403)
end)

for _, case in ipairs { { "busy, the caller hears that", 486, 486 }, { "out of order, the next one is tried", 503 } } do
    both("a trunk that is " .. case[1], function(t)
        local s = provider.start(t)
        local alice, first, second = open(t, s, "alice"), provider.trunk(t, s, 1), provider.trunk(t, s, 2)
        for _, each in ipairs { first, second } do
            each:serve { OPTIONS = 200 }
        end
        local request = invite(alice, "sip:+4930123456@" .. domain)
        local taken, other
        ua.wait.until_true(ua.patience, function()
            taken = #first.inbox > 0 and first or #second.inbox > 0 and second
            return taken
        end)
        other = taken == first and second or first
        taken:reply(taken:expect "INVITE", case[2])
        if case[3] then
            alice:expect_final(request, case[3])
            other:expect_none("INVITE", 100)
        else
            take(other, request, alice)
        end
    end)
end

both("no trunk takes the call: 480", function(t)
    local s = provider.start(t, { trunks = 1 })
    local alice, trunk = open(t, s, "alice"), provider.trunk(t, s, 1)
    local request = invite(alice, "sip:+4930123456@" .. domain)
    trunk:reply(trunk:expect "INVITE", 503)
    alice:expect_final(request, 480)
end)

-- --- voicemail ---

for _, transport in ipairs { "udp", "tcp" } do
    both("calls go to voicemail on busy, on no answer and if nobody is registered: " .. transport, function(t)
        local s = provider.start(t, { defines = { "NO_ANSWER=1500" } })
        local alice, bob, mailbox = open(t, s, "alice"), open(t, s, "bob", transport), voicemail(t, s)
        local got = take(mailbox, invite(alice, bob.aor), alice)
        t:equal(got.uri, ("sip:bob@127.0.0.1:%d"):format(s.voicemail_port))
        register(bob, { instance = ua.instance(1), reg_id = 1 })
        local request = invite(alice, bob.aor)
        bob:reply(bob:expect "INVITE", 486)
        take(mailbox, request, alice)
        request = invite(alice, bob.aor)
        local rings = bob:expect "INVITE"
        bob:reply(rings, 180)
        local cancel = bob:expect "CANCEL"
        bob:reply(cancel, 200)
        bob:reply(rings, 487)
        take(mailbox, request, alice)
    end)
end

both("voicemail does not take the call: 480", function(t)
    local s = provider.start(t)
    local alice, mailbox = open(t, s, "alice"), voicemail(t, s)
    local request = invite(alice, "sip:bob@" .. domain)
    mailbox:reply(mailbox:expect "INVITE", 404)
    alice:expect_final(request, 480)
end)

both("a caller who hangs up is not sent to voicemail", function(t)
    local s = provider.start(t)
    local alice, bob, mailbox = open(t, s, "alice"), open(t, s, "bob"), voicemail(t, s)
    register(bob)
    local request = invite(alice, bob.aor)
    local rings = bob:expect "INVITE"
    bob:reply(rings, 180)
    alice:expect(180)
    alice:cancel(request)
    bob:reply(bob:expect "CANCEL", 200)
    bob:reply(rings, 487)
    alice:expect_final(request, 487)
    mailbox:expect_none("INVITE", 200)
end)

-- --- accounting ---

local function rows(t, s, text, expected)
    local got
    ua.wait.until_true(ua.patience, function()
        got = provider.query(s.database, text)
        return got == expected or ua.wait.pause(50)
    end)
    t:equal(got, expected, text)
end

test("each call has one record, its end another one, and a missed call one", function(t)
    local s = provider.start(t, { defines = { "CHILDREN=1" } })
    local alice, bob, mailbox = open(t, s, "alice"), open(t, s, "bob"), voicemail(t, s)
    local dead = open(t, s, "bob")
    register(bob, { instance = ua.instance(1), reg_id = 1, q = "0.5" })
    take(bob, invite(alice, bob.aor), alice)
    rows(t, s, "select method, sip_code, src_user, dst_user from acc order by id",
        "INVITE|200|alice|bob\nBYE|200|alice|bob")
    register(dead, { instance = ua.instance(1), reg_id = 2, q = "1.0" })
    local request = invite(alice, bob.aor)
    dead:reply(dead:expect "INVITE", 430)
    bob:reply(bob:expect "INVITE", 486)
    take(mailbox, request, alice)
    rows(t, s, "select count(*), count(distinct callid) from acc where method = 'INVITE' and sip_code = '200'", "2|2")
    rows(t, s, "select count(*), max(sip_code) from missed_calls", "1|486")
    local logged
    ua.wait.until_true(ua.patience, function()
        logged = #s:log_lines "ACC: .*transaction answered"
        return logged == 4
    end)
    t:equal(logged, 4)
end)

-- --- strangers ---

both("strangers reach the users, and neither the trunk nor the names of users", function(t)
    local s = provider.start(t)
    local bob, mallory = open(t, s, "bob"), open(t, s, "mallory", "udp", { domain = "example.net" })
    register(bob)
    take(bob, mallory:invite(bob.aor), mallory)
    local got = mallory:invite(bob.aor, { headers = { { "P-Asserted-Identity", "<sip:alice@example.test>" } } })
    local received = bob:expect "INVITE"
    t:equal(received:get "P-Asserted-Identity", nil)
    bob:reply(received, 603)
    mallory:expect_final(got, 603)
    mallory:expect_final(mallory:invite "sip:+4930123456@example.test", 403)
    mallory:expect_final(mallory:invite(bob.aor, { from = "sip:alice@example.test" }), 407)
    mallory:expect_final(mallory:invite "sip:bob@example.org", 403)
    for _, method in ipairs { "KDMQ", "REGISTER", "PUBLISH" } do
        mallory:expect_final(mallory:request(method, { uri = "sip:example.test" }))
    end
end)

-- Registers alice with a binding that is called at `address`.
local function register_at(t, s, way, address)
    local alice = open(t, s, "alice", way == "connection" and "tcp" or "udp")
    local challenged = alice:register { expect = 401 }
    local options = { headers = provider.credentials(alice, challenged, "REGISTER", "sip:" .. domain) }
    if way == "path" then
        table.insert(options.headers, { "Path", ("<sip:%s;lr>"):format(address) })
    else
        options.contact = ("<sip:+4930999@%s>"):format(address)
    end
    if way == "proxy" then
        options.via = { alice:via "z9hG4bKabove", "SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKbelow" }
    end
    alice:register(options)
    if way == "connection" then
        alice:close()
        s:wait_for_log(("flow tcp [^\n]*:%d #%%d+ is down"):format(alice.local_port))
    end
    return alice.aor
end

for _, way in ipairs { "proxy", "path", "connection" } do
    test("no binding of a user leads to a trunk or to voicemail: " .. way, function(t)
        local s = provider.start(t, { trunks = 1 })
        local trunk, mailbox = provider.trunk(t, s, 1), voicemail(t, s)
        local mallory = open(t, s, "mallory", "udp", { domain = "example.net" })
        trunk:serve { OPTIONS = 200 }
        local aor = register_at(t, s, way, provider.trunk_host .. ":" .. s.trunk_ports[1])
        local request = mallory:invite(aor)
        s:wait_for_log "not called: address=127%.0%.0%.3:"
        mallory:expect_final(request, 480)
        trunk:expect_none("INVITE", 100)
        register_at(t, s, way, "127.0.0.1:" .. s.voicemail_port)
        request = mallory:invite(aor)
        s:wait_for_log "not called: address=127%.0%.0%.1:"
        mallory:expect_final(request, 480)
        mailbox:expect_none("INVITE", 100)
    end)
end

test("a binding that leads to a trunk does not hold up the others of the user", function(t)
    local s = provider.start(t, { trunks = 1 })
    local bob, trunk, mailbox = open(t, s, "bob"), provider.trunk(t, s, 1), voicemail(t, s)
    local mallory = open(t, s, "mallory", "udp", { domain = "example.net" })
    trunk:serve { OPTIONS = 200 }
    local path = { "Path", ("<sip:%s:%d;lr>"):format(provider.trunk_host, s.trunk_ports[1]) }
    for q, extra in pairs { ["0.5"] = false, ["0.3"] = path } do
        local contact = ("<sip:bob%s@127.0.0.1:%d>;q=%s"):format(extra and "2" or "", bob.local_port, q)
        local headers = provider.credentials(bob, bob:register { expect = 401 }, "REGISTER", "sip:" .. domain)
        headers[2] = extra or nil
        bob:register { headers = headers, contact = contact }
    end
    take(bob, mallory:invite(bob.aor), mallory)
    local request = mallory:invite(bob.aor)
    bob:reply(bob:expect "INVITE", 486)
    take(mailbox, request, mallory)
    trunk:expect_none("INVITE", 100)
end)

test("within a call, an INVITE reaches a trunk only if the call is one with a trunk", function(t)
    local s = provider.start(t, { trunks = 1 })
    local alice, bob, trunk = open(t, s, "alice"), open(t, s, "bob"), provider.trunk(t, s, 1)
    local mallory = open(t, s, "mallory", "udp", { domain = "example.net" })
    local uri = ("sip:+4930123456@%s:%d"):format(provider.trunk_host, s.trunk_ports[1])
    trunk:serve { OPTIONS = 200 }
    register(bob)
    local function again(caller, callee, request)
        callee:reply(callee:expect "INVITE", 200)
        local answer = caller:expect_final(request, 200)
        callee:expect "ACK"
        local contact = ("<%s>"):format(caller.contact_uri)
        return caller:within("INVITE", request, answer, { cseq = 5, uri = uri, contact = contact })
    end
    mallory:expect_final(again(mallory, bob, mallory:invite(bob.aor)), 403)
    trunk:expect_none("INVITE", 100)
    local request = again(alice, trunk, invite(alice, "sip:+4930123456@" .. domain))
    trunk:reply(trunk:expect "INVITE", 200)
    alice:expect_final(request, 200)
    -- The called user in a call of the trunk.
    local incoming = trunk:invite("sip:+15550102@" .. domain)
    local got = bob:expect "INVITE"
    bob:reply(got, 200)
    trunk:expect_final(incoming, 200)
    request = bob:within_called("INVITE", got, { uri = uri, contact = ("<%s>"):format(bob.contact_uri) })
    trunk:reply(trunk:expect "INVITE", 200)
    bob:expect_final(request, 200)
end)

test("voicemail takes calls for users alone", function(t)
    local s = provider.start(t, { trunks = 1 })
    local mailbox = voicemail(t, s)
    local mallory = open(t, s, "mallory", "udp", { domain = "example.net" })
    for _, user in ipairs { "*97", "%2B4930123456", "+4930123456;x=1", "nobody" } do
        mallory:expect_final(mallory:invite(("sip:%s@%s"):format(user, domain)), 404)
    end
    mailbox:expect_none("INVITE", 100)
    take(mailbox, mallory:invite("sip:BOB@" .. domain:upper()), mallory)
end)

test("a request that cannot be challenged reaches nobody outside a call", function(t)
    local s = provider.start(t, { trunks = 1 })
    local trunk = provider.trunk(t, s, 1)
    local mallory = open(t, s, "mallory", "udp", { domain = "example.net" })
    trunk:serve { OPTIONS = 200 }
    local options = { uri = "sip:+4930123456@" .. domain, from = "sip:alice@" .. domain }
    mallory:request("ACK", options)
    options.branch = nil
    mallory:expect_final(mallory:request("PRACK", options), 481)
    trunk:expect_none("ACK", 100)
    trunk:expect_none("PRACK", 100)
end)

-- --- SIPp ---

local function sipp(s, scenario, port, more)
    local list = { "sipp", "127.0.0.1:" .. s.port, "-sf", scenario, "-i", "127.0.0.1", "-p", tostring(port), "-nostdin",
        "-m", "1", "-key", "domain", domain, "-key", "parameter", "", "-trace_err" , "-error_file", "/dev/stderr" }
    for _, word in ipairs(more) do
        list[#list + 1] = word
    end
    return list
end

local function run_sipp(t, s, scenario, port, more)
    local log = server.temporary ".log"
    t:defer(function()
        os.remove(log)
    end)
    local status = process.run(sipp(s, scenario, port, more), log, 60000)
    local file <close> = assert(io.open(log))
    t:equal(status, 0, file:read("a"):sub(-2500))
end

-- The scenario without its second part, which waits for a nonce to expire.
local function register_once(t)
    local file <close> = assert(io.open "tests/e2e/peers/sipp/digest_register.xml")
    local text, found = file:read("a"):gsub("  <pause/>.*$", "</scenario>\n")
    assert(found == 1)
    local path = server.temporary ".xml"
    t:defer(function()
        os.remove(path)
    end)
    server.write(path, text)
    return path
end

both("SIPp as phones with passwords: they register, call, hold and hang up", function(t)
    if not os.execute "command -v sipp >/dev/null" then
        t:skip "no sipp"
    end
    local s = provider.start(t)
    local scenario, bob_port, alice_port = register_once(t), server.free_port(), server.free_port()
    for user, port in pairs { bob = bob_port, alice = alice_port } do
        run_sipp(t, s, scenario, port, { "-au", user, "-ap", provider.password(user), "-auth_uri", domain,
            "-key", "user", user })
    end
    local bob = process.start(sipp(s, "tests/e2e/peers/sipp/whole_answer.xml", bob_port, {}))
    t:defer(function()
        bob:stop()
    end)
    assert(ua.wait.until_true(ua.patience, function()
        local file <close> = assert(io.open "/proc/net/udp")
        return file:read("a"):find((":%04X "):format(bob_port), 1, true)
    end), "SIPp does not listen")
    run_sipp(t, s, "tests/e2e/peers/sipp/digest_call.xml", alice_port, { "-au", "alice", "-ap",
        provider.password "alice", "-auth_uri", "bob@" .. domain, "-key", "user", "alice", "-key", "callee", "bob" })
    s:wait_for_log "ACC: transaction answered: [^\n]*method=BYE;[^\n]*code=200"
end)

-- --- media ---

both("with RTPENGINE the media of a call go through it", function(t)
    local proxy = media_proxy.start(t)
    local s = provider.start(t, { defines = { ('RTPENGINE="udp:127.0.0.1:%d"'):format(proxy.port) } })
    local alice, bob = open(t, s, "alice"), open(t, s, "bob", "tcp")
    local sdp = { headers = { { "Content-Type", "application/sdp" } }, body =
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0\r\n" }
    register(bob)
    local first = alice:expect_final(alice:invite(bob.aor, sdp), 407)
    local headers = provider.credentials(alice, first, "INVITE", bob.aor)
    headers[2] = sdp.headers[1]
    local request = alice:invite(bob.aor, { headers = headers, body = sdp.body, cseq = 2 })
    local got = bob:expect "INVITE"
    t:match(got.body, "c=IN IP4 192%.0%.2%.99")
    bob:reply(got, 200, sdp)
    local answer = alice:expect_final(request, 200)
    t:match(answer.body, "c=IN IP4 192%.0%.2%.99")
    local bye = alice:within("BYE", request, answer, { cseq = 9 })
    bob:reply(bob:expect "BYE", 200)
    alice:expect_final(bye, 200)
    t:equal(table.concat(proxy.commands, " "), "offer answer delete")
end)

-- --- two nodes ---

local function start_node(t, index, dmq, sip)
    return provider.start(t, { port = sip[index], defines = { "DMQ_ADDRESS=127.0.0.1", "DMQ_PORT=" .. dmq[index],
        "DMQ_PEER_ADDRESS=127.0.0.1", "SERVER_ID=" .. index, ('DMQ_OWN="sip:127.0.0.1:%d"'):format(dmq[index]),
        ('DMQ_PEER="sip:127.0.0.1:%d"'):format(dmq[3 - index]),
        ('PEER="%d=sip:127.0.0.1:%d;transport=tcp"'):format(3 - index, sip[3 - index]) } })
end

local function know_each_other(nodes)
    assert(ua.wait.until_true(ua.patience, function()
        for _, node in ipairs(nodes) do
            local _, count = (node:rpc "dmq.list_nodes" or ""):gsub("status: active", "")
            if count < 2 then
                return false
            end
        end
        return true
    end), "the nodes do not find each other")
end

for _, transport in ipairs { "udp", "tcp" } do
    test("with DMQ a phone of one node is called at the other: " .. transport, function(t)
        local dmq, sip = { server.free_port(), server.free_port() }, { server.free_port(), server.free_port() }
        local nodes = { start_node(t, 1, dmq, sip), start_node(t, 2, dmq, sip) }
        know_each_other(nodes)
        local alice, bob = open(t, nodes[2], "alice"), open(t, nodes[1], "bob", transport)
        register(bob, { instance = ua.instance(1), reg_id = 1 })
        assert(ua.wait.until_true(ua.patience, function()
            local known = nodes[2]:rpc("ul.lookup", "location", "bob@" .. domain) or ""
            return known:find("127.0.0.1:" .. bob.local_port, 1, true)
        end), "the binding does not arrive")
        take(bob, invite(alice, bob.aor), alice)
        nodes[2]:wait_for_log "ACC: transaction answered: [^\n]*method=BYE"
        t:equal(#nodes[1]:log_lines "ACC: ", 0)
        local mailbox, request = voicemail(t, nodes[2]), invite(alice, bob.aor)
        bob:reply(bob:expect "INVITE", 486)
        take(mailbox, request, alice)
        local stranger = open(t, nodes[1], "mallory", "udp", { local_host = "127.0.0.2" })
        stranger:expect_final(stranger:request("KDMQ", { uri = "sip:usrloc@127.0.0.1" }), 403)
    end)
end

tap.done()
