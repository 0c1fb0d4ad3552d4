-- SPDX-License-Identifier: BSD-2-Clause
-- A crowd of user agents in processes of its own (flow_holder.lua), and calls of others beside it.
local process = require "process"
local server = require "server"
local ua = require "ua"
local uv = require "luv"

local crowd = {}
crowd.__index = crowd

-- Descriptors that a process may have here.
function crowd.descriptors()
    local pipe = io.popen "ulimit -Hn"
    local text = pipe:read "l"
    pipe:close()
    return tonumber(text) or 1 << 20
end

-- The server under test with all the descriptors that it may have.
function crowd.serve(arguments)
    local port = server.free_port()
    local command = ("ulimit -n $(ulimit -Hn) && exec %s serve examples/registrar.lua --domain example.test " ..
        "--listen udp:127.0.0.1:%d --listen tcp:127.0.0.1:%d --max-connections 100000 %s"):format(
        os.getenv "REFLOW_BIN" or "build/reflow", port, port, arguments or "")
    local self = process.start({ "sh", "-c", command }, os.getenv "BENCH_LOG")
    assert(ua.wait.until_true(ua.patience, function()
        local fine, flow = pcall(ua.open, { port = port, transport = "tcp" })
        if fine then
            flow:close()
        end
        return fine
    end) and not self.status, "the server does not start: " .. command)
    return self, port
end

-- KiB that a process keeps in memory.
function crowd.resident(pid)
    for line in io.lines(("/proc/%d/status"):format(pid)) do
        local kib = line:match "^VmRSS:%s+(%d+) kB"
        if kib then
            return tonumber(kib)
        end
    end
end

-- `count` user agents with numbers from 1, in as many processes as their descriptors need.
function crowd.new(transport, port, count)
    local each = math.min(15000, crowd.descriptors() - 100)
    local self = setmetatable({ holders = {}, count = count }, crowd)
    local first = 1
    while first <= count do
        local number = math.min(each, count - first + 1)
        local input, output = uv.new_pipe(false), uv.new_pipe(false)
        local holder = { said = "", input = input }
        local command = ("ulimit -n $(ulimit -Hn) && exec lua5.4 tests/bench/flow_holder.lua %s %d %d %d"):format(
            transport, port, first, number)
        holder.handle = uv.spawn("sh", { args = { "-c", command }, stdio = { input, output, 2 } }, function(status)
            holder.status = status
        end)
        output:read_start(function(_, chunk)
            holder.said = holder.said .. (chunk or "")
        end)
        self.holders[#self.holders + 1] = holder
        first = first + number
    end
    return self
end

-- Tells all of them; beside(), if any, is called again and again until they have all done it. Returns how many came
-- off, the milliseconds of the slowest, and how many attempts failed and were repeated.
function crowd.tell(self, command, ms, beside)
    for _, holder in ipairs(self.holders) do
        holder.said = ""
        holder.input:write(command .. "\n")
    end
    local done, slowest, repeated
    local function finished()
        done, slowest, repeated = 0, 0, 0
        local all = true
        for _, holder in ipairs(self.holders) do
            local number, took, failed = holder.said:match(command .. " (%d+) (%d+) (%d+)\n")
            done = done + (tonumber(number) or 0)
            slowest = math.max(slowest, tonumber(took) or 0)
            repeated = repeated + (tonumber(failed) or 0)
            all = all and (number ~= nil or holder.status ~= nil)
        end
        return all
    end
    local deadline = uv.hrtime() + ms * 1e6
    while not finished() and uv.hrtime() < deadline do
        if beside then
            beside()
        else
            ua.wait.pause(50)
        end
    end
    return done, slowest, repeated
end

function crowd.stop(self)
    for _, holder in ipairs(self.holders) do
        holder.input:write "end\n"
    end
    ua.wait.until_true(20000, function()
        for _, holder in ipairs(self.holders) do
            if not holder.status then
                return false
            end
        end
        return true
    end)
end

-- Two user agents over UDP. The function that is returned makes one call and takes down the milliseconds from the
-- INVITE to its arrival and of the final answer, a hundred calls a second at most.
function crowd.caller(port)
    local alice = ua.open { port = port, user = "alice" }
    local bob = ua.open { port = port, user = "bob" }
    bob:register { instance = ua.instance(1), reg_id = 1, expires = 3600 }
    local times = {}
    return function()
        local call = alice:invite(bob.aor)
        bob:reply(bob:expect("INVITE", 30000), 486)
        local answer = alice:expect_final(call, 486, 30000)
        times[#times + 1] = (answer.at - call.sent_at) / 1e6
        bob:receive("ACK", 1000)
        alice.inbox, bob.inbox, alice.seen, bob.seen = {}, {}, {}, {}
        ua.wait.pause(10)
    end, times
end

function crowd.percentile(times, share)
    local sorted = { table.unpack(times) }
    table.sort(sorted)
    return sorted[math.max(1, math.ceil(#sorted * share))] or 0
end

-- A line of tests/bench/run's table; value and baseline are numbers, written by `form`.
function crowd.figure(name, form, value, baseline, target, reached)
    print(("%s\t%s\t%s\t%s\t%s\t%s"):format(name, form:format(value), baseline and form:format(baseline) or "",
        baseline and ("%.2f"):format(value / baseline) or "", target, reached and "reached" or "missed"))
end

return crowd
