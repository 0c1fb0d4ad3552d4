-- SPDX-License-Identifier: BSD-2-Clause
-- A server that strangers can reach says who may call, or does not start.
local server = require "server"
local tap = require "tap"

local test = tap.test

local function forwarding(t)
    local script = server.temporary ".lua"
    server.write(script, 'sip_on_request(function() return sip_forward "sip:127.0.0.1:5999" end)')
    t:defer(function()
        os.remove(script)
    end)
    return script
end

for _, listen in ipairs { "udp:0.0.0.0", "tcp:0.0.0.0", "ws:0.0.0.0", "udp:[::]", "tcp:[::]" } do
    test("it does not start on " .. listen .. " without knowing who may call", function(t)
        local result = server.run { "serve", "examples/registrar.lua", "--listen",
            "udp:127.0.0.1:" .. server.free_port(), "--listen", listen .. ":" .. server.free_port(), "--trust",
            "192.0.2.1", "--trunk", "192.0.2.2" }
        t:equal(result.status, 2)
        for _, name in ipairs { "%-%-users", "sip_on_credentials", "%-%-edge", "%-%-open" } do
            t:match(result.err, "^reflow serve: [^\n]*" .. name .. "[^\n]*\n$")
        end
    end)
end

test("on loopback alone it starts, and checks nobody", function(t)
    for _, listen in ipairs { "udp:127.0.0.1:%d", "udp:127.0.0.2:%d", "tcp:[::1]:%d" } do
        local s = server.start(t, { listen = { listen } })
        t:equal(s.err:find "warning", nil)
        s:stop()
    end
end)

test("--open starts it, with a warning", function(t)
    local s = server.start(t, { listen = { "udp:0.0.0.0:%d", "tcp:[::]:%d" }, args = { "--open" } })
    s:expect_log "warning: %-%-open: nobody is asked for a password"
    s:stop()
end)

test("--edge starts it", function(t)
    local s = server.start(t, { script = forwarding(t), listen = { "udp:0.0.0.0:%d" }, args = { "--edge" } })
    t:equal(s.err:find "warning", nil)
    s:stop()
end)

test("options that exclude each other, or have no effect", function(t)
    local result = server.run { "serve", "examples/registrar.lua", "--open", "--edge" }
    t:equal(result.status, 2)
    t:match(result.err, "%-%-open and %-%-edge exclude each other")
    local s = server.start(t, { args = { "--no-foreign" } })
    s:expect_log "warning: %-%-no%-foreign has no effect"
    s:stop()
end)

tap.done()
