-- SPDX-License-Identifier: BSD-2-Clause
-- Waiting without callbacks: runs the event loop until something is so, or the time is over.
local uv = require "luv"

-- A test writes to connections that the server closes. Handled, not ignored: programs that it starts inherit nothing.
local broken_pipe = uv.new_signal()
broken_pipe:start("sigpipe", function() end)
broken_pipe:unref()

local wait = {}

-- What condition() returned, once that is true; nil after ms milliseconds.
function wait.until_true(ms, condition)
    local deadline = uv.hrtime() + ms * 1000000
    local timer = uv.new_timer()
    -- Not every condition comes with an event: a file grows without one.
    uv.update_time()
    timer:start(math.min(math.ceil(ms) + 1, 10), 10, function() end)
    local result = condition()
    while not result and uv.hrtime() < deadline do
        uv.run "once"
        result = condition()
    end
    timer:stop()
    timer:close()
    return result
end

-- Lets the loop run for so long, whatever happens.
function wait.pause(ms)
    wait.until_true(ms, function() end)
end

return wait
