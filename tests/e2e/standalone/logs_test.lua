-- SPDX-License-Identifier: BSD-2-Clause
-- Standard output and standard error that nobody reads, or that are closed: calls go on.
local uv = require "luv"
local tap = require "tap"
local ua = require "ua"
local server = require "server"

local test = tap.test

-- Each MESSAGE writes about 10 kB to standard error.
local talkative = [[
sip_on_request("MESSAGE", function()
    for _ = 1, 10 do
        sip_log("%s", ("x"):rep(900))
    end
    return sip_reply(480)
end)
]]

-- options.kind: what the outputs are; they are no longer read once the server serves.
local function start(t, options)
    local s = server.start(t, { source = options.source, args = options.args, outputs = options.kind, status = true,
        listen = { "udp:127.0.0.1:%d" } })
    s:stop_reading()
    return s, function(user)
        return ua.open { port = s.port, user = user, domain = s.domain, transport = "udp" }
    end
end

local function message(flow)
    flow:expect_final(flow:request("MESSAGE", { uri = "sip:bob@example.test", contact = false }), 480)
end

for _, kind in ipairs { "pipe", "socket" } do
    test("standard error that nobody reads: lines are dropped and counted, calls go on: " .. kind, function(t)
        local s, open = start(t, { kind = kind, source = talkative, args = { "--log-decisions" } })
        local alice = open "alice"
        while s:number "stderr_dropped" == 0 do
            for _ = 1, 20 do
                message(alice)
            end
        end
        t:ok(s:number "stderr_dropped" > 0)
        -- Once it is read again, the log says how much is missing, before what comes next.
        s:read_on()
        t:ok(ua.wait.until_true(ua.patience, function()
            message(alice)
            return s.err:find "standard error: it is not read fast enough: %d+ lines dropped"
        end), "the gap is not told")
        s:signal "sigterm"
        t:ok(s:wait(60000))
        t:match(s.err, "ending: no new calls")
    end)

    test("outputs that nobody reads do not keep the server from ending: " .. kind, function(t)
        local s, open = start(t, { kind = kind, source = talkative, args = { "--log-decisions", "--drain", "1" } })
        local alice = open "alice"
        while s:number "stderr_dropped" == 0 do
            for _ = 1, 20 do
                message(alice)
            end
        end
        s:signal "sigterm"
        t:ok(s:wait(30000), "the server has not ended")
        t:equal(s.status, 0)
    end)
end

-- Decisions are printed whole although there are more of them than a pipe holds.
test("standard output that nobody reads: calls go on, and what fits into the buffer comes later", function(t)
    local calls = 300
    local s, open = start(t, { kind = "pipe", args = { "--log-decisions" } })
    local alice, bob = open "alice", open "bob"
    bob:register {}
    for _ = 1, calls do
        local call = alice:invite(bob.aor)
        bob:reply(bob:expect "INVITE", 486)
        alice:expect_final(call, 486)
    end
    t:equal(s:number "stdout_dropped", 0)
    s:read_on()
    t:ok(ua.wait.until_true(ua.patience, function()
        return select(2, s.out:gsub("{[^\n]*}\n", "")) >= calls
    end), "decisions are missing")
end)

test("standard output and standard error that nobody has open: calls go on", function(t)
    local s, open = start(t, { kind = "pipe", source = talkative, args = { "--log-decisions" } })
    local alice = open "alice"
    s:close_outputs()
    for _ = 1, 5 do
        message(alice)
    end
    t:ok(ua.wait.until_true(ua.patience, function()
        return s:number "stderr_lost" > 0
    end), "lost lines are not counted")
    s:signal "sigterm"
    t:ok(s:wait(60000))
    t:equal(s.status, 0)
end)

-- The file of the state would otherwise be the descriptor of standard error, and get its lines.
test("the server is started without standard descriptors: calls go on", function(t)
    local state = server.temporary ".db"
    local port = server.free_port()
    local status = server.temporary ".status"
    local handle, code
    t:defer(function()
        os.execute("rm -f " .. state .. "* " .. status)
    end)
    handle = uv.spawn("/bin/sh", { args = { "-c", ('exec %s serve examples/registrar.lua --listen udp:127.0.0.1:%d ' ..
        "--domain example.test --state %s --status %s <&- >&- 2>&-"):format(server.binary, port, state, status) } },
        function(result)
            code = result
            handle:close()
        end)
    local alice = ua.open { port = port, user = "alice", domain = "example.test", transport = "udp" }
    t:ok(ua.wait.until_true(60000, function()
        return uv.fs_stat(status)
    end), "the server does not serve")
    alice:register {}
    t:equal(#alice:bindings(alice.aor), 1)
    handle:kill "sigterm"
    t:ok(ua.wait.until_true(60000, function()
        return code
    end), "the server has not ended")
    t:equal(code, 0)
    local file <close> = assert(io.open(state, "rb"))
    t:equal(file:read(15), "SQLite format 3")
end)

-- What a server writes that cannot start: its standard error is this file.
local function written(journal)
    local path = server.temporary ".log"
    server.write(path, "")
    local own = uv.fs_stat(path)
    local stream = journal == "own" and ("JOURNAL_STREAM=%d:%d"):format(own.dev, own.ino) or journal or ""
    os.execute(("%s %s serve examples/registrar.lua --open --listen udp:192.0.2.1:5060 --tls-ca /no/such 2>>%s"):format(
        stream, server.binary, path))
    local file <close> = assert(io.open(path))
    local text = file:read "a"
    os.remove(path)
    return text
end

test("log lines carry the time, unless the journal adds it", function(t)
    local stamp = "^%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%d%.%d%d%dZ reflow: warning: %-%-tls%-ca has no effect"
    t:match(written(), stamp)
    t:match(written "JOURNAL_STREAM=8:12345", stamp)
    t:match(written "own", "^reflow: warning: %-%-tls%-ca has no effect")
end)

test("--verbose logs each registration, flow that dies and answer to a call", function(t)
    local s = server.start(t, { args = { "--verbose" } })
    local bob = ua.open { port = s.port, user = "bob", domain = s.domain, transport = "tcp" }
    local alice = ua.open { port = s.port, user = "alice", domain = s.domain, transport = "udp" }
    bob:register { instance = ua.instance(1), reg_id = 1 }
    s:expect_log("Z reflow: info: REGISTER accepted: aor=sip:bob@example%.test contacts=1 bindings=1 "
        .. "source=tcp:127%.0%.0%.1:")
    local call = alice:request("INVITE", { uri = "sip:nobody@example.test" })
    alice:expect_final(call)
    s:expect_log("reflow: info: INVITE answered: to=sip:nobody@example%.test from=sip:alice@[^ ]+ status=4%d%d "
        .. "after=%d+ms source=udp:")
    bob:close()
    s:expect_log "reflow: info: flow is down: flow=%[tcp 127%.0%.0%.1[^%]]*%] reason=closed bindings=1"
    s:stop()
    s = server.start(t)
    local carol = ua.open { port = s.port, user = "carol", domain = s.domain, transport = "tcp" }
    carol:register { instance = ua.instance(1), reg_id = 1 }
    s:stop()
    t:ok(not s.err:find "info: ", s.err)
end)

tap.done()
