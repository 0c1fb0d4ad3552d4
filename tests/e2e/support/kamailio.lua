-- SPDX-License-Identifier: BSD-2-Clause
-- Starts Kamailio with the module on free ports and in a folder of its own; ends it, and every process of it.
local kamailio_end = require "kamailio_end"
local kamailio_log = require "kamailio_log"
local uv = require "luv"
local server = require "server"
local wait = require "wait"

local kamailio = {}
kamailio.__index = kamailio

kamailio.program = os.getenv "KAMAILIO" or "/usr/sbin/kamailio"
kamailio.module = os.getenv "REFLOW_KSR" or (os.getenv "BUILD" or "build") .. "/kamailio/reflow.so"
-- ms to wait for what must come: for busy machines
kamailio.patience = 60000
-- ms to wait for the end of its log when the main process has ended: the others write to it, too
local log_patience <const> = 5000
kamailio.commander = kamailio.program:gsub("[^/]*$", "kamcmd")

-- What a configuration given as text is preceded by, where `modules` does not say otherwise. "reflow" is ours.
kamailio.modules = { "kex", "corex", "tm", "sl", "rr", "pv", "maxfwd", "sanity", "textops", "siputils", "xlog",
    "usrloc", "path", "ctl", "stun", "nathelper", "outbound", "reflow" }

--[[ The routing of a registrar and authoritative proxy, for tests that care for something else. Free for them:
     route[BEFORE] is run for each request, route[CALL] for a request that starts something, before it is routed. ]]
kamailio.routing = [[
request_route {
    if (!mf_process_maxfwd_header("70")) {
        sl_send_reply("483", "Too Many Hops");
        exit;
    }
    route(BEFORE);
    if (is_method("CANCEL")) {
        if (t_check_trans()) t_relay();
        exit;
    }
    if (has_totag()) {
        if (!loose_route()) {
            if (is_method("ACK") && t_check_trans()) t_relay();
            else if (!is_method("ACK")) sl_send_reply("404", "Not Here");
            exit;
        }
        if (is_method("INVITE|SUBSCRIBE")) record_route();
        t_relay();
        exit;
    }
    t_check_trans();
    if (is_method("REGISTER")) {
        sip_save("location");
        exit;
    }
    if (is_method("OPTIONS") && uri == myself && $rU == $null) {
        sl_send_reply("200", "OK");
        exit;
    }
    if (is_method("INVITE|SUBSCRIBE")) record_route();
    route(CALL);
    if (!sip_route_flows("location")) {
        sl_send_reply("404", "Not Found");
        exit;
    }
    t_on_branch_failure("flows");
    t_on_failure("calls");
    t_relay();
}
event_route[tm:branch-failure:flows] { sip_on_flow_failed(); }
failure_route[calls] { sip_on_failure(); }
]]

function kamailio.available()
    return uv.fs_stat(kamailio.program) and uv.fs_stat(kamailio.commander) and uv.fs_stat(kamailio.module) and true
end

local function absolute(path)
    return uv.fs_realpath(path) or path
end

local module_path

-- Where its modules lie, from its own mouth.
function kamailio.module_path()
    if not module_path then
        local pipe = assert(io.popen(kamailio.program .. " -I 2>/dev/null"))
        module_path = pipe:read("a"):match "paths to modules:%s*(%S+)" or error "kamailio -I names no path of modules"
        pipe:close()
    end
    return module_path
end

-- 506 for 5.6, 600 for 6.0; 0 where there is none.
function kamailio.version()
    local pipe = assert(io.popen(kamailio.program .. " -v 2>/dev/null"))
    local major, minor = pipe:read("a"):match "version: kamailio (%d+)%.(%d+)"
    pipe:close()
    return (tonumber(major) or 0) * 100 + (tonumber(minor) or 0)
end

