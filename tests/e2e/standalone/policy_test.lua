-- SPDX-License-Identifier: BSD-2-Clause
-- Policies change while calls run: reload, canary, shadow, promote, roll back, by command, signal and watch.
local tap = require "tap"
local ua = require "ua"
local server = require "server"

local test = tap.test
local one = ua.instance(1)

local function answering(phrase, more)
    return ('sip_on_request("OPTIONS", function() return sip_reply(200, "%s") end)\n%s\n'):format(phrase, more or "")
end

local function start(t, options)
    options = options or {}
    local control = server.temporary ".control"
    options.args = options.args or {}
    table.insert(options.args, "--control")
    table.insert(options.args, control)
    options.source = options.source or answering "one"
    local s = server.start(t, options)
    s.control = control
    local function open(user)
        return ua.open { port = s.port, user = user, domain = s.domain, transport = "tcp" }
    end
    return open, s
end

local ctl = server.ctl



local function answer(flow)
    return flow:expect_final(flow:request("OPTIONS", { uri = "sip:example.test", contact = false })).phrase
end

test("ctl reload: answers when it is done, says what each worker did", function(t)
    local open, s = start(t)
    local alice = open("alice")
    server.write(s.script, answering "two")
    local reload = ctl(s, "reload")
    t:equal(reload.status, 0)
    t:match(reload.out, "worker 1: version 2")
    t:match(reload.out, "\nversion 2 is in use for calls that begin from now on\n$")
    t:equal(answer(alice), "two")
end)

test("ctl reload: when there is nothing to change, that is what it prints, with status 0", function(t)
    local open, s = start(t)
    local reload = ctl(s, "reload")
    t:equal(reload.status, 0)
    t:match(reload.out, "^unchanged: ")
    t:equal(reload.err, "")
    local off = ctl(s, "canary", "off")
    t:equal(off.status, 0)
    t:equal(off.out, "unchanged: there is no canary\n")
    t:equal(answer(open("alice")), "one")
end)

test("a run-time error on the new script's last line: the old one keeps answering, whole", function(t)
    local open, s = start(t)
    local alice = open("alice")
    server.write(s.script, answering("half", "error('last line')"))
    local reload = ctl(s, "reload")
    t:equal(reload.status, 1)
    t:match(reload.err, ":2:.*last line")
    for _ = 1, 5 do
        t:equal(answer(alice), "one")
    end
    t:match(ctl(s, "reload").err, "failed before")
end)

test("a reload of a missing file: the old one keeps answering", function(t)
    local open, s = start(t)
    local alice = open("alice")
    os.remove(s.script)
    t:equal(ctl(s, "reload").status, 1)
    t:equal(answer(alice), "one")
    server.write(s.script, answering "back")
    t:equal(ctl(s, "reload").status, 0)
    t:equal(answer(alice), "back")
end)

-- The first reload may have read the files before they were changed again.
test("SIGHUP while a reload is under way: the newest files are in use in the end", function(t)
    local open, s = start(t)
    local alice = open("alice")
    local slow = "for _ = 1, 5e6 do end"
    for i = 1, 5 do
        server.write(s.script, answering("first " .. i, slow))
        s:signal "sighup"
        ua.wait.until_true(30, function() return false end)
        server.write(s.script, answering("last " .. i, slow))
        s:signal "sighup"
        t:ok(ua.wait.until_true(ua.patience, function()
            return answer(alice) == "last " .. i
        end), "the second signal was lost")
    end
end)

test("canary: a share of the calls, promoted to all, rolled back", function(t)
    local open, s = start(t)
    local alice = open("alice")
    server.write(s.script, answering "two")
    t:equal(ctl(s, "canary", "50").status, 0)
    local seen = {}
    for _ = 1, 60 do
        seen[answer(alice)] = true
    end
    t:ok(seen.one and seen.two, "both versions answer")
    t:match(ctl(s, "status").out, "canary")
    t:match(ctl(s, "status", "--json").out, '^{"versions":%[{"version":2,"hash":"%x+","since":"[^"]+",'
        .. '"state":"canary",.*"canary_share":50%.0,"shadow":{"agrees":0,"differs":0,"samples":%[%]}}\n$')
    t:equal(ctl(s, "promote").out, "version 2 is in use for all calls\n")
    for _ = 1, 10 do
        t:equal(answer(alice), "two")
    end
    t:match(ctl(s, "rollback").out, "^version %d is in use again\n$")
    t:equal(answer(alice), "one")
    t:equal(ctl(s, "rollback").status, 1)
end)

