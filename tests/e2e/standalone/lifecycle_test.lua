-- SPDX-License-Identifier: BSD-2-Clause
-- Start, failure to start, reload, drain and restart of `reflow serve`.
local uv = require "luv"
local tap = require "tap"
local ua = require "ua"
local server = require "server"

local test = tap.test
local one = ua.instance(1)

local function opener(s)
    return ua.opener(s)
end

local function start(t, options)
    local s = server.start(t, options)
    return opener(s), s
end

local function needs_binary()
    if not server.available() then
        error(server.binary .. " has not been built")
    end
end

local function lines(text)
    return select(2, text:gsub("[^\n]+", ""))
end

-- Refused to start: one line on standard error that fits, status 2, nothing on standard output.
local function refused(t, arguments, pattern)
    needs_binary()
    local run = server.run(arguments)
    t:equal(run.status, 2, run.err)
    t:match(run.err, pattern)
    t:equal(lines(run.err), 1, run.err)
    t:equal(run.out, "")
end

local function scratch_script(t, source)
    local path = server.temporary ".lua"
    server.write(path, source)
    t:defer(function()
        os.remove(path)
    end)
    return path
end

test("serve: an unknown option is reported in one line, status 2", function(t)
    refused(t, { "serve", "examples/registrar.lua", "--teleport" }, "teleport")
    refused(t, { "serve", "examples/registrar.lua", "--listen" }, "listen")
    refused(t, { "serve", "examples/registrar.lua", "--listen", "sctp:127.0.0.1:5060" }, "sctp")
    refused(t, { "serve", "examples/registrar.lua", "--listen", "udp:127.0.0.1:99999" }, "99999")
    refused(t, { "serve", "examples/registrar.lua", "--listen", "udp:nowhere" }, "nowhere")
end)

test("serve: no script, or one that cannot be read, is reported in one line, status 2", function(t)
    refused(t, { "serve" }, "script")
    refused(t, { "serve", "no/such/script.lua" }, "no/such/script.lua")
    refused(t, { "serve", "module" }, "no .lua file")
end)

test("serve: a port in use is reported in one line, status 2", function(t)
    needs_binary()
    local tcp, udp = uv.new_tcp(), uv.new_udp()
    t:defer(function()
        tcp:close()
        udp:close()
    end)
    tcp:bind("127.0.0.1", 0)
    tcp:listen(8, function() end)
    udp:bind("127.0.0.1", 0)
    local tcp_port, udp_port = tcp:getsockname().port, udp:getsockname().port
    refused(t, { "serve", "examples/registrar.lua", "--listen", "tcp:127.0.0.1:" .. tcp_port }, tostring(tcp_port))
    refused(t, { "serve", "examples/registrar.lua", "--listen", "udp:127.0.0.1:" .. udp_port }, tostring(udp_port))
end)

test("serve: a script with a syntax error is reported with file, line and reason, status 2", function(t)
    local path = scratch_script(t, "local sip = require 'reflow'\n\nif sip then end end\n")
    refused(t, { "serve", path, "--listen", "udp:127.0.0.1:" .. server.free_port() }, path:gsub("%p", "%%%0") .. ":3:")
end)

test("serve: a script with a run-time error is reported with file, line and reason, status 2", function(t)
    local path = scratch_script(t, "local nothing\nreturn nothing.field\n")
    refused(t, { "serve", path, "--listen", "udp:127.0.0.1:" .. server.free_port() }, path:gsub("%p", "%%%0") .. ":2:")
end)

test("serve: a script that never ends is reported, status 2", function(t)
    local path = scratch_script(t, "while true do pcall(function() " .. server.endless_script .. " end) end\n")
    refused(t, { "serve", path, "--listen", "udp:127.0.0.1:" .. server.free_port() }, path:gsub("%p", "%%%0"))
end)

test("serve: precompiled Lua is refused", function(t)
    local path = scratch_script(t, string.dump(load "return 1"))
    refused(t, { "serve", path, "--listen", "udp:127.0.0.1:" .. server.free_port() }, path:gsub("%p", "%%%0"))
end)

test("serve: without --domain its own addresses are its domains", function(t)
    local open = start(t, { domain = false })
    local bob, alice = open("bob"), open("alice")
    bob:register { instance = one, reg_id = 1 }
    alice:call(bob)
end)

local function version(name, more)
    return ([[
local sip = require "reflow"
sip.on_request("OPTIONS", function() return sip.reply(200, "Version %s") end)
%s
]]):format(name, more or "")
end

