-- SPDX-License-Identifier: BSD-2-Clause
-- Starts the server under test on free ports, stops it, and looks at how it ended.
local file = require "file"
local temporary = require "temporary"
local uv = require "luv"
local wait = require "wait"

local server = {}
server.__index = server

local sanitizer_signs = { "AddressSanitizer", "LeakSanitizer", "runtime error:", "ERROR: .-Sanitizer", "SUMMARY:" }

-- ms to wait for the end of the outputs of a process that has ended: its own processes may have them, too
local output_patience <const> = 5000

server.binary = os.getenv "REFLOW_BIN" or "build/sanitize/reflow"

-- A script that never ends. The thread sanitizer delays a signal until the program calls the C library: the one that
-- stops a script would never come in a loop that calls nothing.
server.endless_script = server.binary:find("/tsan/", 1, true) and "while true do local t = {} end"
    or "while true do end"

function server.available()
    return uv.fs_stat(server.binary) ~= nil
end

-- Ports of tests are FIRST to FIRST + COUNT - 1: below those that the system gives to sockets which ask for none in
-- particular. A socket on another address, COUNT above, reserves one for this program until it ends, so that no program
-- beside it takes the port before our server does, or while a server is started again.
local FIRST <const>, COUNT <const>, RESERVING_ADDRESS <const> = 10000, 11000, "127.255.255.254"
local reservations = {}

