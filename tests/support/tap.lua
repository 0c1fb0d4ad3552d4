-- SPDX-License-Identifier: BSD-2-Clause
-- Test functions, their names and outcomes printed as TAP. A test fails by raising; t holds the checks that raise.
local tap = {}

local count, failed = 0, 0
local only = os.getenv "REFLOW_TEST_ONLY" -- a plain substring of the names to run

io.stdout:setvbuf "line"

local function show(value)
    if type(value) == "string" then
        return string.format("%q", value):gsub("\\\n", "\\n"):gsub("\\13", "\\r")
    end
    return tostring(value)
end

local checks = {}
checks.__index = checks

function checks.ok(_, condition, what)
    if not condition then
        error(what or "expected a true value", 2)
    end
    return condition
end

function checks.equal(_, got, expected, what)
    if got ~= expected then
        error(("%sexpected %s, got %s"):format(what and what .. ": " or "", show(expected), show(got)), 2)
    end
end

function checks.match(_, got, pattern, what)
    if type(got) ~= "string" or not got:find(pattern) then
        error(("%sexpected a match of %s, got %s"):format(what and what .. ": " or "", show(pattern), show(got)), 2)
    end
end

function checks.at_most(_, got, limit, what)
    if not (got <= limit) then
        error(("%sexpected at most %s, got %s"):format(what and what .. ": " or "", show(limit), show(got)), 2)
    end
end

-- Ends the test as skipped, by name.
function checks.skip(_, why)
    error(setmetatable({ skip = why }, { __tostring = function() return "skipped: " .. why end }))
end

-- What must happen however the test ends, last one first.
function checks.defer(self, f)
    self.deferred[#self.deferred + 1] = f
end

local function diagnose(text)
    for line in tostring(text):gmatch "[^\n]+" do
        print("# " .. line)
    end
end

local function run_deferred(t)
    local ok, message = true, nil
    for index = #t.deferred, 1, -1 do
        local fine, why = pcall(t.deferred[index])
        if not fine then
            ok, message = false, why
        end
    end
    return ok, message
end

local function handler(message)
    if type(message) == "table" and message.skip then
        return message
    end
    return debug.traceback(tostring(message), 2)
end

function tap.test(name, f)
    if only and not name:find(only, 1, true) then
        return
    end
    count = count + 1
    local t = setmetatable({ name = name, deferred = {} }, checks)
    local ok, message = xpcall(f, handler, t)
    local clean, why = run_deferred(t)
    if type(message) == "table" and message.skip then
        print(("ok %d - %s # SKIP %s"):format(count, name, message.skip))
    elseif ok and clean then
        print(("ok %d - %s"):format(count, name))
    else
        failed = failed + 1
        print(("not ok %d - %s"):format(count, name))
        if not ok then
            diagnose(message)
        end
        if not clean then
            diagnose(why)
        end
    end
end

-- pcall, for the message alone.
function tap.failure(f, ...)
    local ok, message = pcall(f, ...)
    return not ok and message or "no error"
end

-- The plan, and the exit status that goes with it. The last call of every test file.
function tap.done()
    print(("1..%d"):format(count))
    -- Closing the state lets a leak be seen; luv's loop with handles still open does not survive it.
    os.exit(failed == 0 and 0 or 1, package.loaded.luv == nil)
end

return tap
