-- SPDX-License-Identifier: BSD-2-Clause
-- Programs that are user agents, run beside the test in a lua5.4 of their own: what they print is what they did.
local uv = require "luv"
local server = require "server"
local wait = require "wait"

local agent = setmetatable({}, { __index = server })
agent.__index = agent

-- The sanitized module goes into stock lua5.4: the sanitizer's runtime has to come first.
local function environment()
    local pipe = io.popen "gcc -print-file-name=libasan.so"
    local runtime = pipe:read "l"
    pipe:close()
    local variables = uv.os_environ()
    variables.LUA_CPATH = (os.getenv "REFLOW_OBJ" or "build/sanitize") .. "/?.so;;"
    variables.LUA_PATH = nil
    variables.LD_PRELOAD = runtime
    return variables
end

local function read_into(self, name, pipe)
    self[name] = ""
    pipe:read_start(function(_, chunk)
        if chunk then
            self[name] = self[name] .. chunk
        elseif not pipe:is_closing() then
            pipe:close()
        end
    end)
end

-- Runs a Lua program; it is ended, and looked at, when the test does.
function agent.run(t, arguments, more)
    local out, err = uv.new_pipe(false), uv.new_pipe(false)
    local self = setmetatable({ pipes = { out = out, err = err } }, agent)
    local variables = environment()
    for name, value in pairs(more or {}) do
        variables[name] = value
    end
    local list = {}
    for name, value in pairs(variables) do
        list[#list + 1] = name .. "=" .. value
    end
    self.handle, self.pid = uv.spawn("lua5.4", { args = arguments, stdio = { nil, out, err }, env = list },
        function(status, signal)
            self.status, self.signal_number = status, signal
            self.handle:close()
        end)
    assert(self.handle, self.pid)
    read_into(self, "out", out)
    read_into(self, "err", err)
    t:defer(function()
        self:finish()
    end)
    return self
end

--[[ A user agent with these options, written as Lua: `proxies`, and what else reflow.ua takes. Prints an event a line;
     answers INVITE with `invite` (486 where none is given), all else with 200. SIGINT unregisters. ]]
function agent.start(t, options)
    local script = server.temporary ".lua"
    server.write(script, ([[
local uv = require "luv"
local ua = require "reflow.ua"
io.stdout:setvbuf "line"
local options = { %s }
options.aor = options.aor or "sip:bob@example.test"
options.on_event = print
local answer = options.invite or 486
options.on_request = options.on_request or function(request)
  print("request " .. request.method)
  request:reply(request.method == "INVITE" and answer or 200)
end
local agent = ua.new(options)
local interrupted = uv.new_signal()
interrupted:start("sigint", function() interrupted:close() agent:stop() end)
agent:start()
uv.run()
]]):format(options))
    t:defer(function()
        os.remove(script)
    end)
    return agent.run(t, { script })
end

-- Waits for the n-th line that fits the pattern, and returns it and when it was seen.
function agent.expect(self, pattern, n, ms)
    local found
    if not wait.until_true(ms or 30000, function()
        local count = 0
        for line in self.out:gmatch "[^\n]+" do
            count = count + (line:find(pattern) and 1 or 0)
            if count == (n or 1) then
                found = line
                return true
            end
        end
    end) then
        error(("no %q, number %d, in: %s%s"):format(pattern, n or 1, self.out, self.err:sub(-2000)), 2)
    end
    return found, uv.hrtime() / 1e6
end

function agent.count(self, pattern)
    return select(2, self.out:gsub(pattern, ""))
end

function agent.finish(self)
    self:signal "sigint"
    if self.status == nil and not self:wait(30000) then
        self:signal "sigkill"
        self:wait(30000)
        error("the user agent did not end within the time after SIGINT: " .. self.out .. self.err, 2)
    end
    self:check()
end

return agent
