-- SPDX-License-Identifier: BSD-2-Clause
-- `make run` and `make run-kamailio` print commands to try beside them: each does what it says.
local uv = require "luv"
local kamailio = require "kamailio"
local server = require "server"
local tap = require "tap"
local ua = require "ua"

local test = tap.test

-- Starts a script of tests/support that serves on a port; the test ends it. Returns the port, and what it has printed.
local function start(t, script, build)
    local port = server.free_port()
    local out, printed, ended = uv.new_pipe(false), { text = "" }, nil
    local environment = { "BUILD=" .. build, "PORT=" .. port }
    for name, value in pairs(uv.os_environ()) do
        if name ~= "BUILD" and name ~= "PORT" then
            environment[#environment + 1] = name .. "=" .. value
        end
    end
    local handle, pid = uv.spawn("tests/support/" .. script, { stdio = { nil, out, 2 }, env = environment },
        function(status)
            ended = status
        end)
    assert(handle, pid)
    out:read_start(function(_, chunk)
        printed.text = printed.text .. (chunk or "")
    end)
    t:defer(function()
        if not ended then
            handle:kill "sigterm"
        end
        t:ok(ua.wait.until_true(60000, function()
            return ended
        end), script .. " does not end after SIGTERM")
        handle:close()
        out:close()
    end)
    local connected = ua.wait.until_true(60000, function()
        local fine, flow = pcall(ua.open, { port = port, transport = "tcp" })
        if fine then
            flow:close()
        end
        return fine or ended
    end)
    t:ok(connected and not ended, script .. " does not serve")
    return port, printed
end

local function run(command)
    local pipe = assert(io.popen("(" .. command .. ") 2>&1; echo status $?"))
    local text = pipe:read "a"
    pipe:close()
    return text
end

local function output_of(t, command)
    local text = run(command)
    t:match(text, "status 0\n$", command)
    return text
end

-- Patterns of the commands that `make run` prints, and of what they must print.
local shown_by_run = {
    { "^lua5.4 tests/e2e/call.lua %d+$", "the other one had the call" },
    { "/reflow explain 430$", "430" },
    { "/reflow compare 480 486$", "486" },
    { "^make demo$", "", run = function() -- it builds everything first; see demo_test.lua
        return ""
    end },
    { "/reflow ctl .* reload$", "unchanged", run = run },
}

test("make run: every command that it prints works", function(t)
    local build = server.available() and server.binary:match "^(.*)/reflow$"
    if not build then
        t:skip(server.binary .. " has not been built")
    end
    local port, printed = start(t, "serve.sh", build)
    t:ok(printed.text:find("127.0.0.1:" .. port, 1, true), printed.text)
    local left = #shown_by_run
    for line in printed.text:gmatch "[^\n]+" do
        local command = line:match "^  (.-)  "
        for _, each in ipairs(command and shown_by_run or {}) do
            if command:find(each[1]) then
                t:match(each.run and each.run(command) or output_of(t, command), each[2], command)
                left = left - 1
                command = nil
                break
            end
        end
        t:ok(not command, "the test does not know the command " .. tostring(command))
    end
    t:equal(left, 0, "commands that are not printed")
end)

test("make run-kamailio: the command that it prints works, also a second time", function(t)
    -- The module as it is shipped; other tests may use another build of it.
    local build = os.getenv "BUILD" or "build"
    if not kamailio.available() or not uv.fs_stat(build .. "/kamailio/reflow.so") then
        t:skip "no Kamailio, or no module"
    end
    local _, printed = start(t, "run_kamailio.sh", build)
    local command = printed.text:match "beside it: (lua5.4 .-) %("
    t:ok(command, printed.text)
    for _ = 1, 2 do
        t:match(output_of(t, command), "the other one had the call")
    end
end)

test("call.lua says what did not come, and ends with status 1", function(t)
    local silent, port = uv.new_tcp(), server.free_port()
    silent:bind("127.0.0.1", port)
    silent:listen(8, function() end)
    local text = run("REFLOW_TEST_PATIENCE=50 lua5.4 tests/e2e/call.lua " .. port)
    silent:close()
    t:match(text, "bob on tcp flow %d+: expected ")
    t:match(text, "status 1\n$")
end)

tap.done()
