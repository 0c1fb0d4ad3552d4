-- SPDX-License-Identifier: BSD-2-Clause
-- Linphone, a user agent that we did not write: its console program, without sound or screen, in a folder of its own.
-- It gets commands by its standard input, and answers calls by itself.
local uv = require "luv"
local server = require "server"
local ua = require "ua"
local wait = require "wait"

local linphone = {}
linphone.__index = linphone

linphone.program = "/usr/bin/linphonec"

-- Why there is none here; nil if there is.
function linphone.missing()
    return not uv.fs_stat(linphone.program) and "no linphonec (Debian: linphone-cli)" or nil
end

local config = [[
[sip]
sip_port=-1
sip_tcp_port=-1
sip_tls_port=-1
use_ipv6=0
guess_hostname=0
verify_server_certs=%d
root_ca=%s
default_proxy=0
[proxy_0]
reg_proxy=<sip:%s:%d;transport=%s>
reg_route=<sip:%s:%d;transport=%s>
reg_identity=sip:%s@%s
reg_expires=%d
reg_sendregister=1
publish=0
[rtp]
audio_rtp_port=0
video_rtp_port=0
text_rtp_port=0
]]

local auth_config = [[
[auth_info_0]
username=%s
userid=%s
passwd=%s
realm=%s
]]

local function prepare(self, o)
    self.folder = assert(uv.fs_mkdtemp((os.getenv "TMPDIR" or "/tmp") .. "/reflow-linphone-XXXXXX"))
    -- Without this folder it does not start.
    assert(os.execute(("mkdir -p %s/.local/share/linphone"):format(self.folder)))
    local user = o.user or "bob"
    local text = config:format(o.authority and 1 or 0, o.authority or "", o.host, o.port, o.transport, o.host, o.port,
        o.transport, user, o.domain, o.expires or 600)
    if o.password then
        text = text .. auth_config:format(user, user, o.password, o.domain)
    end
    server.write(self.folder .. "/linphonerc", text)
end

local function environment(folder)
    local variables, list = uv.os_environ(), {}
    variables.HOME, variables.TMPDIR, variables.XDG_RUNTIME_DIR = folder, folder, folder
    variables.XDG_CONFIG_HOME, variables.XDG_DATA_HOME = nil, nil
    for name, value in pairs(variables) do
        list[#list + 1] = name .. "=" .. value
    end
    return list
end

local function spawn(self)
    local out, err = uv.new_pipe(false), uv.new_pipe(false)
    self.input = uv.new_pipe(false)
    self.handle, self.pid = uv.spawn("/usr/bin/setpriv", { args = { "--pdeathsig", "KILL", linphone.program, "-c",
        self.folder .. "/linphonerc", "-a", "-d", "6", "-l", self.folder .. "/log" },
        stdio = { self.input, out, err }, env = environment(self.folder), cwd = self.folder }, function(status)
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

--[[ Starts it for the test `t`, which ends it. options: host, port and transport of its server; domain, user (bob),
     authority (a file: who must have signed the server's certificate), expires (s), password. ]]
function linphone.start(t, options)
    local self = setmetatable({ out = "" }, linphone)
    prepare(self, options)
    t:defer(function()
        self:stop()
        os.execute("rm -r " .. self.folder)
    end)
    spawn(self)
    return self
end

-- Its log so far, which has each message that it sent or received.
function linphone.trace(self)
    local file <close> = io.open(self.folder .. "/log")
    return file and file:read "a" or ""
end

function linphone.command(self, line)
    self.input:write(line .. "\n")
end

-- Waits until it prints what fits the pattern, after what was waited for last.
function linphone.expect(self, pattern, ms)
    local last = wait.until_true(ms or ua.patience, function()
        return (select(2, self.out:find(pattern, self.read or 1)))
    end)
    if not last then
        error(("linphonec: no %q; its last words: %s"):format(pattern, self.out:sub(-2000)), 2)
    end
    self.read = last + 1
end

function linphone.stop(self)
    if not self.status then
        uv.kill(self.pid, "sigkill")
        wait.until_true(5000, function()
            return self.status
        end)
    end
    if not self.input:is_closing() then
        self.input:close()
    end
end

return linphone
