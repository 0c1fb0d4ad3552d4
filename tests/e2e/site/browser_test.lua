-- SPDX-License-Identifier: BSD-2-Clause
-- The site of `reflow site` in Chromium, read as people read it: browser.js has the checks. npm fetches what it needs,
-- in the versions of package-lock.json, into the folder of what is built. A machine without a browser fails this test.
local tap = require "tap"
local temporary = require "temporary"

local reflow = os.getenv "REFLOW_BIN" or "build/reflow"
local from, installed = "tests/e2e/site", (os.getenv "BUILD" or "build") .. "/site-tests"

local function output(command)
    local pipe = assert(io.popen(command .. " 2>&1"))
    local text = pipe:read "a"
    return pipe:close() == true, text
end

-- Installs the packages unless they are there in these versions.
local function install()
    if output(("cmp %s/package-lock.json %s/installed"):format(from, installed)) then return end
    local fine, text = output(([[mkdir -p %s && cp %s/package*.json %s && cd %s &&
        npm ci --ignore-scripts --no-audit --no-fund && cp package-lock.json installed]]):format(
        installed, from, installed, installed))
    if not fine then error("npm cannot install what " .. from .. " needs: " .. text, 0) end
end

-- The lines of browser.js by name: "" for a check that passed, else the reasons.
local function results()
    install()
    local site = temporary.path()
    local fine, text = output(("%s site %s"):format(reflow, site))
    if not fine then error(text, 0) end
    fine, text = output(("NODE_PATH=%s/node_modules node %s/browser.js %s"):format(installed, from, site))
    os.execute("rm -rf " .. site)
    local list = {}
    for line in text:gmatch "[^\n]+" do
        local name = line:match "^ok (.*)$"
        local failed, why = line:match "^not ok (.-): (.*)$"
        list[#list + 1] = name and { name, "" } or failed and { failed, why } or { "browser.js", line }
    end
    if not fine then list[#list + 1] = { "browser.js", "its exit status" } end
    return list
end

local EXPECTED <const> = 15 -- checks in browser.js

local list = {}
tap.test("the site opens in Chromium", function(t)
    list = results()
    t:equal(#list, EXPECTED, "checks: " .. (list[#list] and list[#list][2] or "none"))
end)
for _, each in ipairs(list) do
    tap.test(each[1], function(t) t:equal(each[2], "") end)
end

tap.done()