local function version_in_use(flow)
    return flow:expect_final(flow:request("OPTIONS", { uri = "sip:example.test", contact = false })).phrase
end

local function becomes(flow, phrase)
    return ua.wait.until_true(ua.patience, function()
        return version_in_use(flow) == phrase
    end)
end

test("SIGHUP: a good script takes effect, bindings and connections stay", function(t)
    local open, s = start(t, { source = version "one" })
    local bob, alice = open("bob"), open("alice")
    bob:register { instance = one, reg_id = 1 }
    t:equal(version_in_use(alice), "Version one")
    server.write(s.script, version "two")
    t:equal(version_in_use(alice), "Version one")
    s:signal "sighup"
    t:ok(becomes(alice, "Version two"))
    t:equal(#alice:bindings(bob.aor), 1)
    alice:call(bob)
end)

test("SIGHUP: a broken script never replaces a good one, and the reason is logged", function(t)
    local open, s = start(t, { source = version "one" })
    local alice = open("alice")
    local broken = { "this is no Lua", version "two" .. "\nerror 'on the last line'\n", server.endless_script,
        string.dump(load "return 1"), "local t = {} for i = 1, 1e9 do t[i] = ('x'):rep(100) end" }
    for index, source in ipairs(broken) do
        local told = #s.err
        server.write(s.script, source)
        s:signal "sighup"
        -- One that never ends gets a second of processor time.
        ua.wait.until_true(ua.patience, function()
            return #s.err > told
        end)
        t:ok(#s.err > told, "nothing told of broken script " .. index)
        t:equal(version_in_use(alice), "Version one")
    end
    os.remove(s.script)
    local told = #s.err
    s:signal "sighup"
    ua.wait.until_true(ua.patience, function()
        return #s.err > told
    end)
    t:equal(version_in_use(alice), "Version one")
    server.write(s.script, version "three")
    s:signal "sighup"
    t:ok(becomes(alice, "Version three"))
end)

test("SIGHUP: a call in progress ends with the version it began with", function(t)
    local turn = 'sip.on_response(486, function() return sip.fail(%d) end)'
    local open, s = start(t, { source = version("one", turn:format(404)) })
    local bob, alice = open("bob"), open("alice")
    bob:register { instance = one, reg_id = 1 }
    local old = alice:invite(bob.aor)
    local old_invite = bob:expect "INVITE"
    server.write(s.script, version("two", turn:format(403)))
    s:signal "sighup"
    t:ok(becomes(alice, "Version two"))
    local new = alice:invite(bob.aor)
    local new_invite = bob:expect "INVITE"
    bob:reply(new_invite, 486)
    alice:expect_final(new, 403)
    bob:reply(old_invite, 486)
    alice:expect_final(old, 404)
end)

test("SIGHUP while it starts, as soon as the port is open, does not end it", function(t)
    needs_binary()
    local script = scratch_script(t, version "one")
    for _ = 1, 10 do
        local port = server.free_port()
        local s = server.spawn { "serve", script, "--listen", "tcp:127.0.0.1:" .. port }
        local open
        ua.wait.until_true(ua.patience, function()
            local socket, answered = uv.new_tcp(), nil
            socket:connect("127.0.0.1", port, function(why)
                -- A connection from the very port that it goes to reaches itself, and nobody listens there yet.
                open, answered = not why and socket:getsockname().port ~= port, true
            end)
            ua.wait.until_true(1000, function()
                return answered
            end)
            socket:close()
            return open or s.status
        end)
        s:signal "sighup"
        ua.wait.until_true(ua.patience, function()
            return s.status or s.err:find "serving with"
        end)
        t:equal(s.status, nil, s.err)
        s:signal "sigterm"
        t:ok(s:wait(ua.patience))
        t:equal(s.status, 0, s.err)
    end
end)

test("SIGTERM drains: no new calls, the one that rings is answered first", function(t)
    local open, s = start(t)
    local bob, alice, carol = open("bob"), open("alice"), open("carol")
    bob:register { instance = one, reg_id = 1 }
    local call = alice:invite(bob.aor)
    local invite = bob:expect "INVITE"
    bob:reply(invite, 180)
    alice:expect(180)
    s:signal "sigterm"
    s:expect_log "ending: no new calls"
    t:ok(s:alive(), "ended though a call rings")
    local refused_call = carol:invite(bob.aor)
    carol:expect_final(refused_call, 503)
    bob:reply(invite, 200)
    alice:expect_final(call, 200)
    t:ok(s:wait(ua.patience), "still there though nothing is pending")
    s:check()
end)

test("SIGTERM and SIGINT with nothing to do: ends at once with status 0", function(t)
    for _, signal in ipairs { "sigterm", "sigint" } do
        local _, s = start(t)
        s:signal(signal)
        t:ok(s:wait(ua.patience), "still there after " .. signal)
        t:equal(s.status, 0)
        s:check()
    end
end)

local function state_file(t)
    local path = server.temporary ".db"
    t:defer(function()
        os.execute("rm -f " .. path .. "*")
    end)
    return path
end

-- Waits until the file holds so many bindings. The server has it for itself: a copy is read.
local function until_stored(state, count)
    local copy = server.temporary ".db"
    local stored
    ua.wait.until_true(ua.patience, function()
        os.execute(("rm -f %s*; cp %s %s; cp %s-wal %s-wal 2>/dev/null"):format(copy, state, copy, state, copy))
        local pipe <close> = io.popen(("sqlite3 %s 'SELECT count(*) FROM binding' 2>/dev/null"):format(copy))
        stored = tonumber(pipe:read "a")
        return stored == count or ua.wait.pause(50)
    end)
    os.execute(("rm -f %s*"):format(copy))
    assert(stored == count, ("%s bindings are in the file, not %d"):format(stored, count))
end

test("restart: bindings survive a clean end", function(t)
    local state = state_file(t)
    local open, s = start(t, { state = state })
    local bob = open("bob", { transport = "udp" })
    bob:register { instance = one, reg_id = 1, parameters = ";audio", q = "0.7" }
    bob:register { aor = "sip:plain@example.test", instance = false }
    local port = s.port
    s:stop()
    open = start(t, { state = state, port = port })
    local alice = open("alice")
    local listed = alice:bindings(bob.aor)
    t:equal(#listed, 1)
    t:match(listed[1], "reg%-id=1")
    t:ok(listed[1]:find(one, 1, true), listed[1])
    t:match(listed[1], ";audio")
    t:match(listed[1], "q=0%.7")
    alice:call(bob)
end)

test("restart: what was removed stays removed", function(t)
    local state = state_file(t)
    local open, s = start(t, { state = state })
    local bob = open("bob", { transport = "udp" })
    bob:register { instance = one, reg_id = 1 }
    bob:register { instance = one, reg_id = 2 }
    until_stored(state, 2)
    bob:register { instance = one, reg_id = 1, expires = 0 }
    s:stop()
    open = start(t, { state = state })
    local listed = open("alice"):bindings(bob.aor)
    t:equal(#listed, 1)
    t:match(listed[1], "reg%-id=2")
end)

local function stored_aors(state)
    local pipe <close> = assert(io.popen(("sqlite3 %s 'SELECT aor FROM binding ORDER BY aor, contact'"):format(state)))
    return (pipe:read("a"):gsub("\n", " "))
end

test("restart: what a server stored that distinguished upper and lower case is found in any case", function(t)
    local state = state_file(t)
    local open, s = start(t, { state = state, args = { "--case-sensitive" } })
    local old, new, other = open("Bob", { transport = "udp" }), open("bob", { transport = "udp" }),
        open("BOB", { transport = "udp" })
    -- Two rows for one binding, of which the newer one is right.
    old:register { instance = one, reg_id = 1, q = "0.1" }
    ua.wait.pause(1100)
    new:register { instance = one, reg_id = 1, q = "0.9" }
    other:register { contact_uri = "sip:other@192.0.2.1", q = "0.5" }
    t:equal(#other:bindings "sip:Bob@example.test", 1)
    until_stored(state, 3)
    local port = s.port
    s:stop()
    t:equal(stored_aors(state), "sip:BOB@example.test sip:Bob@example.test sip:bob@example.test ")
    open, s = start(t, { state = state, port = port })
    local alice = open "alice"
    local listed = table.concat(alice:bindings "sip:bOb@example.test", "\n")
    t:match(listed, "q=0%.9")
    t:match(listed, "sip:other@192%.0%.2%.1")
    t:equal(select(2, listed:gsub("\n", "")), 1)
    alice:call(new)
    other:register { contact_uri = "sip:other@192.0.2.1", expires = 0 }
    until_stored(state, 1)
    s:stop()
    t:equal(stored_aors(state), "sip:bob@example.test ")
    open = start(t, { state = state, port = port })
    t:equal(#open "alice":bindings "sip:Bob@example.test", 1)
end)

test("kill -9: registrations that were written survive", function(t)
    local state = state_file(t)
    local open, s = start(t, { state = state })
    local bob = open("bob", { transport = "udp" })
    for index = 1, 50 do
        bob:register { aor = ("sip:user%d@example.test"):format(index), instance = one, reg_id = 1,
            call_id = "u" .. index, cseq = 1 }
    end
    until_stored(state, 50)
    s:kill()
    open = start(t, { state = state })
    local alice, kept = open("alice"), 0
    for index = 1, 50 do
        kept = kept + #alice:bindings(("sip:user%d@example.test"):format(index))
    end
    t:equal(kept, 50)
end)

test("restart: a binding whose TCP connection died with the process is known as gone: 480 at once", function(t)
    local state = state_file(t)
    local open, s = start(t, { state = state })
    local bob = open("bob")
    bob:register { instance = one, reg_id = 1 }
    s:stop()
    open = start(t, { state = state })
    local alice = open("alice")
    local call = alice:invite(bob.aor)
    local answer = alice:expect_final(call, 480)
    t:at_most((answer.at - call.sent_at) / 1e6, ua.at_once, "milliseconds to the answer")
    local again = open("bob")
    again:register { instance = one, reg_id = 1 }
    alice:call(again)
    t:equal(#alice:bindings(bob.aor), 1)
end)

local function set_aside(state)
    local directory, name = state:match "^(.*)/([^/]*)$"
    local found = {}
    for entry in function(scan) return (uv.fs_scandir_next(scan)) end, uv.fs_scandir(directory) do
        local suffix = entry:sub(1, #name) == name and entry:sub(#name + 1) or ""
        if suffix:find "^%.corrupt%-" and not suffix:find "%-wal$" and not suffix:find "%-shm$" then
            found[#found + 1] = directory .. "/" .. entry
        end
    end
    return found
end

local function damage_in_the_middle(path)
    local file = assert(io.open(path, "r+b"))
    local size = file:seek "end"
    file:seek("set", math.min(size - 1, 1024))
    file:write(("\xde\xad"):rep(math.max(1, (size - 1024) // 4)))
    file:close()
end

local function damage_by_cutting(path)
    local file = assert(io.open(path, "rb"))
    local bytes = file:read "a"
    file:close()
    server.write(path, bytes:sub(1, #bytes // 2 + 100))
end

local damages = { { "overwritten", damage_in_the_middle }, { "cut", damage_by_cutting } }
for _, each in ipairs(damages) do
    local what, damage = each[1], each[2]
    test("a corrupt state file is reported and renamed, never silently emptied: " .. what, function(t)
        local state = state_file(t)
        local open, s = start(t, { state = state })
        local bob = open("bob", { transport = "udp" })
        for index = 1, 200 do
            bob:register { aor = ("sip:user%d@example.test"):format(index), instance = one, reg_id = 1,
                call_id = "u" .. index, cseq = 1 }
        end
        s:stop()
        damage(state)
        local damaged = uv.fs_stat(state).size
        open, s = start(t, { state = state })
        t:match(s.err, state:gsub("%p", "%%%0"))
        local aside = set_aside(state)
        t:ok(#aside >= 1, "nothing set aside")
        local kept = 0
        for _, path in ipairs(aside) do
            kept = math.max(kept, uv.fs_stat(path).size)
        end
        t:equal(kept, damaged)
        bob = open("bob", { transport = "udp" })
        bob:register { instance = one, reg_id = 1 }
        open("alice"):call(bob)
    end)
end

test("a file given as --state that is not ours: one line, status 2, not one byte changed", function(t)
    local state = state_file(t)
    local text = ("no database at all\n"):rep(500)
    server.write(state, text)
    refused(t, { "serve", "examples/registrar.lua", "--listen", "udp:127.0.0.1:" .. server.free_port(),
        "--state", state }, "is not a state file of this program")
    local file = assert(io.open(state, "rb"))
    t:equal(file:read "a", text)
    file:close()
    t:equal(#set_aside(state), 0)
    t:ok(not uv.fs_stat(state .. ".keys"), "keys were made beside it")
end)

test("a state file that cannot be written: one line, status 2", function(t)
    refused(t, { "serve", "examples/registrar.lua", "--listen", "udp:127.0.0.1:" .. server.free_port(), "--state",
        "/no/such/directory/state.db" }, "/no/such/directory/state%.db")
end)

tap.done()
