-- SPDX-License-Identifier: BSD-2-Clause
-- What `reflow serve` sends to the service manager that has started it: sd_notify(3).
local uv = require "luv"
local tap = require "tap"
local ua = require "ua"
local server = require "server"

local test = tap.test

-- A manager: prints each message of its socket, with "|" in place of newlines, as a line of `out`. (luv has no datagram
-- sockets of Unix; perl-base is on every Debian.)
local listener = [[
use Socket;
$| = 1;
my $name = $ARGV[0];
$name =~ s/^@/\0/;
socket(my $manager, PF_UNIX, SOCK_DGRAM, 0) or die $!;
bind($manager, sockaddr_un($name)) or die $!;
print "listening\n";
while (defined recv($manager, my $message, 4096, 0)) { $message =~ tr/\n/|/; print "$message\n"; }
]]

local function manager(t, name)
    local self = { name = name, out = "" }
    local out, handle = uv.new_pipe(false), nil
    handle = assert(uv.spawn("perl", { args = { "-e", listener, name }, stdio = { nil, out, 2 } }, function()
        handle:close()
    end))
    out:read_start(function(_, chunk)
        self.out = self.out .. (chunk or "")
    end)
    -- What has arrived matches; the text up to the end of the match is then forgotten.
    function self.expect(pattern)
        local _, stop
        ua.wait.until_true(ua.patience, function()
            _, stop = self.out:find(pattern)
            return stop
        end)
        t:ok(stop, ("%s in %q"):format(pattern, self.out))
        self.out = self.out:sub((stop or 0) + 1)
    end
    t:defer(function()
        handle:kill "sigkill"
        ua.wait.until_true(ua.patience, function()
            return handle:is_closing()
        end)
        out:close()
        os.remove(name)
    end)
    self.expect "listening\n"
    return self
end

local function start(t, m, options)
    options.environment = options.environment or {}
    options.environment.NOTIFY_SOCKET = m.name
    return server.start(t, options)
end

local good = 'require("reflow").on_request("OPTIONS", function() return require("reflow").reply(200, "%s") end)\n'

for _, place in ipairs { "a path", "an abstract name" } do
    test("service manager: it hears of start, reload and end: " .. place, function(t)
        local name = server.temporary ".notify"
        local m = manager(t, place == "a path" and name or "@" .. name)
        local s = start(t, m, { source = good:format "one" })
        m.expect("READY=1|STATUS=Serving with " .. s.script:gsub("%p", "%%%0") .. "\n")
        server.write(s.script, good:format "two")
        s:signal "sighup"
        m.expect "RELOADING=1|MONOTONIC_USEC=%d+|STATUS=Reloading\n"
        m.expect "READY=1|STATUS=Serving with .*; policy reloaded\n"
        server.write(s.script, "this is no Lua")
        s:signal "sighup"
        m.expect "RELOADING=1|.-READY=1|STATUS=Serving with .*; policy not reloaded: [^|]*:1: syntax error"
        s:stop()
        m.expect "STOPPING=1|STATUS=Ending"
    end)
end

test("service manager: READY is sent after the ports are open, and not at all if they are not", function(t)
    local m = manager(t, server.temporary ".notify")
    local s = start(t, m, {})
    m.expect "READY=1"
    local second = server.spawn({ "serve", s.script, "--listen", "udp:127.0.0.1:" .. s.port },
        { NOTIFY_SOCKET = m.name })
    t:ok(second:wait(ua.patience))
    t:equal(second.status, 2)
    s:stop()
    m.expect "STOPPING=1"
    t:ok(not m.out:find "READY=1", m.out)
end)

test("service manager: the watchdog is fed while the server runs", function(t)
    local m = manager(t, server.temporary ".notify")
    local s = start(t, m, { environment = { WATCHDOG_USEC = "100000" } })
    m.expect "READY=1.-WATCHDOG=1\nWATCHDOG=1\n"
    s:stop()
end)

test("service manager: one that is not there is a warning, and the server starts", function(t)
    local s = server.start(t, { environment = { NOTIFY_SOCKET = "/nowhere/notify" } })
    s:expect_log "cannot notify the service manager %(NOTIFY_SOCKET%): No such file or directory"
    local bob = ua.open { port = s.port, user = "bob", domain = s.domain, transport = "tcp" }
    bob:register { instance = ua.instance(1), reg_id = 1 }
end)

tap.done()