test("shadow: no effect, differences told with samples", function(t)
    local open, s = start(t)
    local alice = open("alice")
    server.write(s.script, 'sip_on_request("OPTIONS", function() return sip_reply(486) end)')
    t:equal(ctl(s, "shadow").status, 0)
    t:equal(answer(alice), "one")
    local status = ctl(s, "status").out
    t:match(status, "shadow agrees=0 differs=1")
    t:match(status, "active reply 200, shadow reply 486")
    t:equal(ctl(s, "shadow", "off").status, 0)
end)

test("automatic rollback: a version whose hooks keep failing gives way to the one before", function(t)
    local open, s = start(t, { args = { "--rollback-window", "20", "--rollback-share", "25" } })
    local alice = open("alice")
    server.write(s.script, 'sip_on_request(function() error "always" end)')
    t:equal(ctl(s, "reload").status, 0)
    local back
    for _ = 1, 20 do
        back = back or answer(alice) == "one"
    end
    t:ok(back)
    s:expect_log "taken back"
    t:equal(ctl(s, "reload").status, 1)
end)

test("a call keeps its version while ten others come and go", function(t)
    local turn = 'sip_on_response(486, function() return sip_fail(%d) end)'
    local open, s = start(t, { source = turn:format(404) })
    local bob, alice = open("bob"), open("alice")
    bob:register { instance = one, reg_id = 1 }
    local call = alice:invite(bob.aor)
    local invite = bob:expect "INVITE"
    for version = 1, 10 do
        server.write(s.script, turn:format(410 + version % 2) .. "\n-- " .. version)
        t:equal(ctl(s, "reload").status, 0)
    end
    bob:reply(invite, 486)
    alice:expect_final(call, 404)
end)

test("--watch: an editor's rename and a swapped link are noticed", function(t)
    local folder = server.temporary ".policies"
    os.execute("mkdir -p " .. folder .. "/a " .. folder .. "/b")
    t:defer(function()
        os.execute("rm -rf " .. folder)
    end)
    local function write(name, text)
        server.write(folder .. "/" .. name, text)
    end
    write("a/p.lua", answering "one")
    os.execute(("ln -s a %s/data && ln -s data/p.lua %s/p.lua"):format(folder, folder))
    local s = server.start(t, { script = folder .. "/p.lua", args = { "--watch" } })
    local alice = ua.open { port = s.port, user = "alice", domain = s.domain, transport = "tcp" }
    t:equal(answer(alice), "one")
    local function becomes(wanted)
        return ua.wait.until_true(ua.patience, function()
            return answer(alice) == wanted
        end)
    end
    write("b/p.lua", answering "two")
    os.execute(("ln -s b %s/new && mv -T %s/new %s/data"):format(folder, folder, folder))
    becomes "two"
    t:equal(answer(alice), "two")
    write("p.new", answering "three")
    os.execute(("mv %s/p.new %s/p.lua"):format(folder, folder))
    becomes "three"
    t:equal(answer(alice), "three")
    write("p.lua", "this is no Lua")
    ua.wait.until_true(ua.patience, function()
        return s.err:find "not reloaded"
    end)
    t:match(s.err, "not reloaded")
    t:equal(answer(alice), "three")
end)

test("a restart with a broken policy starts with the last good one, loudly, unless forbidden", function(t)
    local good = server.temporary ".good"
    t:defer(function()
        os.remove(good)
    end)
    local _, s = start(t, { args = { "--last-good", good } })
    s:stop()
    local broken = "this is no Lua"
    local open
    open, s = start(t, { source = broken, args = { "--last-good", good } })
    t:match(s.err, "BROKEN")
    t:equal(answer(open("alice")), "one")
    local path = server.temporary ".lua"
    server.write(path, broken)
    local refused = server.run { "serve", path, "--listen", "udp:127.0.0.1:" .. server.free_port(), "--last-good",
        good, "--no-last-good" }
    os.remove(path)
    t:equal(refused.status, 2)
end)

