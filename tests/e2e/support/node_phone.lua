-- SPDX-License-Identifier: BSD-2-Clause
-- User agents in JavaScript that run as a Node.js program: commands are lines on its standard input, events are lines
-- on its standard output, and it ends where its input does. npm fetches what they need, in the versions of their folder
-- in tests/e2e/peers, into the folder of what is built.
local uv = require "luv"
local ua = require "ua"

local phone = {}
phone.__index = phone

local build = os.getenv "BUILD" or "build"

local function succeeds(command)
    return (os.execute(command .. " >/dev/null 2>&1"))
end

-- Why what tests/e2e/peers/NAME needs is not here; nil if it is. What has been installed is kept.
function phone.missing(name)
    local from, folder = "tests/e2e/peers/" .. name, build .. "/" .. name
    if not succeeds "command -v node" or not succeeds "command -v npm" then
        return "no Node.js with npm"
    elseif succeeds(("cmp %s/package-lock.json %s/installed"):format(from, folder)) then
        return nil
    end
    succeeds(("mkdir -p %s && cp %s/package*.json %s"):format(folder, from, folder))
    if not succeeds(("cd %s && timeout 60 npm ci --ignore-scripts --no-audit --no-fund --fetch-retries=0"):format(
        folder)) then
        return "npm cannot install what " .. from .. " needs: no registry?"
    end
    succeeds(("cp %s/package-lock.json %s/installed"):format(from, folder))
end

local function read_lines(self, pipe, chunk)
    if not chunk then
        pipe:close()
        return
    end
    self.said = self.said .. chunk
    self.unread = self.unread .. chunk
    self.unread = self.unread:gsub("([^\n]*)\n", function(line)
        self.lines[#self.lines + 1] = line
        return ""
    end)
end

local function environment(name)
    local list = { ("NODE_PATH=%s/%s/node_modules"):format(build, name) }
    for variable, value in pairs(uv.os_environ()) do
        list[#list + 1] = variable .. "=" .. value
    end
    return list
end

-- Starts tests/e2e/peers/NAME/peer.js with these arguments for the test `t`, which ends it.
function phone.start(t, name, arguments)
    local self = setmetatable({ lines = {}, unread = "", said = "", input = uv.new_pipe(false), name = name }, phone)
    local out, err = uv.new_pipe(false), uv.new_pipe(false)
    local words = { "node", ("tests/e2e/peers/%s/peer.js"):format(name), table.unpack(arguments) }
    self.handle, self.pid = uv.spawn("/usr/bin/env", { args = words, stdio = { self.input, out, err },
        env = environment(name) }, function(status)
        self.status = status
        self.handle:close()
    end)
    assert(self.handle, self.pid)
    for _, pipe in ipairs { out, err } do
        pipe:read_start(function(_, chunk)
            read_lines(self, pipe, chunk)
        end)
    end
    t:defer(function()
        self:stop()
    end)
    return self
end

-- The first line like this that was not waited for yet; raises an error where none comes.
function phone.expect(self, line, ms)
    return ua.wait.until_true(ms or ua.patience, function()
        for index, each in ipairs(self.lines) do
            if each == line then
                return table.remove(self.lines, index)
            end
        end
    end) or error(("%s: no %q; it said: %s"):format(self.name, line, self.said:sub(-3000)), 2)
end

function phone.command(self, text)
    self.input:write(text .. "\n")
end

function phone.stop(self)
    if not self.input:is_closing() then
        self.input:close()
    end
    if not ua.wait.until_true(10000, function()
        return self.status
    end) then
        uv.kill(self.pid, "sigkill")
        ua.wait.until_true(5000, function()
            return self.status
        end)
    end
end

return phone
