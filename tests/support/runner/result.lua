-- SPDX-License-Identifier: BSD-2-Clause
-- Reads what supervise left of one test program: NAME.tap, .err, .rc, .ms and .left in the folder of results.
local result = {}

local function read(path)
    local file = io.open(path, "rb")
    if not file then
        return ""
    end
    local text = file:read "a"
    file:close()
    return text
end

local function parse(self)
    for line in self.tap:gmatch "[^\r\n]+" do
        local first, last = line:match "^(%d+)%.%.(%d+)"
        if first then
            self.plan = tonumber(last)
        end
        local verdict, rest = line:match "^(n?o?t? ?ok) %d+(.*)$"
        local name = rest and rest:gsub("^ %- ", ""):gsub("^ ", "")
        if verdict and name:upper():find "#%s*SKIP" then
            -- cmocka puts the name behind the word.
            self.skips[#self.skips + 1] = name:gsub("^#%s*[Ss][Kk][Ii][Pp]%s+", "")
        elseif verdict == "ok" then
            self.passed = self.passed + 1
        elseif verdict == "not ok" then
            self.failures[#self.failures + 1] = name
        end
    end
end

-- Why the program as a whole counts as failed although each test that it reported may have passed; nil if it does not.
local function fault(self)
    local reported = self.passed + #self.failures + #self.skips
    if self.status == 124 then
        return "ran into its time limit"
    elseif self.status == 86 or self.status == 87 then
        return "memory errors, leaks or data races (see its output)"
    elseif self.status > 128 then
        return "died of signal " .. self.status - 128
    elseif self.status < 0 then
        return "could not be run"
    elseif not self.plan then
        return "printed no plan, exit status " .. self.status
    elseif self.plan ~= reported then
        return ("planned %d tests, reported %d"):format(self.plan, reported)
    elseif self.status ~= 0 and #self.failures == 0 then
        return "exit status " .. self.status .. " though no test failed"
    end
end

-- The result of the program NAME. Fields: name, status, ms, passed, failed, skips and failures (names and reasons), tap
-- and err (what it wrote).
function result.read(directory, name)
    local base = directory .. "/" .. name
    local self = { name = name, passed = 0, failures = {}, skips = {}, tap = read(base .. ".tap"),
        err = read(base .. ".err"), status = tonumber(read(base .. ".rc")) or -1,
        ms = tonumber(read(base .. ".ms")) or 0 }
    parse(self)
    self.failures[#self.failures + 1] = fault(self)
    for line in read(base .. ".left"):gmatch "[^\n]+" do
        self.failures[#self.failures + 1] = "left behind: " .. line
    end
    self.failed = #self.failures
    return self
end

-- The start tells what went wrong, the end how it ended.
local function print_indented(text, most)
    local lines = {}
    for line in text:gmatch "[^\n]+" do
        lines[#lines + 1] = "    " .. line
    end
    local head = math.min(#lines, most)
    print(table.concat(lines, "\n", 1, head))
    if #lines > head then
        local tail = math.max(head + 1, #lines - 4)
        if tail > head + 1 then
            print(("    ... %d lines ..."):format(tail - head - 1))
        end
        print(table.concat(lines, "\n", tail))
    end
end

-- Prints what failed in a program, and what the program wrote.
function result.print_failures(self)
    for _, failure in ipairs(self.failures) do
        print("  FAILED: " .. failure)
    end
    print_indented(self.tap:gsub("\nok [^\n]*", ""):gsub("^ok [^\n]*", ""), 60)
    print_indented(self.err, 60)
end

return result
