-- SPDX-License-Identifier: BSD-2-Clause
-- What `make demo` and `make run` show works, and can be read in 100 columns.
local tap = require "tap"
local server = require "server"

local test = tap.test

local function output_of(t, command)
    local pipe = assert(io.popen(command .. " 2>&1; echo status $?"))
    local text = pipe:read "a"
    pipe:close()
    t:match(text, "status 0\n$")
    return text
end

test("make demo: 5626-7.h is shown, the call gets through, no line is over 100 columns", function(t)
    if not server.available() then
        error(server.binary .. " has not been built")
    end
    local text = output_of(t, "REFLOW_BIN=" .. server.binary .. " lua5.4 tests/e2e/demo.lua")
    t:match(text, "a dead flow: next_flow, rule 5626%-7%.h")
    t:match(text, "The call got through, %d+%.%d ms after the cut")
    t:match(text, "480 Temporarily Unavailable")
    for line in text:gmatch "[^\n]+" do
        t:at_most(#line, 100, line)
    end
end)

test("make demo-edge: 5626-5.2.b an edge comes back, 5626-7.b the call takes the other one", function(t)
    if not server.available() then
        error(server.binary .. " has not been built")
    end
    local text = output_of(t, "REFLOW_BIN=" .. server.binary .. " lua5.4 tests/e2e/demo_edge.lua")
    t:match(text, "430: next_flow, rule 5626%-7%.b")
    t:match(text, "The call got through, %d+%.%d ms after it was made")
    for line in text:gmatch "[^\n]+" do
        t:at_most(#line, 108, line)
    end
end)

test("make run: the call that it offers to make is made", function(t)
    local s = server.start(t, { domain = false })
    local text = output_of(t, "lua5.4 tests/e2e/call.lua " .. s.port)
    t:match(text, "the other one had the call")
end)

tap.done()
