-- SPDX-License-Identifier: BSD-2-Clause
-- Every function of the reference has an example, and every example does what it says.
local tap = require "tap"
local test = tap.test
local schema = require "schema"
local temporary = require "temporary"

local known = schema.read()
local binary = os.getenv "REFLOW_BIN" or "build/sanitize/reflow"

test("every function has an example, and every example its function or class", function(t)
    local wanted, count = {}, 0
    for _, row in ipairs { "FUNCTION", "ENTRY" } do
        for _, item in schema.each(known, row) do
            local name = item.prefix:sub(5) .. item.name
            wanted[name], count = true, count + 1
            t:ok(known.examples[name], "no example of " .. name)
            t:ok(known.examples[name].text:find("[._]" .. item.name .. "%f[^%w_]"), name .. ": not in its example")
        end
    end
    t:ok(count > 50, "functions: " .. count)
    for name in pairs(known.examples) do
        t:ok(wanted[name] or schema.class(known, name), "no such function or class: " .. name)
    end
end)

test("every method is in the example of its class, or in that of the function that makes it", function(t)
    for _, class in schema.each(known, "CLASS") do
        for _, method in ipairs(class.methods) do
            local text = known.examples[class.name] and known.examples[class.name].text or ""
            local maker = class.name == "TokenKeys" and known.examples.token_keys.text or ""
            t:ok((text .. maker):find(":" .. method.name .. "%f[^%w_]"), class.name .. ":" .. method.name)
        end
    end
end)

test("the contents list of the reference leads to every heading", function(t)
    local text = schema.reference(known)
    local list, there = text:match "\n## Contents\n(.-)\n## ", {}
    for title in text:gmatch "\n##+ ([^\n]+)" do
        local anchor = schema.anchor(title)
        t:ok(not there[anchor], "two headings " .. title)
        there[anchor] = true
        t:ok(title == "Contents" or list:find("(#" .. anchor .. ")", 1, true), "not in the list: " .. title)
    end
    for anchor in list:gmatch "%(#([^)]+)%)" do
        t:ok(there[anchor], "leads nowhere: " .. anchor)
    end
end)

local function check(t, example)
    local path = temporary.path ".lua"
    local file = assert(io.open(path, "wb"))
    file:write('local sip = require "reflow" ', example.text)
    file:close()
    t:defer(function()
        os.remove(path)
    end)
    local pipe = assert(io.popen(("%s check %s 2>&1"):format(binary, path)))
    local text = pipe:read "a"
    local fine = pipe:close()
    t:ok(fine, text)
    t:match(text, "nothing found; hooks were tried [1-9]")
end

-- Runs it, and returns what it printed, and what its comments say.
local function run(example)
    local printed, expected = {}, {}
    local environment = setmetatable({ sip = require "reflow", print = function(...)
        local words = table.pack(...)
        for index = 1, words.n do
            words[index] = tostring(words[index])
        end
        printed[#printed + 1] = table.concat(words, "\t")
    end }, { __index = _G })
    for line in example.text:gmatch "[^\n]+" do
        expected[#expected + 1] = line:match "%-%-> (.*)$"
    end
    assert(load(example.text, "=" .. schema.examples_source .. ":" .. example.line, "t", environment))()
    return printed, expected
end

for _, example in ipairs(known.example_list) do
    test(("the example of %s works, as a %s"):format(example.name, example.kind), function(t)
        if example.kind == "policy" then
            check(t, example)
            return
        end
        t:equal(example.kind, "program")
        local printed, expected = run(example)
        t:ok(#expected > 0, "shows no result")
        t:equal(table.concat(printed, "\n"), table.concat(expected, "\n"))
    end)
end

tap.done()
