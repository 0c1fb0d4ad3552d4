-- SPDX-License-Identifier: BSD-2-Clause
-- baresip, a user agent that we did not write: started without sound or screen in a folder of its own, told what to do
-- and heard by its module ctrl_tcp. Its clock runs faster than ours, by libfaketime: it waits 30 to 60 seconds before
-- it registers a lost flow again, and that cannot be configured.
local uv = require "luv"
local server = require "server"
local ua = require "ua"
local wait = require "wait"

local baresip = {}
baresip.__index = baresip

baresip.program = "/usr/bin/baresip"
baresip.modules = "/usr/lib/baresip/modules"
-- Its second lasts a tenth of ours.
baresip.speed = 10

local function faketime()
    local path = io.popen("ls /usr/lib/*/faketime/libfaketime.so.1 2>/dev/null"):read "l"
    return path
end

-- Why there is none here; nil where there is.
local function missing()
    if not uv.fs_stat(baresip.program) then
        return "no baresip"
    elseif not uv.fs_stat(baresip.modules .. "/ctrl_tcp.so") then
        return "no module ctrl_tcp of baresip"
    elseif not faketime() then
        return "no libfaketime"
    end
end

local config = [[
poll_method epoll
sip_listen 127.0.0.1:0
net_interface 127.0.0.1
audio_player aubridge,any
audio_source aubridge,any
audio_alert aubridge,alert
module_path %s
module g711.so
module aubridge.so
module_tmp uuid.so
module_tmp account.so
module_app menu.so
module_app contact.so
module_app ctrl_tcp.so
ctrl_tcp_listen 127.0.0.1:%d
%s]]

local function account(options)
    local parts = { ("<sip:%s@%s;transport=%s>"):format(options.user or "bob", options.domain,
        options.transport or "tcp"), "auth_pass=" .. (options.password or "none"), "answermode=auto",
        -- Without outbound it does not notice that its connection is closed, and registers when it is time to.
        options.plain and "regint=100" or "regint=600" }
    if not options.plain then
        parts[#parts + 1] = "sipnat=outbound"
    end
    for index, proxy in ipairs(options.proxies) do
        parts[#parts + 1] = ('outbound%s="%s"'):format(index > 1 and index or "", proxy)
    end
    return table.concat(parts, ";") .. "\n"
end

local function prepare(self, options)
    self.folder = assert(uv.fs_mkdtemp((os.getenv "TMPDIR" or "/tmp") .. "/reflow-baresip-XXXXXX"))
    server.write(self.folder .. "/config", config:format(baresip.modules, self.control, options.config or ""))
    server.write(self.folder .. "/accounts", account(options))
    server.write(self.folder .. "/uuid", (self.instance:gsub("^urn:uuid:", "")))
    -- The one contact of its address book is where its command "message" sends to.
    local contact = options.contact
    server.write(self.folder .. "/contacts", contact and ('"Contact" <%s>\n'):format(contact) or "")
    if contact then
        server.write(self.folder .. "/current_contact", contact)
    end
end

local function remove(self)
    for name in uv.fs_scandir_next, uv.fs_scandir(self.folder) do
        os.remove(self.folder .. "/" .. name)
    end
    uv.fs_rmdir(self.folder)
end

local function environment()
    local variables = uv.os_environ()
    variables.LD_PRELOAD = faketime()
    variables.FAKETIME = "+0 x" .. baresip.speed
    local list = {}
    for name, value in pairs(variables) do
        list[#list + 1] = name .. "=" .. value
    end
    return list
end

-- What it prints is the trace of its messages (-s), for whoever reads a failure.
local function spawn(self)
    local out, err = uv.new_pipe(false), uv.new_pipe(false)
    self.handle, self.pid = uv.spawn("/usr/bin/setpriv", { args = { "--pdeathsig", "KILL", baresip.program, "-f",
        self.folder, "-s" }, stdio = { nil, out, err }, env = environment() }, function(status)
        self.status = status
        self.handle:close()
    end)
    assert(self.handle, self.pid)
    for _, pipe in ipairs { out, err } do
        pipe:read_start(function(_, chunk)
            if chunk then
                self.out = self.out .. chunk
            elseif not pipe:is_closing() then
                pipe:close()
            end
        end)
    end
end

-- Netstrings: "LENGTH:TEXT,".
local function take_events(self, chunk)
    self.unread = self.unread .. chunk
    while true do
        local length, start = self.unread:match "^(%d+):()"
        if not length or #self.unread < start + length then
            return
        end
        self.events[#self.events + 1] = self.unread:sub(start, start + length - 1)
        self.unread = self.unread:sub(start + length + 1)
    end
end

local function connect(self)
    assert(wait.until_true(ua.patience, function()
        return self.status or self.out:find "baresip is ready"
    end) and not self.status, "baresip does not start: " .. self.out)
    self.socket = uv.new_tcp()
    self.socket:connect("127.0.0.1", self.control, function(why)
        assert(not why, why)
        self.socket:read_start(function(_, chunk)
            if chunk then
                take_events(self, chunk)
            end
        end)
    end)
end

--[[ Starts it for the test `t`. options: proxies (URIs, one flow to each), domain, user (bob), transport (tcp), plain
     (it registers without reg-id, through one proxy), contact (where its command "message" sends to), config (lines
     more), password. Its instance-id is that of ua.instance(1). Fields: pid, status (once it has ended), out. ]]
function baresip.start(t, options)
    local why = missing()
    if why then
        error(why)
    end
    local self = setmetatable({ control = server.free_port(), out = "", unread = "", events = {},
        instance = ua.instance(1) }, baresip)
    prepare(self, options)
    t:defer(function()
        self:stop()
        remove(self)
    end)
    spawn(self)
    connect(self)
    return self
end

-- A command of its menu, with what follows it.
function baresip.command(self, name, parameters)
    local text = ('{"command":"%s","params":"%s","token":"t"}'):format(name, parameters or "")
    self.socket:write(("%d:%s,"):format(#text, text))
end

-- The first event of that type that was not waited for yet; raises where none comes.
function baresip.expect(self, kind, ms)
    return wait.until_true(ms or ua.patience, function()
        for index, event in ipairs(self.events) do
            if event:find(('"type":"%s"'):format(kind), 1, true) then
                return table.remove(self.events, index)
            end
        end
    end) or error(("baresip: no %s; its last words: %s"):format(kind, self.out:sub(-3000)), 2)
end

function baresip.stop(self)
    if self.socket and not self.socket:is_closing() then
        self.socket:close()
    end
    if self.pid and not self.status then
        uv.kill(self.pid, "sigkill")
        wait.until_true(5000, function()
            return self.status
        end)
    end
end

return baresip