-- A program run to its end while the loop goes on: status, standard output, standard error.
local function run(program, arguments, ms)
    local out, err, texts, status = uv.new_pipe(false), uv.new_pipe(false), {}, nil
    local handle, pid = uv.spawn(program, { args = arguments, stdio = { nil, out, err } }, function(code)
        status = code
    end)
    assert(handle, pid)
    local open = 2
    for name, pipe in pairs { out = out, err = err } do
        texts[name] = ""
        pipe:read_start(function(_, chunk)
            if chunk then
                texts[name] = texts[name] .. chunk
            else
                open = open - 1
                pipe:close()
            end
        end)
    end
    local ended = wait.until_true(ms, function()
        return status and open == 0
    end)
    if not ended then
        uv.kill(pid, "sigkill")
    end
    handle:close()
    return status or -1, texts.out, texts.err
end

-- --- the sanitizers ---

local sanitized

local function is_sanitized()
    if sanitized == nil then
        local file <close> = assert(io.open(kamailio.module, "rb"))
        sanitized = file:read("a"):find("__asan_init", 1, true) ~= nil
    end
    return sanitized
end

--[[ What Kamailio needs in its environment for a module that was built with the sanitizers: its own objects know none,
     so the runtime has to come first. What a process finds it writes to standard error, and ends. Leaks are not looked
     for: Kamailio's processes end by _exit(). ]]
local function sanitizer_environment()
    if not is_sanitized() then
        return {}
    end
    local pipe = assert(io.popen "gcc -print-file-name=libasan.so")
    local library = pipe:read "l"
    pipe:close()
    return { LD_PRELOAD = library, ASAN_OPTIONS = "detect_leaks=0:exitcode=86:allocator_may_return_null=1",
        UBSAN_OPTIONS = "print_stacktrace=1:halt_on_error=1" }
end

-- The first report of a sanitizer, and some of what follows it; nil where there is none.
local function sanitizer_report(text)
    local at = text:find("runtime error: ", 1, true) or text:find("ERROR: AddressSanitizer", 1, true)
    return at and text:sub(math.max(1, at - 200), at + 6000)
end

-- Whether Kamailio takes a configuration, and what it writes. Arguments of kamailio -c, each for a shell.
function kamailio.check(arguments)
    local command = {}
    for name, value in pairs(sanitizer_environment()) do
        command[#command + 1] = ("%s='%s'"):format(name, value)
    end
    command[#command + 1] = ("'%s' -c %s 2>&1"):format(kamailio.program, arguments)
    local pipe = assert(io.popen(table.concat(command, " ")))
    local text = pipe:read "a"
    return pipe:close() and not sanitizer_report(text), text
end

-- --- starting it ---

local function quoted(value)
    return type(value) == "number" and tostring(value) or ('"%s"'):format(value)
end

-- What stands before the routing: options as those of kamailio.start.
local function preamble(options, port)
    local lines = { "#!KAMAILIO", "debug=" .. (options.debug or 2), "log_stderror=yes", "fork=yes",
        "children=" .. (options.children or 2), "tcp_children=" .. (options.tcp_children or 2),
        "auto_aliases=no", "dns=no", "rev_dns=no", "enable_sctp=no", "tcp_connection_lifetime=3605",
        "tcp_accept_no_cl=no", ("alias=\"%s\""):format(options.domain or "example.test"),
        ("mpath=\"%s\""):format(kamailio.module_path()) }
    for _, transport in ipairs { "udp", "tcp" } do
        lines[#lines + 1] = ("listen=%s:%s:%d"):format(transport, options.address or "127.0.0.1", port)
    end
    lines[#lines + 1] = options.core
    for _, name in ipairs(options.modules or kamailio.modules) do
        lines[#lines + 1] = ('loadmodule "%s"'):format(name == "reflow" and absolute(kamailio.module) or name .. ".so")
    end
    for _, each in ipairs(options.params or {}) do
        lines[#lines + 1] = ('modparam("%s", "%s", %s)'):format(each[1], each[2], quoted(each[3]))
    end
    return table.concat(lines, "\n") .. "\n"
end

--[[ TLS and WebSocket beside UDP and TCP, at the end of any configuration. A WebSocket begins on a connection of TCP or
     TLS, at the same port. An HTTP request without a body has no Content-Length. ]]
local secure_lines = [[
enable_tls=yes
listen=tls:127.0.0.1:%d
tcp_accept_no_cl=yes
loadmodule "tls.so"
loadmodule "xhttp.so"
loadmodule "websocket.so"
modparam("tls", "tls_method", "TLSv1.2+")
modparam("tls", "certificate", "%s")
modparam("tls", "private_key", "%s")
event_route[xhttp:request] {
    if ($hdr(Upgrade) =~ "websocket" && $rm == "GET" && ws_handle_handshake()) exit;
    xhttp_reply("404", "Not Found", "", "");
}
]]

-- The routes that kamailio.routing calls, unless the test's own text defines a route with that name.
local function routes(text)
    for _, name in ipairs { "BEFORE", "CALL" } do
        if text:find("route(" .. name .. ")", 1, true) and not text:find("route[" .. name .. "]", 1, true) then
            text = ("%s\nroute[%s] { return; }\n"):format(text, name)
        end
    end
    return text
end

local function new_folder()
    return assert(uv.fs_mkdtemp((os.getenv "TMPDIR" or "/tmp") .. "/reflow-ksr-XXXXXX"))
end

local function remove_folder(path)
    local entries = uv.fs_scandir(path)
    while entries do
        local name, kind = uv.fs_scandir_next(entries)
        if not name then
            break
        elseif kind == "directory" then
            remove_folder(path .. "/" .. name)
        else
            os.remove(path .. "/" .. name)
        end
    end
    uv.fs_rmdir(path)
end

local function command_line(self, options)
    local arguments = { "--pdeathsig", "TERM", kamailio.program, "-DD", "-E", "-f", self.config, "-Y", self.folder,
        "-P", self.folder .. "/pid", "-w", self.folder, "-m", tostring(options.memory or 32),
        "-M", tostring(options.private_memory or 8) }
    for _, define in ipairs(options.defines or {}) do
        arguments[#arguments + 1] = "-A"
        arguments[#arguments + 1] = define
    end
    for _, argument in ipairs(options.args or {}) do
        arguments[#arguments + 1] = argument
    end
    return arguments
end

-- The log is what it writes to standard error.
local function spawn(self, options)
    local pipe = uv.new_pipe(false)
    local variables, all = {}, uv.os_environ()
    for name, value in pairs(sanitizer_environment()) do
        all[name] = value
    end
    for name, value in pairs(options.environment or {}) do
        all[name] = name == "ASAN_OPTIONS" and all[name] and all[name] .. ":" .. value or value
    end
    for name, value in pairs(all) do
        variables[#variables + 1] = name .. "=" .. value
    end
    -- A group of its own, so that none of its processes can outlive the test unseen; it ends where the test dies.
    self.handle, self.pid = uv.spawn("/usr/bin/setpriv", { args = command_line(self, options), detached = true,
        stdio = { nil, nil, pipe }, env = variables }, function(status, signal)
        self.status, self.signal_number = status, signal
        self.handle:close()
    end)
    assert(self.handle, self.pid)
    local reader = kamailio_log.new()
    pipe:read_start(function(_, chunk)
        if chunk then
            self.log = self.log .. reader:read(chunk)
        elseif not pipe:is_closing() then
            self.log = self.log .. reader:rest()
            pipe:close()
            self.log_ended = true
        end
    end)
end

function kamailio.log_tail(self, lines)
    local all = {}
    for line in self.log:gmatch "[^\n]+" do
        all[#all + 1] = line
    end
    return table.concat(all, "\n", math.max(1, #all - (lines or 15) + 1))
end

-- Each process says so itself, when it is ready. The one that takes TCP connections is the last that Kamailio makes.
local function is_up(self)
    local text = self:rpc "core.psa"
    return text and text:find("tcp main", 1, true) and not text:find "status: 0"
end

local function wait_until_up(self)
    local next_look = 0
    wait.until_true(kamailio.patience, function()
        if self.status then
            return true
        elseif self.up_pattern then
            self.up = self.log:find(self.up_pattern)
        elseif uv.hrtime() >= next_look and uv.fs_stat(self.folder .. "/kamailio_ctl") then
            self.up = is_up(self)
            self.ready = self.up
            next_look = uv.hrtime() + 30 * 1000000
        end
        return self.up
    end)
    if not self.up or self.status then
        local how = self.status and ("ended with status %d"):format(self.status) or "does not answer"
        error(("Kamailio %s; its last lines:\n%s"):format(how, self:log_tail()), 3)
    end
end

--[[ Starts it. options, all optional:
       config      the path of a configuration, or its text (anything with a line end) without what stands before the
                   routes: listen, mpath, loadmodule and modparam come from here. Default: kamailio.routing.
       extra       more text after it: route[BEFORE], route[CALL], reply routes, event routes
       modules     names in their order, "reflow" for ours; default kamailio.modules
       params      list of { module, name, value }
       core        text before the modules: core parameters
       domain      "example.test"; false: none
       secure      { certificate = FILE, key = FILE }: it listens for TLS and WebSocket too (field ports)
       defines     for the preprocessor (-A): { "WITH_X", "PORT=5070" }
       address     to listen on with UDP and TCP, if config is a text; default 127.0.0.1
       port        for both transports; default: a free one (a configuration by path gets it as the define PORT)
       memory, private_memory (MB), children, tcp_children, debug, args (more arguments), environment
       folder      kept for a later start in the same place (then it is not removed)
       up          a pattern in the log that says it is up; default: its RPC answers (needs ctl)
       expect_end  true: do not wait; self:wait() then, and look at self.status and self.log
     Fields: host, port, domain, pid, folder, log, status (once it has ended). Ended, with all its processes, when the
     test `t` ends. ]]
function kamailio.start(t, options)
    options = options or {}
    if not kamailio.available() then
        error("no Kamailio, or no " .. kamailio.module)
    end
    local self = setmetatable({ log = "", host = options.address or "127.0.0.1",
        port = options.port or server.free_port(), domain = options.domain or "example.test",
        folder = options.folder or new_folder(),
        up_pattern = options.up }, kamailio)
    local config = options.config or kamailio.routing
    local defines = { table.unpack(options.defines or {}) }
    local secure
    if options.secure then
        local port = server.free_port()
        self.ports = { tls = port, ws = self.port, wss = port }
        secure = secure_lines:format(port, options.secure.certificate, options.secure.key)
    end
    if config:find "\n" then
        config = preamble(options, self.port) .. routes(config .. "\n" .. (options.extra or "")) .. (secure or "")
    else
        table.insert(defines, 1, "PORT=" .. self.port)
        config = secure and ('#!KAMAILIO\ninclude_file "%s"\n%s'):format(absolute(config), secure) or absolute(config)
    end
    self.config = config
    if config:find "\n" then
        self.config = self.folder .. "/kamailio.cfg"
        server.write(self.config, config)
    end
    t:defer(function()
        self:finish()
        if not options.folder then
            remove_folder(self.folder)
        end
    end)
    spawn(self, setmetatable({ defines = defines }, { __index = options }))
    if not options.expect_end then
        wait_until_up(self)
    end
    return self
end

function kamailio.alive(self)
    return self.status == nil
end

-- The main process may have looked for signals just before one came, and sleeps: then it notices the next one.
local function wake(self)
    if self.stopped then
        uv.kill(self.pid, "sigterm")
    elseif self.killed then
        uv.kill(self.pid, "sigchld")
    end
end

--[[ A child that has only just been forked takes Kamailio's SIGTERM for the main process's, notes it, and does not end.
     It ends by another one. That is so without the module too, but not once every process has said that it is ready. ]]
local function end_deaf_children(self, others)
    if self.ready then
        return
    end
    for _, pid in ipairs(others) do
        uv.kill(pid, "sigterm")
    end
end

--[[ A lock for which the main process waits while no other process lives: whoever held it was ended by a signal, and
     nobody will release it. Kamailio does that to itself, as tests/README.md shows; a lock of ours is a defect. ]]
local function look_for_dead_lock(self, others)
    local path, address
    if #others == 0 then
        path, address = kamailio_end.lock(self.pid)
    end
    local again = address and address == self.lock_seen
    self.lock_seen = address
    if not again then
        return false
    end
    self.dead_lock = path
    print(("# Kamailio waits for a lock of a process that has ended, in %s"):format(path))
    uv.kill(self.pid, "sigkill")
    return true
end

--[[ Children that have taken SIGTERM and wait for a lock all the same: Kamailio's handler of signals takes locks, which
     the process may hold that it interrupts. The main process would end them after a minute. A lock of ours is a
     defect. ]]
local function end_locked_children(self, others)
    local seen = self.children_seen or {}
    self.children_seen = {}
    for _, pid in ipairs(others) do
        local path, address = kamailio_end.lock(pid)
        self.children_seen[pid] = address
        if address and address == seen[pid] then
            print(("# a child of Kamailio waits for a lock after SIGTERM, in %s"):format(path))
            self.dead_lock = self.dead_lock or path
            uv.kill(pid, "sigkill")
        end
    end
end

local function hasten_end(self)
    if not kamailio_end.has_begun(self.pid) then
        wake(self)
        return
    end
    self.shutdown_looks = (self.shutdown_looks or 0) + 1
    local others = kamailio_end.others(self.pid)
    if self.shutdown_looks > 4 then
        end_deaf_children(self, others)
    end
    if self.shutdown_looks > 10 then
        end_locked_children(self, others)
    end
    look_for_dead_lock(self, others)
end

-- Waits for the end of the main process, and for the rest of the log; true when it came. Raises where a lock of the
-- module is in its way.
function kamailio.wait(self, ms)
    local next_look = uv.hrtime() + 300 * 1000000
    local ended = wait.until_true(ms or kamailio.patience, function()
        if self.status == nil and uv.hrtime() >= next_look then
            next_look = uv.hrtime() + 300 * 1000000
            hasten_end(self)
        end
        return self.status ~= nil
    end)
    if self.dead_lock and self.dead_lock:find(kamailio.module:match "[^/]+$", 1, true) then
        error("Kamailio cannot end: it waits for a lock of the module's that a process of it held when it was ended", 2)
    end
    return ended and (wait.until_true(log_patience, function()
        return self.log_ended
    end) or true)
end

-- Position and captures of a line in the log, once it is there; `from` is a position to begin at. Raises where it does
-- not come.
function kamailio.wait_for_log(self, pattern, ms, from)
    local found
    wait.until_true(ms or kamailio.patience, function()
        found = table.pack(self.log:find(pattern, from))
        return found[1]
    end)
    if not found[1] then
        error(("no %q in the log; its last lines:\n%s"):format(pattern, self:log_tail()), 2)
    end
    return table.unpack(found, 1, found.n)
end

-- Lines of the log that fit.
function kamailio.log_lines(self, pattern)
    local found = {}
    for line in self.log:gmatch "[^\n]+" do
        if line:find(pattern) then
            found[#found + 1] = line
        end
    end
    return found
end

-- An RPC command by kamcmd: its output, or nil and the error.
function kamailio.rpc(self, command, ...)
    local arguments = { "-s", "unix:" .. self.folder .. "/kamailio_ctl", command }
    for _, argument in ipairs { ... } do
        arguments[#arguments + 1] = tostring(argument)
    end
    local status, out, err = run(kamailio.commander, arguments, kamailio.patience)
    local text = out .. err
    if status ~= 0 or text:find "^error" then
        return nil, text
    end
    return out
end

-- A statistic by its name ("reflow:failed_over", "shmem:used_size"); raises where there is none. Needs kex.
function kamailio.statistic(self, name)
    local group = name:match "^([^:]+):" .. ":"
    local text = assert(self:rpc("stats.get_statistics", group))
    for line in text:gmatch "[^\n]+" do
        local each, value = line:match "^%s*(%S+) = (%d+)"
        if each == name then
            return tonumber(value)
        end
    end
    error(("no statistic %s in: %s"):format(name, text), 2)
end

-- The statistic once it is at least so high, or what it is after ms.
function kamailio.becomes(self, name, least, ms)
    local got
    wait.until_true(ms or kamailio.patience, function()
        got = self:statistic(name)
        return got >= least
    end)
    return got
end

-- How many contacts usrloc holds.
function kamailio.contacts(self)
    return self:statistic "usrloc:location_contacts"
end

-- Within ms (default: patience) usrloc holds that many contacts.
function kamailio.expect_contacts(t, self, count, ms)
    local got
    wait.until_true(ms or kamailio.patience, function()
        got = self:contacts()
        return got == count
    end)
    t:equal(got, count, "contacts in usrloc")
end

-- How many transactions tm has; it frees one after all of its callbacks.
function kamailio.transactions(self)
    return tonumber((self:rpc "tm.stats" or ""):match "current: (%d+)")
end

function kamailio.all_freed(self)
    return wait.until_true(kamailio.patience, function()
        return self:transactions() == 0
    end)
end

-- How many nodes dmq knows, this one among them.
function kamailio.active_nodes(self)
    local _, count = (self:rpc "dmq.list_nodes" or ""):gsub("status: active", "")
    return count
end

-- What sqlite3 writes for these statements, its errors too.
function kamailio.sqlite(path, statements)
    local pipe = assert(io.popen(("sqlite3 '%s' \"%s\" 2>&1"):format(path, statements)))
    local result = pipe:read "a"
    pipe:close()
    return (result:gsub("%s+$", ""))
end

-- pid and what Kamailio calls that process, for each ("udp receiver child=0 ...", "tcp main process").
function kamailio.processes(self)
    local list = {}
    for pid, text in assert(self:rpc "core.psx"):gmatch "PID: (%d+)\n.-DSC: ([^\n]*)" do
        list[#list + 1] = { pid = tonumber(pid), what = text }
    end
    return list
end

-- Pids of the processes that take SIP messages.
function kamailio.workers(self)
    local pids = {}
    for _, process in ipairs(self:processes()) do
        if process.what:find "receiver" then
            pids[#pids + 1] = process.pid
        end
    end
    return pids
end

local function group_lives(self)
    return uv.kill(-self.pid, 0) == 0
end

-- All processes at once, without a chance to do anything.
function kamailio.kill9(self)
    self.killed = true
    uv.kill(-self.pid, "sigkill")
    self:wait()
    wait.until_true(kamailio.patience, function()
        return not group_lives(self)
    end)
end

-- Kamailio ends children that do not end within a minute.
local shutdown_patience = 100000

local function processes_gone(self)
    if not wait.until_true(kamailio.patience, function()
        return not group_lives(self)
    end) then
        uv.kill(-self.pid, "sigkill")
        error("Kamailio left processes behind", 3)
    end
end

-- SIGTERM to the main process; it and its children end, with status 0.
function kamailio.stop(self, ms)
    self.stopped = true
    if self.status == nil then
        uv.kill(self.pid, "sigterm")
        if not self:wait(ms or shutdown_patience) then
            local left = table.concat(kamailio_end.others(self.pid), " ")
            self:kill9()
            error(("Kamailio did not end within the time after SIGTERM; children left: %s\n%s"):format(left,
                self:log_tail()), 2)
        end
        if not self.dead_lock and (self.status ~= 0 or self.signal_number ~= 0) then
            error(("Kamailio ended with status %s, signal %s:\n%s"):format(self.status, self.signal_number,
                self:log_tail()), 2)
        end
    end
    processes_gone(self)
end

-- A child that dies takes all of Kamailio with it: that is in the log.
function kamailio.finish(self)
    local died = self.status and self.up and not self.killed and not self.stopped
    local fine, why = pcall(self.stop, self)
    wait.until_true(kamailio.patience, function()
        return self.log_ended
    end)
    local report = sanitizer_report(self.log)
    if report then
        error("a sanitizer has found this in a process of Kamailio:\n" .. report, 2)
    elseif not fine then
        error(why, 0)
    end
    local crash = self.log:match "[^\n]*child process %d+ exited by a signal[^\n]*"
    if (died or crash) and not self.killed then
        error(("Kamailio died in the test: %s\n%s"):format(crash or "", self:log_tail(30)), 2)
    end
end

return kamailio
