-- SPDX-License-Identifier: BSD-2-Clause
-- The manual of policies shows the examples as they are, leaves none out, and its own Lua loads.
local tap = require "tap"
local test = tap.test
local sip = require "reflow"

local MANUAL <const> = "module/script/README.md"

local function read(path)
    local file <close> = assert(io.open(path, "rb"), path)
    return file:read "a"
end

local manual = read(MANUAL)

-- The Lua blocks of the recipes, each with the example that was linked last before it.
local function recipes()
    local list, path, block = {}, nil, nil
    for line in manual:match("\n## Recipes\n(.*)$"):gmatch "([^\n]*)\n" do
        if block and line == "```" then
            list[#list + 1] = { path = path, text = table.concat(block, "\n") .. "\n" }
            block = nil
        elseif block then
            block[#block + 1] = line
        elseif line == "```lua" then
            block = {}
        elseif line:find "^### " then
            list[#list + 1] = { title = line:sub(5) }
            path = nil
        else
            path = line:match "%]%(%.%./%.%./(examples/[%w_/]+%.lua)%)" or path
        end
    end
    return list
end

test("the lines that a recipe shows are those of its file", function(t)
    local count = 0
    for _, recipe in ipairs(recipes()) do
        if recipe.text then
            count = count + 1
            t:ok(recipe.path, "no file is linked before: " .. recipe.text)
            t:ok(read(recipe.path):find("\n" .. recipe.text, 1, true), recipe.path .. " has no:\n" .. recipe.text)
        end
    end
    t:ok(count >= 8, "recipes with lines: " .. count)
end)

test("every recipe shows lines of a file, and the contents list names it", function(t)
    local contents = manual:match "^(.-)\n## "
    local open_title
    for _, recipe in ipairs(recipes()) do
        if recipe.title then
            t:ok(not open_title, "no lines of a file in: " .. tostring(open_title))
            open_title = recipe.title
            local anchor = recipe.title:lower():gsub("[^%w%- ]", ""):gsub(" ", "-")
            t:ok(contents:find("(#" .. anchor .. ")", 1, true), "not in the contents list: " .. recipe.title)
        else
            open_title = nil
        end
    end
end)

test("every example policy is a recipe and has a spec", function(t)
    local count = 0
    for _, folder in ipairs { "examples/policies", "examples/tenants" } do
        local pipe <close> = assert(io.popen("ls " .. folder .. "/*.lua"))
        for path in pipe:lines() do
            count = count + 1
            t:ok(manual:find("](../../" .. path .. ")", 1, true), path .. " is no recipe")
            t:ok(#read(path:gsub("[^/]+$", "spec/%0")) > 0, path .. " has no spec")
        end
    end
    t:ok(count >= 10, "examples: " .. count)
end)

test("the first policy of the manual loads", function()
    local text = manual:match "\n## A first policy\n\n```lua\n(.-)\n```"
    sip.globals()
    assert(load(text, "=" .. MANUAL))()
end)

test("the places that the contents list names are there", function(t)
    local there = {}
    for title in manual:gmatch "\n##+ ([^\n]+)" do
        there[title:lower():gsub("[^%w%- ]", ""):gsub(" ", "-")] = true
    end
    for anchor in manual:gmatch "%]%(#([^)]+)%)" do
        t:ok(there[anchor], "no section #" .. anchor)
    end
end)

test("the files that the manual links to are there", function(t)
    local count = 0
    for path in manual:gmatch "%]%(([^)#]+)" do
        count = count + 1
        t:ok(io.open("module/script/" .. path), "no file " .. path)
    end
    t:ok(count > 10, "links: " .. count)
end)

tap.done()