test("the policy's own specs run before a reload, and forbid it", function(t)
    local folder = server.temporary ".policy"
    os.execute("mkdir -p " .. folder .. "/spec")
    t:defer(function()
        os.execute("rm -rf " .. folder)
    end)
    server.write(folder .. "/policy.lua", answering "one")
    server.write(folder .. "/spec/first_spec.lua", "-- nothing to say yet\n")
    local control = server.temporary ".control"
    local s = server.start(t, { script = folder, args = { "--control", control } })
    s.control = control
    local alice = ua.open { port = s.port, user = "alice", domain = s.domain, transport = "tcp" }
    server.write(folder .. "/policy.lua", answering "two")
    server.write(folder .. "/spec/first_spec.lua", "error 'this spec fails'\n")
    local reload = ctl(s, "reload")
    t:equal(reload.status, 1)
    t:match(reload.err, "specs")
    s:expect_log "error: policy not reloaded, the active one stays in use: the specs of layer base did not pass"
    t:match(reload.out, "first_spec%.lua:1: this spec fails\n")
    t:equal(answer(alice), "one")
    server.write(folder .. "/spec/first_spec.lua", "test('a corrected spec', function() end)\n")
    reload = ctl(s, "reload")
    t:equal(reload.err, "")
    t:equal(reload.status, 0)
    t:equal(answer(alice), "two")
end)

test("ctl flows: one line for each binding, or for those of an AOR", function(t)
    local open, s = start(t, { source = " " })
    local none = ctl(s, "flows")
    t:equal(none.status, 0)
    t:equal(none.out, "")
    local bob, alice = open "bob", open "alice"
    bob:register { instance = one, reg_id = 2, expires = 500 }
    alice:register { supported = false, expires = 300 }
    local all = ctl(s, "flows")
    t:equal(all.status, 0)
    t:equal(select(2, all.out:gsub("\n", "\n")), 2)
    local line = ctl(s, "flows", "BOB@EXAMPLE.test").out
    local age, expires = line:match("^sip:bob@example%.test instance=" .. one:gsub("%-", "%%-")
        .. " reg%-id=2 transport=tcp remote=127%.0%.0%.1:" .. bob.local_port .. " age=(%d+) expires=(%d+)\n$")
    t:ok(age, line)
    t:equal(age + expires, 500)
    line = ctl(s, "flows", "sip:alice@example.test").out
    t:match(line, "^sip:alice@example%.test instance=%- reg%-id=%- transport=tcp remote=127%.0%.0%.1:%d+ age=%d+ "
        .. "expires=%d+\n$")
    local json = ctl(s, "flows", "sip:bob@example.test", "--json").out
    t:match(json, '^{"bindings":%[{"aor":"sip:bob@example%.test","contact":"sip:[^"]+","instance":"urn:uuid:[^"]+",'
        .. '"transport":"tcp","remote":"127%.0%.0%.1:%d+","reg_id":2,"age":%d+,"expires":%d+}%],"left_out":0}\n$')
    local short = ctl(s, "flows", "--limit", "1").out
    t:match(short, "^sip:[^\n]+\n1 more bindings are not listed %(%-%-limit%)\n$")
    t:match(ctl(s, "flows", "--limit", "1", "--json").out, '"left_out":1}\n$')
    local nobody = ctl(s, "flows", "sip:nobody@example.test")
    t:equal(nobody.status, 1)
    t:match(nobody.err, "^reflow ctl: error: no bindings of sip:nobody@example.test\n$")
end)

test("ctl: no server, no such command, garbage on the socket", function(t)
    local open, s = start(t)
    t:equal(server.run({ "ctl", "--socket", "/nonexistent/reflow", "status" }).status, 2)
    t:equal(server.run({ "ctl", "--socket", s.control }).status, 2)
    for _, line in ipairs { { "dance", "unknown command" }, { "canary", "canary takes a share" },
        { "canary", "0", "canary takes a share" }, { "canary", "x", "canary takes a share" },
        { "reload", "now", "reload takes no argument" }, { "reload", "--json", "reload takes no %-%-json" },
        { "status", "--limit", "5", "status takes no %-%-limit" }, { "shadow", "on", "shadow takes nothing" },
        { "flows", "--limit", "0", "a number from 1 to 100000" }, { "flows", "a", "b", "too many words" },
        { "flows", "sip:@", "flows takes an address" } } do
        local pattern = table.remove(line)
        local result = ctl(s, table.unpack(line))
        t:equal(result.status, 2, table.concat(line, " "))
        t:match(result.err, "^reflow ctl: [^\n]*" .. pattern)
        t:equal(result.out, "")
    end
    t:match(server.run({ "ctl", "--socket", "/" .. ("x"):rep(120), "status" }).err,
        "%-%-socket /x+: the path has 121 bytes, that of a socket has at most 107")
    t:equal(answer(open("alice")), "one")
end)

tap.done()