local function reserve(port)
    local socket = uv.new_tcp()
    if not (socket:bind(RESERVING_ADDRESS, port + COUNT) and socket:listen(1, function() end)) then
        socket:close()
        return false
    end
    socket:unref()
    reservations[#reservations + 1] = socket
    return true
end

-- A port that is free for UDP and TCP, and that no test takes until this program ends.
function server.free_port()
    while true do
        local tcp, udp = uv.new_tcp(), uv.new_udp()
        local port = FIRST + string.unpack("I2", uv.random(2)) % COUNT
        local fine = tcp:bind("0.0.0.0", port) and udp:bind("0.0.0.0", port) and tcp:listen(1, function() end)
        tcp:close()
        udp:close()
        if fine and reserve(port) then
            return port
        end
    end
end

function server.temporary(suffix)
    return temporary.path(suffix)
end

-- The path of a state file, or of another one of a server, which is removed with its company when the test ends.
function server.state_path(t, suffix)
    local path = server.temporary(suffix)
    t:defer(function()
        for _, more in ipairs { "", ".keys", "-wal", "-shm", ".policy" } do
            os.remove(path .. more)
        end
    end)
    return path
end

server.write = file.write

-- What a process gets as its output: the end to read, the one to give away, and a function for when it was given. With
-- "pipe" it is a pipe as a shell makes it; libuv itself makes sockets.
local function output_ends(kind)
    local pipe = uv.new_pipe(false)
    if kind ~= "pipe" then
        return pipe, pipe, function() end
    end
    local ends = uv.pipe({ nonblock = true }, {})
    pipe:open(ends.read)
    return pipe, ends.write, function()
        uv.fs_close(ends.write)
    end
end

local function read_into(self, name)
    local pipe = self.pipes[name]
    pipe:read_start(function(_, chunk)
        if chunk then
            self[name] = self[name] .. chunk
            if self.on_output then
                self.on_output(name, chunk)
            end
        elseif not pipe:is_closing() then
            pipe:close()
        end
    end)
end

-- What the process writes from now on stays where it is.
function server.stop_reading(self)
    self.reads_nothing = true
    self.pipes.out:read_stop()
    self.pipes.err:read_stop()
end

function server.read_on(self)
    self.reads_nothing = false
    read_into(self, "out")
    read_into(self, "err")
end

-- Nobody can read what the process writes from now on.
function server.close_outputs(self)
    self.pipes.out:close()
    self.pipes.err:close()
end

-- Runs the binary with these arguments, whatever they are; wait for self.status. kind: "pipe", or nil: sockets.
function server.spawn(arguments, environment, kind)
    local self = setmetatable({ out = "", err = "", pipes = {} }, server)
    local out, err, given_out, given_err
    self.pipes.out, out, given_out = output_ends(kind)
    self.pipes.err, err, given_err = output_ends(kind)
    local variables
    if environment then
        variables = uv.os_environ()
        for name, value in pairs(environment) do
            variables[name] = value
        end
        local list = {}
        for name, value in pairs(variables) do
            list[#list + 1] = name .. "=" .. value
        end
        variables = list
    end
    self.handle, self.pid = uv.spawn(server.binary, { args = arguments, stdio = { nil, out, err }, env = variables },
        function(status, signal)
            self.status, self.signal_number = status, signal
            self.handle:close()
        end)
    assert(self.handle, self.pid)
    given_out()
    given_err()
    self:read_on()
    return self
end

-- Runs the binary to its end; returns the object with status, out and err.
function server.run(arguments, ms)
    local self = server.spawn(arguments)
    if not self:wait(ms or 60000) then
        self:signal "sigkill"
        self:wait(30000)
        error("still running: " .. table.concat(arguments, " "), 2)
    end
    return self
end

-- `reflow ctl` to a server with the field control.
function server.ctl(self, ...)
    return server.run { "ctl", "--socket", self.control, ... }
end

-- Whether these arguments need one that says who may call.
local function is_exposed(arguments)
    local exposed = false
    for i, argument in ipairs(arguments) do
        if argument == "--users" or argument == "--edge" or argument == "--open" then
            return false
        end
        local address = arguments[i - 1] == "--listen" and argument:match "^%a+:(.*):%d+$"
        exposed = exposed or address and not (address:find "^127%." or address == "[::1]") or false
    end
    return exposed
end

--[[ options: script (a path) or source (Lua text), listen (a list, "%d" stands for the port; default: UDP and TCP on
     127.0.0.1), args (more arguments), domain (default "example.test"; false:
     none), state, status (true: a status socket), port, environment, outputs (as kind of spawn). One that other
     machines could reach checks nobody (--open), unless args say otherwise. The server is stopped and looked at when
     the test `t` ends. ]]
function server.start(t, options)
    options = options or {}
    if not server.available() then
        error(server.binary .. " has not been built")
    end
    local script = options.script or "examples/registrar.lua"
    if options.source then
        script = server.temporary ".lua"
        server.write(script, options.source)
        t:defer(function()
            os.remove(script)
        end)
    end
    local port = options.port or server.free_port()
    local arguments = { "serve", script }
    for _, listen in ipairs(options.listen or { "udp:127.0.0.1:%d", "tcp:127.0.0.1:%d" }) do
        arguments[#arguments + 1] = "--listen"
        arguments[#arguments + 1] = listen:format(port)
    end
    if options.domain ~= false then
        arguments[#arguments + 1] = "--domain"
        arguments[#arguments + 1] = options.domain or "example.test"
    end
    if options.state then
        arguments[#arguments + 1] = "--state"
        arguments[#arguments + 1] = options.state
    end
    local status_path = options.status and server.temporary ".status"
    if status_path then
        arguments[#arguments + 1] = "--status"
        arguments[#arguments + 1] = status_path
    end
    for _, argument in ipairs(options.args or {}) do
        arguments[#arguments + 1] = argument
    end
    if is_exposed(arguments) then
        arguments[#arguments + 1] = "--open"
    end
    local self = server.spawn(arguments, options.environment, options.outputs)
    self.port, self.host, self.script, self.arguments = port, "127.0.0.1", script, arguments
    self.status_path = status_path
    self.domain = options.domain == false and "127.0.0.1" or options.domain or "example.test"
    t:defer(function()
        if status_path then
            os.remove(status_path) -- one that was killed leaves it
        end
    end)
    t:defer(function()
        self:finish()
    end)
    -- That a port takes connections is not enough: signals would still find no handler.
    wait.until_true(60000, function()
        return self.status or self.err:find("reflow: serving with ", 1, true)
    end)
    if self.status or not self.err:find("reflow: serving with ", 1, true) then
        error(("the server does not serve (status %s): %s"):format(tostring(self.status), self.err), 2)
    end
    return self
end

function server.alive(self)
    return self.status == nil
end

function server.signal(self, name)
    if self.status == nil then
        uv.kill(self.pid, name)
    end
end

local function has_read_all(self)
    return self.reads_nothing or self.pipes.out:is_closing() and self.pipes.err:is_closing()
end

-- Waits for the end of the process, and for what it has written; true when it came.
function server.wait(self, ms)
    local ended = wait.until_true(ms, function()
        return self.status ~= nil
    end)
    return ended and (wait.until_true(output_patience, function()
        return has_read_all(self)
    end) or true)
end

-- Waits until a line on standard error fits the pattern.
function server.expect_log(self, pattern, ms)
    if not wait.until_true(ms or 30000, function()
        return self.err:find(pattern)
    end) then
        error(("no %q on standard error: %s"):format(pattern, self.err:sub(-2000)), 2)
    end
end

-- What the status socket says.
function server.status_text(self)
    local pipe, text, ended = uv.new_pipe(false), "", false
    pipe:connect(self.status_path, function(why)
        if why then
            ended = true
            return
        end
        pipe:read_start(function(_, chunk)
            text = text .. (chunk or "")
            ended = ended or not chunk
        end)
    end)
    wait.until_true(30000, function()
        return ended
    end)
    pipe:close()
    return text
end

-- The number of that name in it; the first where there are several.
function server.number(self, name)
    local text = self:status_text()
    return tonumber(text:match('"' .. name .. '":(%d+)')) or error(("no %s in: %s"):format(name, text), 2)
end

function server.until_number(self, name, least)
    if not wait.until_true(30000, function()
        return self:number(name) >= least
    end) then
        error(("%s stays at %d"):format(name, self:number(name)), 2)
    end
end

function server.reports(self)
    for _, sign in ipairs(sanitizer_signs) do
        if self.err:find(sign) then
            return self.err
        end
    end
end

-- SIGTERM, then the end must be clean: status 0 and nothing from a sanitizer. A second one ends the draining at once.
function server.stop(self, ms)
    self:signal "sigterm"
    if not self:wait(1000) then
        self:signal "sigterm"
    end
    if self.status == nil and not self:wait(ms or 30000) then
        self:signal "sigkill"
        self:wait(30000)
        error("the server did not end within the time after SIGTERM: " .. self.err:sub(-2000), 2)
    end
    self:check()
end

function server.check(self)
    local report = self:reports()
    if report then
        error("sanitizer report:\n" .. report:sub(1, 3000), 2)
    end
    if not self.killed and (self.status ~= 0 or self.signal_number ~= 0) then
        error(("ended with status %s, signal %s: %s"):format(self.status, self.signal_number, self.err:sub(-4000)), 2)
    end
end

-- kill -9: no chance to write anything.
function server.kill(self)
    self.killed = true
    self:signal "sigkill"
    self:wait(30000)
end

-- At the end of a test: stops what runs, and looks. A server that was killed leaves its status socket. SIGINT would do
-- the same as SIGTERM.
function server.finish(self)
    if self.status == nil then
        self:stop()
    else
        self:check()
    end
    if self.status_path then
        os.remove(self.status_path)
    end
end

return server
