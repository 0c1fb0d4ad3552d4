-- SPDX-License-Identifier: BSD-2-Clause
-- The man pages have every option and command that --help lists and every function of policies, and groff reads them
-- without a warning.
local schema = require "schema"
local tap = require "tap"
local temporary = require "temporary"

local test = tap.test
local binary = os.getenv "REFLOW_BIN" or "build/sanitize/reflow"

local function output(command)
    local pipe = assert(io.popen(command .. " 2>&1"))
    local text = pipe:read "a"
    return text, pipe:close()
end

local folder = temporary.path()
local made, fine = output(("tests/support/man.sh %s %s"):format(binary, folder))

test("the pages are made", function(t)
    t:equal(made, "")
    t:ok(fine)
end)

-- The text as a reader sees it, without line breaks in a paragraph; and what groff complains of. groff runs without the
-- sanitizer that this process has loaded for the module.
local function render(page)
    local path = folder .. "/" .. page
    local text = output(("env -u LD_PRELOAD groff -man -Tutf8 -P-cbou -rLL=2000n %s"):format(path))
    return text, (output(("env -u LD_PRELOAD groff -man -Tutf8 -ww -z %s"):format(path)))
end

local texts = {}
for _, page in ipairs { "reflow.1", "reflow-serve.8", "reflow-policy.7" } do
    test("groff reads " .. page .. " without a warning", function(t)
        local warnings
        texts[page], warnings = render(page)
        t:equal(warnings, "")
        t:ok(#texts[page] > 5000, "length: " .. #texts[page])
        for _, section in ipairs { "NAME", "DESCRIPTION", "SEE ALSO" } do
            t:ok(texts[page]:find("\n" .. section .. "\n", 1, true), section)
        end
        t:ok(not texts[page]:find "%*%*%a" and not texts[page]:find "%]%(", "left of Markdown")
    end)
end

-- The commands of --help, and "" for the program itself.
local function commands()
    local list = { "" }
    for name in output(binary .. " --help"):match "\nCommands:\n(.-)\n\n":gmatch "%f[^\n\0]  ([%l-]+)" do
        list[#list + 1] = name
    end
    return list
end

-- The lines of a page that begin with an option or a command: its name -> true.
local function terms(text)
    local set = {}
    for term in text:gmatch "\n       ([%l-][%w-]*)" do
        set[term] = true
    end
    return set
end

local function section(text, command)
    local title = "\nREFLOW " .. command:upper() .. "\n"
    local _, at = text:find(title, 1, true)
    return at and text:sub(at):match "^(.-\n)%f[%u]" or ""
end

test("every option and command of --help has an entry in its page", function(t)
    local count = 0
    for _, command in ipairs(commands()) do
        local page = command == "serve" and texts["reflow-serve.8"] or texts["reflow.1"]
        local there = terms(command ~= "" and command ~= "serve" and section(page, command) or page)
        for line in output(("%s %s --help"):format(binary, command)):gmatch "[^\n]+" do
            local term = line:match "^  (%-%-[%w-]+)" or line:match "^  (%l[%l-]*)"
            if term then
                count = count + 1
                t:ok(there[term], ("%s: no entry for %s"):format(command, term))
            end
        end
    end
    t:ok(count > 150, "entries: " .. count)
end)

-- Without what a page shows otherwise: quotes of code, and the break of lines.
local function collapsed(text)
    return (text:gsub("`", ""):gsub("%s+", " "))
end

test("every line of --help is in its page, word for word", function(t)
    for _, command in ipairs(commands()) do
        local page = collapsed(command == "serve" and texts["reflow-serve.8"] or texts["reflow.1"])
        for line in output(("%s %s --help"):format(binary, command)):gmatch "[^\n]+" do
            if not line:find "^%u[%l ]*:$" then
                for part in (line:gsub("^%a+: ", "") .. "  "):gmatch "%s*(%S.-)%s%s" do
                    t:ok(page:find(collapsed(part), 1, true), ("%s: not in the page: %s"):format(command, part))
                end
            end
        end
    end
end)

test("every function of policies is in reflow-policy(7), with its example", function(t)
    local known = schema.read()
    for _, row in ipairs { "FUNCTION", "ENTRY" } do
        for _, item in schema.each(known, row) do
            t:ok(texts["reflow-policy.7"]:find("\n   " .. item.prefix .. item.name .. "\n", 1, true), item.name)
        end
    end
    for _, example in ipairs(known.example_list) do
        t:ok(texts["reflow-policy.7"]:find(example.text:match "^[^\n\t]+", 1, true), example.name)
    end
end)

os.execute("rm -rf " .. folder)
tap.done()
