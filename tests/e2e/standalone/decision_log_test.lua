-- SPDX-License-Identifier: BSD-2-Clause
-- The decision log in a file, as a server with calls writes it.
local tap = require "tap"
local ua = require "ua"
local server = require "server"

local test = tap.test
local one = ua.instance(1)

local function start(t, args, source)
    local s = server.start(t, { args = args, status = true, source = source })
    return function(user)
        return ua.open { port = s.port, user = user, domain = s.domain, transport = "tcp" }
    end, s
end

local function log_path(t)
    local path = server.temporary ".log"
    t:defer(function()
        os.remove(path)
        for i = 1, 9 do
            os.remove(path .. "." .. i)
        end
    end)
    return path
end

local function lines_of(path)
    local lines, file = {}, io.open(path)
    for line in file and file:lines() or function() end do
        lines[#lines + 1] = line
    end
    if file then
        file:close()
    end
    return lines
end

local function wait_for_line(path, pattern)
    local found
    ua.wait.until_true(ua.patience, function()
        for _, line in ipairs(lines_of(path)) do
            found = found or line:find(pattern) and line
        end
        return found
    end)
    return found
end

local function refuse(alice, bob)
    local call = alice:invite(bob.aor)
    bob:reply(bob:expect "INVITE", 486)
    alice:expect_final(call, 486)
end

test("--decision-log: lines with facts, hook and nanoseconds, and none on standard output", function(t)
    local path = log_path(t)
    local open, s = start(t, { "--decision-log", path }, [[
        sip_on_register(function() return sip_accept() end)
        sip_on_request(function() return sip_route() end)
        sip_on_response(486, function() return sip_fail(480) end)
    ]])
    local bob, alice = open "bob", open "alice"
    bob:register { instance = one, reg_id = 1 }
    local call = alice:invite(bob.aor)
    bob:reply(bob:expect "INVITE", 486)
    alice:expect_final(call, 480)
    local line = wait_for_line(path, '"code":486')
    t:ok(line, "no line")
    for _, member in ipairs { '^{"time_ms":%d+,"ms":%d', '"rule":"', '"version":%d', '"hook":"[^"]*:3"',
        '"verdict":"fail"', '"ns":%d%d',
        '"facts":{"code":486,"method":"INVITE","reg_id":1,[^}]*"has_instance":true[^}]*}}$' } do
        t:match(line, member)
    end
    t:equal(s.out:find '"code":486', nil)
    t:ok(s:number "decision_log_written" >= 1)
    t:equal(s:number "decision_log_dropped", 0)
    t:equal(s:number "decision_log_lost", 0)
end)

test("--decision-log-size and -keep: rotated, so many kept; all is written at the end", function(t)
    local path = log_path(t)
    local open, s = start(t, { "--decision-log", path, "--decision-log-size", "1000", "--decision-log-keep", "2" })
    local bob, alice = open "bob", open "alice"
    bob:register { instance = one, reg_id = 1 }
    for _ = 1, 8 do
        refuse(alice, bob)
    end
    s:signal "sigterm"
    t:ok(s:wait(30000))
    t:ok(#lines_of(path) > 0)
    t:ok(#lines_of(path .. ".1") > 0)
    t:ok(#lines_of(path .. ".2") > 0)
    t:equal(io.open(path .. ".3"), nil)
    for _, name in ipairs { path, path .. ".1", path .. ".2" } do
        for _, line in ipairs(lines_of(name)) do
            t:match(line, "^{.*}$")
        end
    end
end)

test("a log that was renamed is begun anew", function(t)
    local path = log_path(t)
    local open = start(t, { "--decision-log", path })
    local bob, alice = open "bob", open "alice"
    bob:register { instance = one, reg_id = 1 }
    refuse(alice, bob)
    t:ok(wait_for_line(path, '"code":486'))
    assert(os.rename(path, path .. ".9"))
    ua.wait.until_true(ua.patience, function()
        refuse(alice, bob)
        return io.open(path) ~= nil
    end)
    t:ok(wait_for_line(path, '"code":486'))
end)

test("what is logged is decided again as it was", function(t)
    local path = log_path(t)
    local open, s = start(t, { "--decision-log", path })
    local bob, alice = open "bob", open "alice"
    local second = open "bob"
    bob:register { instance = one, reg_id = 1, q = "1.0" }
    second:register { instance = one, reg_id = 2, q = "0.5" }
    refuse(alice, bob)
    local call = alice:invite(bob.aor)
    bob:expect "INVITE"
    bob:close()
    second:reply(second:expect "INVITE", 200)
    alice:expect_final(call, 200)
    s:signal "sigterm"
    t:ok(s:wait(30000))
    local again = {}
    for line in server.run({ "replay", "--json", path }).out:gmatch "[^\n]+" do
        again[#again + 1] = line:find('"action"', 1, true) and line or nil
    end
    local lines = lines_of(path)
    t:equal(#again, #lines)
    t:ok(#lines >= 3)
    for i, line in ipairs(lines) do
        for _, member in ipairs { "time_ms", "call", "origin", "code", "action", "rule", "why" } do
            local pattern = '"' .. member .. '":("?.-)[,"}]'
            t:equal(again[i]:match(pattern), line:match(pattern), line)
        end
    end
end)

test("--mask-numbers: telephone numbers show their ends alone", function(t)
    local path = log_path(t)
    local open, s = start(t, { "--decision-log", path, "--mask-numbers", "--log-decisions" })
    local bob, alice = open "+15551234567", open "alice"
    bob:register { instance = one, reg_id = 1 }
    refuse(alice, bob)
    local line = wait_for_line(path, '"code":486')
    t:ok(line)
    t:match(line, '"aor":"sip:%+15%*%*%*%*67@')
    t:equal(line:find("5551234", 1, true), nil)
    ua.wait.until_true(ua.patience, function()
        return s.out:find '"code":486'
    end)
    t:ok(s.out:find("+15****67", 1, true))
    t:equal(s.out:find("5551234", 1, true), nil)
end)

test("a full disk loses lines, counted and told once, and calls go on", function(t)
    local open, s = start(t, { "--decision-log", "/dev/full" })
    local bob, alice = open "bob", open "alice"
    bob:register { instance = one, reg_id = 1 }
    for _ = 1, 5 do
        refuse(alice, bob)
    end
    alice:call(bob)
    ua.wait.until_true(ua.patience, function()
        return s:number "decision_log_lost" >= 5
    end)
    t:ok(s:number "decision_log_lost" >= 5)
    refuse(alice, bob) -- it is reported when the next line is due
    s:expect_log "/dev/full: No space left on device"
    t:equal(select(2, s.err:gsub("/dev/full: No space", "")), 1)
end)

test("a log that cannot be written is reported at the start", function(t)
    if not server.available() then
        t:skip "not built"
    end
    local s = server.run { "serve", "examples/registrar.lua", "--listen", "udp:127.0.0.1:" .. server.free_port(),
        "--decision-log", "/nonexistent/log" }
    t:equal(s.status, 2)
    t:match(s.err, "%-%-decision%-log /nonexistent/log: the folder /nonexistent does not exist")
    s = server.run { "serve", "examples/registrar.lua", "--decision-log-keep", "many" }
    t:equal(s.status, 2)
    t:match(s.err, "%-%-decision%-log%-keep many: expected a whole number")
end)

tap.done()
