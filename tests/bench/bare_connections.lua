-- SPDX-License-Identifier: BSD-2-Clause
-- What connections cost the kernel: accepts them on a port, or opens them to that port at a steady rate, and does
-- nothing with them. Started by reconnect.lua, which closes them. Arguments: "accept" or "connect", port, connections
-- a second.
local uv = require "luv"

local role, port, rate = arg[1], tonumber(arg[2]), tonumber(arg[3])

local function until_end(socket)
    socket:nodelay(true)
    socket:read_start(function(_, chunk)
        if not chunk then
            socket:close()
        end
    end)
end

if role == "accept" then
    local listener = uv.new_tcp()
    assert(listener:bind("127.0.0.1", port))
    assert(listener:listen(1024, function()
        local socket = uv.new_tcp()
        listener:accept(socket)
        until_end(socket)
    end))
else
    local timer, began, opened = uv.new_timer(), uv.hrtime(), 0
    timer:start(0, 5, function()
        while opened < (uv.hrtime() - began) / 1e9 * rate do
            opened = opened + 1
            local socket = uv.new_tcp()
            socket:connect("127.0.0.1", port, function(why)
                assert(not why, why)
                until_end(socket)
            end)
        end
    end)
end
uv.run()
