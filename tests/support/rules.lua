-- SPDX-License-Identifier: BSD-2-Clause
-- rules.lua RESULT.tap...: every rule of module/core/rules.def, the tests whose names carry its id, and how they went:
-- all of them, and those on the wire by the host that they ran against.

local hosts = { "standalone", "kamailio" }

local function new_counts()
    return { passed = 0, failed = 0, skipped = 0 }
end

local function read_rules(path)
    local rules = {}
    for line in io.lines(path) do
        local id, guardrail, text = line:match '^RULE%([%w_]+,%s*"([^"]+)",%s*(%a+),%s*"(.*)"%)$'
        if id then
            local rule = {
                id = id,
                key = id:lower():gsub("[.-]", "_"),
                guardrail = guardrail == "true",
                text = text,
                all = new_counts(),
            }
            for _, host in ipairs(hosts) do
                rule[host] = new_counts()
            end
            rules[#rules + 1] = rule
        end
    end
    return rules
end

-- Whether word stands in text by itself: no letter, digit or joining character around it.
local function contains(text, word, joins)
    local from = 1
    while true do
        local first, last = text:find(word, from, true)
        if not first then
            return false
        end
        local before, after = text:sub(first - 1, first - 1), text:sub(last + 1, last + 1)
        if not before:find(joins) and not after:find(joins) then
            return true
        end
        from = first + 1
    end
end

-- The rules that a test's name proves: the one whose id it begins with, the longest that fits; and those whose ids
-- stand further on in it, be it written as in a C name or as in the book.
local function proven(rules, name)
    local found, longest = {}, nil
    local key = name:lower():gsub("[.-]", "_"):gsub("^test_", "")
    for _, rule in ipairs(rules) do
        local begins = key:sub(1, #rule.key) == rule.key and not key:sub(#rule.key + 1, #rule.key + 1):find "%w"
        if begins and (not longest or #rule.key > #longest.key) then
            longest = rule
        end
        if contains(name:lower(), rule.id, "[%w-]") or rule.id:find "^%d" and contains(key, rule.key, "%w") then
            found[rule] = true
        end
    end
    if longest then
        found[longest] = true
    end
    return found
end

-- TAP writes a skip after the name or, as cmocka does, before it; and cmocka's may say "not ok".
local function read_line(line)
    local failed, rest = line:match "^(n?o?t? ?)ok%s+%d+%s*(.*)$"
    if not failed then
        return nil
    end
    local name = rest:match "^# SKIP%s+(.*)$" or rest:match "^%-?%s*(.-)%s*# SKIP"
    if name then
        return name, "skipped"
    end
    return rest:gsub("^%-%s*", "", 1), failed == "" and "passed" or "failed"
end

-- The host that a test was run against; nil: none, it knows no wire. A case for both says so at the end of its name.
local function host_of(path, name)
    local program = path:match "([^/]*)%.tap$" or ""
    return name:match "%[(%a+) %a+%]$" or program:match "^e2e%-(kamailio)_" or program:find "^e2e%-" and "standalone"
end

local function count_results(rules, paths)
    for _, path in ipairs(paths) do
        for line in io.lines(path) do
            local name, outcome = read_line(line)
            for rule in pairs(name and proven(rules, name) or {}) do
                rule.all[outcome] = rule.all[outcome] + 1
                local counts = rule[host_of(path, name) or "none"]
                if counts then
                    counts[outcome] = counts[outcome] + 1
                end
            end
        end
    end
end

local function result_of(counts, none)
    if counts.failed > 0 then
        return "FAIL"
    elseif counts.passed > 0 then
        return "pass"
    end
    return counts.skipped > 0 and "skipped" or none
end

local rules = read_rules "module/core/rules.def"
count_results(rules, arg)

local tested, failing, on_the_wire = 0, 0, { standalone = 0, kamailio = 0 }
print(("%-18s %1s %5s  %-8s %-10s %-8s  %s"):format("rule", "G", "tests", "result", hosts[1], hosts[2], "what it says"))
for _, rule in ipairs(rules) do
    local result = result_of(rule.all, "no test")
    tested = tested + ((result == "pass" or result == "FAIL") and 1 or 0)
    failing = failing + (result == "FAIL" and 1 or 0)
    local wire = {}
    for index, host in ipairs(hosts) do
        wire[index] = result_of(rule[host], "-")
        on_the_wire[host] = on_the_wire[host] + (wire[index] == "pass" and 1 or 0)
    end
    print(("%-18s %1s %5d  %-8s %-10s %-8s  %s"):format(rule.id, rule.guardrail and "G" or "",
        rule.all.passed + rule.all.failed + rule.all.skipped, result, wire[1], wire[2], rule.text))
end
print(("%d rules, %d with tests, %d failing; held on the wire: standalone %d, kamailio %d"):format(#rules, tested,
    failing, on_the_wire.standalone, on_the_wire.kamailio))
os.exit(#rules > 0 and failing == 0)
