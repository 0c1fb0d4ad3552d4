-- SPDX-License-Identifier: BSD-2-Clause
-- What runs the tests: a program that leaves something behind, hangs or crashes is noticed; what it left is removed.
local tap = require "tap"
local temporary = require "temporary"
local write = require("file").write

local test = tap.test
local build = os.getenv "BUILD" or "build"

local function read(path)
    local file <close> = io.open(path, "rb")
    return file and file:read "a"
end

local function folder(t)
    local path = temporary.path()
    assert(os.execute("mkdir " .. path))
    t:defer(function()
        os.execute("rm -r " .. path)
    end)
    return path
end

-- Runs a shell script under supervise, its parent: a function that reads one of its results.
local function supervise(t, seconds, script)
    local base = folder(t) .. "/result"
    write(base .. ".sh", script)
    os.execute(("env -u LD_PRELOAD REFLOW_TEST_GRACE=500 %s/supervise %d %s sh %s.sh"):format(build, seconds, base,
        base))
    return function(ending)
        return read(base .. "." .. ending)
    end
end

local function exists(pid)
    return read(("/proc/%d/stat"):format(pid)) ~= nil
end

test("runner: a program's output, status and time are kept", function(t)
    local result = supervise(t, 60, "echo out; echo err >&2; exit 3")
    t:equal(result "tap", "out\n")
    t:equal(result "err", "err\n")
    t:equal(result "rc", "3\n")
    t:match(result "ms", "^%d+\n$")
    t:equal(result "left", "")
    t:equal(supervise(t, 60, "kill -SEGV $$") "rc", "139\n")
end)

test("runner: a file that is left in TMPDIR is named and removed", function(t)
    local result = supervise(t, 60, 'echo $TMPDIR; mkdir $TMPDIR/a; echo x >$TMPDIR/a/b; mktemp')
    local place = result "tap":match "^[^\n]+"
    t:match(result "left", "file " .. place:gsub("%p", "%%%0") .. "/a\n")
    t:match(result "left", "file " .. place:gsub("%p", "%%%0") .. "/tmp%.")
    t:ok(not os.execute(("test -e %s"):format(place)))
end)

test("runner: a process that is left is named and ended, also one that made itself a daemon", function(t)
    local result = supervise(t, 60, "sleep 1000 & echo $!; (setsid sleep 2000 & echo $!)")
    local first, second = result "tap":match "(%d+)\n(%d+)\n"
    t:match(result "left", "process " .. first .. ": sleep 1000")
    t:match(result "left", "process " .. second .. ": sleep 2000")
    t:ok(not exists(first) and not exists(second))
end)

test("runner: a process that ends by itself soon after the program is not left behind", function(t)
    t:equal(supervise(t, 60, "sleep 0.1 &") "left", "")
end)

test("runner: a program that hangs is ended with all that it started", function(t)
    local result = supervise(t, 1, "sleep 1000 & echo $!; wait")
    t:equal(result "rc", "124\n")
    t:ok(not exists(result "tap":match "%d+"))
end)

test("runner: a run that is ended takes its programs along, and their files", function(t)
    local result = supervise(t, 60, "echo $TMPDIR; sleep 1000 & echo $!; echo x >$TMPDIR/a; kill -TERM $PPID; wait")
    local place, pid = result "tap":match "([^\n]+)\n(%d+)\n"
    t:ok(not exists(pid))
    t:ok(not os.execute("test -e " .. place))
end)

test("runner: one line for each program, failures again at the end, the verdict last", function(t)
    local place = folder(t)
    write(place .. "/good_test.lua", "print 'ok 1 - fine' print 'ok 2 - none # SKIP no such thing' print '1..2'")
    write(place .. "/bad_test.lua", "print 'not ok 1 - broken' print '# because' print '1..1' os.exit(1)")
    write(place .. "/silent_test.lua", "")
    local list = ("e2e %s/good_test.lua\ne2e %s/bad_test.lua\ne2e %s/silent_test.lua\n"):format(place, place, place)
    write(place .. "/list", list)
    assert(os.execute(("mkdir %s/results"):format(place)))
    local pipe = assert(io.popen(("env -u LD_PRELOAD lua5.4 tests/support/runner/main.lua %s/results 2 <%s/list 2>&1")
        :format(place, place)))
    local text = pipe:read "a"
    t:ok(not pipe:close())
    for index = 1, 3 do
        t:match(text, ("\n +%d of 3  e2e%%-%%a+_test"):format(index))
    end
    local _, times = text:gsub("# because", "")
    t:equal(times, 2)
    t:match(text, "e2e%-good_test: skipped: none")
    t:match(text, "FAILED: printed no plan")
    t:match(text, "\n1 passed, 2 failed, 1 skipped\n$")
end)

tap.done()
