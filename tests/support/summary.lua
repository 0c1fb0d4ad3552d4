-- SPDX-License-Identifier: BSD-2-Clause
-- summary.lua RESULTS NAME...: reads what the test programs left, shows failures with their output, counts everything.
-- Its last line is the verdict, its exit status non-zero where anything failed, crashed, hung or printed no plan.
local directory = arg[1]

local function read(path)
    local file = io.open(path, "rb")
    if not file then
        return ""
    end
    local text = file:read "a"
    file:close()
    return text
end

local total = { passed = 0, failed = 0, skipped = 0 }

local function parse(text)
    local result = { passed = 0, failed = 0, skipped = 0, failures = {}, skips = {} }
    for line in text:gmatch "[^\r\n]+" do
        local first, last = line:match "^(%d+)%.%.(%d+)"
        if first then
            result.plan = tonumber(last)
        end
        local verdict, rest = line:match "^(n?o?t? ?ok) %d+(.*)$"
        local name = rest and rest:gsub("^ %- ", ""):gsub("^ ", "")
        if verdict and name:upper():find "#%s*SKIP" then
            result.skipped = result.skipped + 1
            -- cmocka puts the name behind the word.
            result.skips[#result.skips + 1] = name:gsub("^#%s*[Ss][Kk][Ii][Pp]%s+", "")
        elseif verdict == "ok" then
            result.passed = result.passed + 1
        elseif verdict == "not ok" then
            result.failed = result.failed + 1
            result.failures[#result.failures + 1] = name
        end
    end
    return result
end

-- Why a program as a whole counts as failed though each test that it reported may have passed; nil: it does not.
local function fault(result, status)
    if status == 124 or status == 137 then
        return "ran into its time limit"
    elseif status == 86 or status == 87 then
        return "memory errors or leaks (see above)"
    elseif status > 128 then
        return "died of signal " .. status - 128
    elseif not result.plan then
        return "printed no plan, exit status " .. status
    elseif result.plan ~= result.passed + result.failed + result.skipped then
        return ("planned %d tests, reported %d"):format(result.plan, result.passed + result.failed + result.skipped)
    elseif status ~= 0 and result.failed == 0 then
        return "exit status " .. status .. " though no test failed"
    end
end

-- The start tells what went wrong, the end how it ended.
local function indent(text, most)
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

for index = 2, #arg do
    local name = arg[index]
    local base = directory .. "/" .. name
    local tap, err = read(base .. ".tap"), read(base .. ".err")
    local result = parse(tap)
    local why = fault(result, tonumber(read(base .. ".rc")) or -1)
    if why then
        result.failed = result.failed + 1
    end
    total.passed = total.passed + result.passed
    total.failed = total.failed + result.failed
    total.skipped = total.skipped + result.skipped
    print(("%-44s %4d passed %3d failed %3d skipped %7.1f s"):format(name, result.passed, result.failed,
        result.skipped, (tonumber(read(base .. ".ms")) or 0) / 1000))
    for _, skip in ipairs(result.skips) do
        print("  skipped: " .. skip)
    end
    if result.failed > 0 then
        for _, failure in ipairs(result.failures) do
            print("  FAILED: " .. failure)
        end
        if why then
            print("  FAILED: " .. why)
        end
        indent(tap:gsub("\nok [^\n]*", ""):gsub("^ok [^\n]*", ""), 60)
        indent(err, 60)
    end
end

local skipped = total.skipped > 0 and (", %d skipped"):format(total.skipped) or ""
print(("%d passed, %d failed%s"):format(total.passed, total.failed, skipped))
os.exit((total.failed == 0 and total.passed > 0) and 0 or 1)
