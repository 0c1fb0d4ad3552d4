-- SPDX-License-Identifier: BSD-2-Clause
--[[ Policies reloaded while calls run: BENCH_RELOADS (1000) over BENCH_SECONDS (60), a tenth of them broken on the last
     line, under SIPp's calls at a steady rate. No call may be lost, no request be answered by a broken version, and
     resident memory must not grow. ]]
package.path = "tests/bench/?.lua;tests/e2e/support/?.lua;" .. package.path
local uv = require "luv"
local process = require "process"
local server = require "server"
local ua = require "ua"

local seconds = tonumber(os.getenv "BENCH_SECONDS") or 60
local reloads = tonumber(os.getenv "BENCH_RELOADS") or 1000
local rate = 100
local scratch = server.temporary()
assert(os.execute("mkdir -p " .. scratch))
local script, control = scratch .. "/policy.lua", scratch .. "/control"
local port = server.free_port()

local function write_version(number, broken)
    server.write(script, ([[
sip_on_request("OPTIONS", function() return sip_reply(200, "%s %d") end)
sip_on_request("INVITE", function() return sip_route() end)
sip_on_response("4xx", function() end)
%s
]]):format(broken and "broken" or "good", number, broken and "error 'on the last line'" or ""))
end

write_version(0, false)
local under_test = process.start { os.getenv "REFLOW_BIN" or "build/reflow", "serve", script, "--listen",
    "udp:127.0.0.1:" .. port, "--listen", "tcp:127.0.0.1:" .. port, "--domain", "127.0.0.1", "--control", control,
    "--t1", "50" } -- transactions linger for 64 times that: what is held levels off early
ua.wait.pause(500)

local function sipp(scenario, own, more)
    local command = { "sipp", "127.0.0.1:" .. port, "-sf", "tests/bench/sipp/" .. scenario, "-i", "127.0.0.1", "-p",
        tostring(own), "-nostdin", "-key", "user", "called", "-key", "domain", "127.0.0.1" }
    for _, word in ipairs(more or {}) do
        command[#command + 1] = tostring(word)
    end
    return command
end

local called_port = server.free_port()
assert(process.run(sipp("register.xml", called_port, { "-m", 1, "-key", "reg_id", 1 }), nil, 10000) == 0, "REGISTER")
local called = process.start(sipp("uas.xml", called_port))
ua.wait.pause(300)
local caller = process.start(sipp("uac.xml", server.free_port(), { "-r", rate, "-m", rate * seconds }),
    scratch .. "/uac.log")

local function command(line)
    local pipe, answer, ended = uv.new_pipe(false), "", nil
    pipe:connect(control, function(why)
        assert(not why, why)
        pipe:write(line .. "\n")
        pipe:read_start(function(_, chunk)
            answer = answer .. (chunk or "")
            ended = ended or not chunk
        end)
    end)
    ua.wait.until_true(5000, function()
        return ended
    end)
    pipe:close()
    return answer
end

local function resident()
    local file = assert(io.open("/proc/" .. under_test.pid .. "/status"))
    local kib = file:read("a"):match "VmRSS:%s*(%d+)"
    file:close()
    return tonumber(kib)
end

local probe = ua.open { port = port, user = "probe", domain = "127.0.0.1", transport = "tcp" }
local lost, wrong, refused, in_use, early = 0, 0, 0, 0, nil
local begun = uv.hrtime()
for number = 1, reloads do
    local broken = number % 10 == 0
    write_version(number, broken)
    local answer = command "reload"
    if broken then
        refused = refused + (answer:find "error" and 1 or 0)
    elseif answer:find "ok\n$" then
        in_use = number
    else
        lost = lost + 1
        io.stderr:write(answer)
    end
    probe.inbox = {}
    local reply = probe:expect_final(probe:request("OPTIONS", { uri = "sip:127.0.0.1", contact = false }))
    if reply.phrase ~= "good " .. in_use then
        wrong = wrong + 1
    end
    if number == reloads // 4 then
        early = resident()
    end
    local due = begun + number * seconds * 1000000000 // reloads
    local left = (due - uv.hrtime()) // 1000000
    if left > 0 then
        ua.wait.pause(left)
    end
end
local late = resident()
local status = caller:wait(60000)
called:stop()
under_test:stop()
os.execute("rm -rf " .. scratch)

local function row(name, value, baseline, ratio, target, fine)
    print(table.concat({ name, value, baseline, ratio, target, fine and "reached" or "missed" }, "\t"))
end
row(("calls lost in %d reloads, a tenth broken, over %d s"):format(reloads, seconds),
    status == 0 and "0" or "some", ("%d calls"):format(rate * seconds), "-", "0", status == 0)
row("requests decided by a broken or older version", tostring(wrong + lost), ("%d asked"):format(reloads), "-", "0",
    wrong + lost == 0 and refused == reloads // 10)
row("resident memory after the last reload, against after a quarter of them", ("%d KiB"):format(late),
    ("%d KiB"):format(early), ("%.2f"):format(late / early), "1.10", late / early <= 1.10)
os.exit(0)
