-- SPDX-License-Identifier: BSD-2-Clause
-- Processes of a comparison: started, their CPU time read with that of their children, ended.
local uv = require "luv"
local wait = require "wait"

local process = {}
process.__index = process

-- command: a list. output: a path for both streams; nil: nowhere.
function process.start(command, output)
    local self = setmetatable({ command = command }, process)
    local file = uv.fs_open(output or "/dev/null", "w", 420)
    local arguments = table.pack(table.unpack(command, 2))
    self.handle, self.pid = uv.spawn(command[1], { args = arguments, stdio = { nil, file, file } }, function(status)
        self.status = status
        self.handle:close()
    end)
    uv.fs_close(file)
    assert(self.handle, ("%s: %s"):format(command[1], self.pid))
    return self
end

-- The exit status, nil after ms.
function process.wait(self, ms)
    wait.until_true(ms, function()
        return self.status
    end)
    return self.status
end

function process.run(command, output, ms)
    local self = process.start(command, output)
    local status = self:wait(ms)
    if not status then
        self:stop()
    end
    return status
end

function process.stop(self)
    if not self.status then
        uv.kill(self.pid, "sigterm")
        if not self:wait(10000) then
            uv.kill(self.pid, "sigkill")
            self:wait(10000)
        end
    end
end

local function read(path)
    local file = io.open(path)
    local text = file and file:read "a" or ""
    if file then
        file:close()
    end
    return text
end

local function children(pid, list)
    list[#list + 1] = pid
    for child in read(("/proc/%d/task/%d/children"):format(pid, pid)):gmatch "%d+" do
        children(tonumber(child), list)
    end
    return list
end

-- Pids of the process and of all that came of it.
function process.tree(pid)
    return children(pid, {})
end

local ticks

-- CPU microseconds, user and system, of the process and all its children as they stand.
function process.cpu(pid)
    if not ticks then
        local pipe = io.popen "getconf CLK_TCK"
        ticks = tonumber(pipe:read "l")
        pipe:close()
    end
    local user, system = 0, 0
    for _, each in ipairs(children(pid, {})) do
        local fields = {}
        for field in read(("/proc/%d/stat"):format(each)):gsub("^.*%) ", ""):gmatch "%S+" do
            fields[#fields + 1] = field
        end
        user = user + (tonumber(fields[12]) or 0)
        system = system + (tonumber(fields[13]) or 0)
    end
    return user * 1e6 / ticks, system * 1e6 / ticks
end

return process
