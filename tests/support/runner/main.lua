-- SPDX-License-Identifier: BSD-2-Clause
--[[ main.lua RESULTS JOBS: runs the test programs that standard input names, one "KIND PATH" a line, and prints one
     line for each that has ended. What failed is repeated at the end. The last line is the verdict; the exit status
     is 1 if anything failed, crashed, hung, printed no plan or left something behind, or if nothing was run. ]]
local uv = require "luv"
local result = require "runner.result"
local schedule = require "runner.schedule"

local directory, jobs = arg[1], math.max(1, math.tointeger(tonumber(arg[2])) or 1)
local QUIET_MS <const> = 30000
io.stdout:setvbuf "line"

local queue = schedule.new(jobs, directory:gsub("[^/]*$", "") .. "durations")
for line in io.lines() do
    local kind, path = line:match "^(%S+) (.+)$"
    queue:add(kind, path)
end
queue:sort()

local all, last_line, stopped = {}, uv.now(), false

local function say(...)
    print(string.format(...))
    last_line = uv.now()
end

local function report(each)
    local skipped = #each.skips > 0 and (", %d skipped"):format(#each.skips) or ""
    say("%3d of %d  %-40s %4d passed, %s%s  %.1f s", #all, queue.count, each.name, each.passed,
        each.failed > 0 and each.failed .. " FAILED" or "0 failed", skipped, each.ms / 1000)
    if each.failed > 0 then
        result.print_failures(each)
    end
end

local start_more

local function start(program)
    local handle, why
    handle, why = uv.spawn("tests/support/runner/run_one.sh", { args = { directory, program.kind, program.path },
        stdio = { nil, 1, 2 } }, function()
        handle:close()
        queue:ended(program)
        if not stopped then
            all[#all + 1] = result.read(directory, program.name)
            queue:note(program, all[#all].ms)
            report(all[#all])
            start_more()
        end
    end)
    assert(handle, why)
    program.started = uv.now()
end

function start_more()
    for program in function() return not stopped and queue:next() or nil end do
        start(program)
    end
end

-- A program may take minutes, and a reader must see that the run goes on.
local ticker = uv.new_timer()
ticker:start(QUIET_MS, 1000, function()
    if uv.now() - last_line >= QUIET_MS then
        local names = {}
        for _, program in ipairs(queue:running()) do
            names[#names + 1] = ("%s (%d s)"):format(program.name, (uv.now() - program.started) // 1000)
        end
        say("still running: %s", table.concat(names, ", "))
    end
end)
ticker:unref()

-- The supervisors end what they run: at a terminal they have the same signal, otherwise they notice our end.
for _, name in ipairs { "sigint", "sigterm", "sighup" } do
    local signal = uv.new_signal()
    signal:start(name, function()
        stopped = true
        for _, program in ipairs(queue:running()) do
            say("stopped: %s", program.name)
        end
        os.exit(1)
    end)
    signal:unref()
end

local began = uv.now()
say("Running %d test programs, %s.", queue.count, jobs == 1 and "one after another" or
    ("%d that compute and %d that wait at a time"):format(queue.limit.computes, queue.limit.waits))
start_more()
uv.run()
queue:save()

table.sort(all, function(a, b)
    return a.name < b.name
end)
local total = { passed = 0, failed = 0, skipped = 0 }
print ""
for _, each in ipairs(all) do
    total.passed = total.passed + each.passed
    total.failed = total.failed + each.failed
    total.skipped = total.skipped + #each.skips
    for _, skip in ipairs(each.skips) do
        print(("%s: skipped: %s"):format(each.name, skip))
    end
    if each.failed > 0 then
        print(("%s: %d failed (tests/run %s)"):format(each.name, each.failed, each.name:gsub("^%w+%-", "")))
        result.print_failures(each)
    end
end
print(("%d programs in %d s; results are in %s"):format(#all, (uv.now() - began) // 1000, directory))
local skipped = total.skipped > 0 and (", %d skipped"):format(total.skipped) or ""
print(("%d passed, %d failed%s"):format(total.passed, total.failed, skipped))
os.exit((total.failed == 0 and total.passed > 0 and #all == queue.count) and 0 or 1)
