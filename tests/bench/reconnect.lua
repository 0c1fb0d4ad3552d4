-- SPDX-License-Identifier: BSD-2-Clause
--[[ CPU time of the server per call over TCP whose caller's connection ends in mid-dialog. The BYE needs another
     connection: the caller opens it when it hangs up itself, the server when the called phone hangs up. The baseline
     is the same calls over connections that stay. To see what is ours, the second figure adds to the baseline what
     the kernel takes for one connection more in a program that does nothing with it (bare_connections.lua): on
     loopback the side that connects pays for the work of both kernels. The runs take turns.
     BENCH_RATE (calls a second), BENCH_CALLS (each run), BENCH_ROUNDS. ]]
package.path = "tests/bench/?.lua;tests/e2e/support/?.lua;" .. package.path
local crowd = require "flow_crowd"
local message = require "message"
local process = require "process"
local server = require "server"
local uv = require "luv"
local wait = require "wait"

local rate = tonumber(os.getenv "BENCH_RATE") or 200
local calls = tonumber(os.getenv "BENCH_CALLS") or rate * 10
local rounds = tonumber(os.getenv "BENCH_ROUNDS") or 3
local pool <const> = 50
-- ms from the ACK to the BYE, in all runs: the server has seen the end of a connection before.
local talk <const> = 20

-- Reads messages from a connection.
local function listen_to(socket, on_message)
    local unread = ""
    socket:nodelay(true)
    socket:read_start(function(_, chunk)
        if not chunk then
            if not socket:is_closing() then
                socket:close()
            end
            return
        end
        local pieces
        pieces, unread = message.cut(unread .. chunk)
        for _, piece in ipairs(pieces) do
            if piece.kind == "message" then
                on_message(message.parse(piece.text))
            end
        end
    end)
end

local function connect(port, on_message, on_open)
    local socket = uv.new_tcp()
    assert(socket:connect("127.0.0.1", port, function(why)
        assert(not why, why)
        listen_to(socket, on_message)
        on_open(socket)
    end))
end

local function answer(request, status, tag, contact)
    local headers = {}
    for _, name in ipairs { "Via", "Record-Route", "From", "To", "Call-ID", "CSeq" } do
        for _, value in ipairs(request:all(name)) do
            if name == "To" and not value:find ";tag=" then
                value = value .. ";tag=" .. tag
            end
            headers[#headers + 1] = { name, value }
        end
    end
    headers[#headers + 1] = { "Contact", contact }
    return message.build(("SIP/2.0 %d Test"):format(status), headers)
end

local branches = 0

local function request_text(method, uri, fields)
    branches = branches + 1
    local headers = { { "Via", ("SIP/2.0/TCP 127.0.0.1:9;branch=z9hG4bK%d;rport"):format(branches) },
        { "Max-Forwards", 70 } }
    for _, route in ipairs(fields.routes or {}) do
        headers[#headers + 1] = { "Route", route }
    end
    table.move({ { "From", fields.from }, { "To", fields.to }, { "Call-ID", fields.call_id },
        { "CSeq", fields.cseq .. " " .. method }, { "Contact", fields.contact }, table.unpack(fields.more or {}) }, 1,
        5 + #(fields.more or {}), #headers + 1, headers)
    return message.build(("%s %s SIP/2.0"):format(method, uri), headers)
end

local function reversed(list)
    local result = {}
    for index = #list, 1, -1 do
        result[#result + 1] = list[index]
    end
    return result
end

local function later(ms, action)
    local timer = uv.new_timer()
    timer:start(ms, 0, function()
        timer:close()
        action()
    end)
end

--[[ One run: `calls` calls at a steady rate between `pool` callers and as many called phones. how: hangs_up ("caller"
     or "callee"), cut (true: the caller's connection is closed in mid-dialog). ]]
local run = {}
run.__index = run

function run.caller_number(received)
    return tonumber(received:get "Call-ID":match "^%d+%.(%d+)$")
end

-- The called phone hangs up, over its own flow.
function run.callee_bye(self, phone, invite, tag)
    phone.socket:write(request_text("BYE", message.address(invite:get "Contact"), {
        routes = invite:values "Record-Route", from = invite:get "To" .. ";tag=" .. tag, to = invite:get "From",
        call_id = invite:get "Call-ID", cseq = 1 }))
    self.by_phone = self.by_phone + 1
end

function run.caller_bye(_, caller)
    local ok = caller.answer
    caller.socket:write(request_text("BYE", message.address(ok:get "Contact"), {
        routes = reversed(ok:values "Record-Route"), from = ok:get "From", to = ok:get "To",
        call_id = ok:get "Call-ID", cseq = 2 }))
end

function run.reconnect(self, caller, on_open)
    connect(self.port, function(received)
        self:at_caller(caller, received)
    end, function(socket)
        caller.socket = socket
        on_open()
    end)
end

function run.ended(self, caller)
    self.done = self.done + 1
    self.idle[#self.idle + 1] = caller
end

-- The called phone has the ACK.
function run.established(self, caller, phone, invite, tag)
    if self.how.cut then
        caller.socket:close()
    end
    later(talk, function()
        if self.how.hangs_up == "callee" then
            self:callee_bye(phone, invite, tag)
        elseif self.how.cut then
            self:reconnect(caller, function()
                self:caller_bye(caller)
            end)
        else
            self:caller_bye(caller)
        end
    end)
end

function run.at_caller(self, caller, received)
    local _, method = received:cseq()
    if received.method == "BYE" then
        caller.socket:write(answer(received, 200))
    elseif method == "INVITE" and received.status == 200 then
        caller.answer = received
        caller.socket:write(request_text("ACK", message.address(received:get "Contact"), {
            routes = reversed(received:values "Record-Route"), from = received:get "From", to = received:get "To",
            call_id = received:get "Call-ID", cseq = 1 }))
    elseif method == "BYE" and received.status == 200 then
        self:ended(caller)
    elseif received.status and received.status >= 300 then
        self.failed = self.failed or received.text
    end
end

function run.at_phone(self, phone, received)
    local _, method = received:cseq()
    local call_id = received:get "Call-ID"
    if received.method == "INVITE" then
        phone.calls[call_id] = received
        for _, status in ipairs { 180, 200 } do
            phone.socket:write(answer(received, status, "p", ("<%s>"):format(phone.uri)))
        end
    elseif received.method == "ACK" then
        self:established(self.callers[self.caller_number(received)], phone, phone.calls[call_id], "p")
    elseif received.method == "BYE" then
        phone.socket:write(answer(received, 200))
        phone.calls[call_id] = nil
    elseif method == "BYE" and received.status == 200 then
        phone.calls[call_id] = nil
        self:ended(self.callers[self.caller_number(received)])
    elseif method == "REGISTER" then
        self.registered = self.registered + 1
    elseif received.status and received.status >= 300 then
        self.failed = self.failed or received.text
    end
end

function run.open_phone(self, number)
    local phone = { calls = {}, uri = ("sip:phone%d@127.0.0.1:9;transport=tcp"):format(number) }
    local aor = ("<sip:phone%d@example.test>"):format(number)
    connect(self.port, function(received)
        self:at_phone(phone, received)
    end, function(socket)
        phone.socket = socket
        socket:write(request_text("REGISTER", "sip:example.test", { from = aor .. ";tag=r", to = aor,
            call_id = "r" .. number, cseq = 1, contact = ("<%s>;reg-id=1;+sip.instance=\"<urn:uuid:" ..
            "%08d-0000-4000-8000-000000000000>\""):format(phone.uri, number),
            more = { { "Supported", "path, outbound" }, { "Expires", 3600 } } }))
    end)
end

-- A caller listens where its Contact leads, for connections that the server opens.
function run.open_caller(self, number)
    local caller, listener = { number = number }, uv.new_tcp()
    assert(listener:bind("127.0.0.1", 0))
    assert(listener:listen(8, function()
        local socket = uv.new_tcp()
        listener:accept(socket)
        self.accepted = self.accepted + 1
        caller.socket = socket
        listen_to(socket, function(received)
            self:at_caller(caller, received)
        end)
    end))
    caller.listener = listener
    caller.uri = ("sip:caller%d@127.0.0.1:%d;transport=tcp"):format(number, listener:getsockname().port)
    self.callers[number] = caller
    self:reconnect(caller, function()
        self.idle[#self.idle + 1] = caller
    end)
end

function run.start_call(self)
    local caller = table.remove(self.idle, 1)
    if not caller then
        return
    end
    self.started = self.started + 1
    local callee = ("sip:phone%d@example.test"):format(self.started % pool + 1)
    caller.socket:write(request_text("INVITE", callee, { from = ("<sip:caller%d@example.test>;tag=c"):format(
        caller.number), to = ("<%s>"):format(callee), call_id = ("%d.%d"):format(self.started, caller.number), cseq = 1,
        contact = ("<%s>"):format(caller.uri) }))
end

local function until_true(what, condition)
    assert(wait.until_true(60000, condition), what)
end

function run.make_calls(self)
    local timer, began = uv.new_timer(), uv.hrtime()
    timer:start(0, 5, function()
        local due = math.min(calls, (uv.hrtime() - began) / 1e9 * rate)
        while self.started < due and #self.idle > 0 do
            self:start_call()
        end
    end)
    assert(wait.until_true(calls / rate * 1000 + 60000, function()
        return self.failed or self.done == calls
    end) and not self.failed, self.failed or ("%d of %d calls"):format(self.done, calls))
    timer:close()
end

-- Returns microseconds of user and system time for each call.
local function measure(how)
    local under_test, port = crowd.serve()
    local self = setmetatable({ how = how, port = port, callers = {}, idle = {}, registered = 0, started = 0, done = 0,
        accepted = 0, by_phone = 0 }, run)
    for number = 1, pool do
        self:open_phone(number)
        self:open_caller(number)
    end
    until_true("not all are connected and registered", function()
        return self.registered == pool and #self.idle == pool
    end)
    local user, system = process.cpu(under_test.pid)
    self:make_calls()
    local user_after, system_after = process.cpu(under_test.pid)
    -- The runs are what they are meant to be.
    assert(self.accepted == (how.hangs_up == "callee" and how.cut and calls or 0), self.accepted)
    under_test:stop()
    for _, caller in ipairs(self.callers) do
        caller.listener:close()
    end
    return (user_after - user + system_after - system) / calls, (system_after - system) / calls
end

-- Microseconds of system time for a connection that bare_connections.lua accepts or opens, and that is closed after a
-- while.
local function measure_bare(role)
    local port, count, closed = server.free_port(), 0, 0
    local function close(socket)
        count = count + 1
        later(talk, function()
            socket:close()
            closed = closed + 1
        end)
    end
    local listener
    if role == "connect" then
        listener = uv.new_tcp()
        assert(listener:bind("127.0.0.1", port))
        assert(listener:listen(1024, function()
            local socket = uv.new_tcp()
            listener:accept(socket)
            close(socket)
        end))
    end
    local bare = process.start { "lua5.4", "tests/bench/bare_connections.lua", role, tostring(port), tostring(rate) }
    local timer = uv.new_timer()
    if role == "accept" then
        wait.pause(1000)
        local began, opened = uv.hrtime(), 0
        timer:start(0, 5, function()
            while opened < math.min(calls, (uv.hrtime() - began) / 1e9 * rate) do
                opened = opened + 1
                connect(port, error, close)
            end
        end)
    end
    until_true("no connections", function()
        return count > 0
    end)
    local first, system = closed, select(2, process.cpu(bare.pid))
    assert(wait.until_true(calls / rate * 1000 + 60000, function()
        return closed >= calls
    end), "not enough connections")
    system = (select(2, process.cpu(bare.pid)) - system) / (closed - first)
    timer:close()
    bare:stop()
    if listener then
        listener:close()
    end
    return system
end

local function mean(list)
    local sum = 0
    for _, value in ipairs(list) do
        sum = sum + value
    end
    return sum / #list
end

local runs = { cut = function(hangs_up)
    return measure { hangs_up = hangs_up, cut = true }
end, kept = function(hangs_up)
    return measure { hangs_up = hangs_up }
end, bare = function(hangs_up)
    return measure_bare(hangs_up == "caller" and "accept" or "connect")
end }

for _, hangs_up in ipairs { "caller", "callee" } do
    local times = { cut = {}, kept = {}, bare = {} }
    for round = 1, rounds do
        for turn = 0, 2 do
            local kind = ({ "cut", "kept", "bare" })[(round + turn) % 3 + 1]
            local us, system = runs[kind](hangs_up)
            table.insert(times[kind], us)
            io.stderr:write(("  round %d, the %s hangs up, %-4s %6.1f us, of them %.1f us system\n"):format(round,
                hangs_up, kind, us, system or us))
        end
    end
    local cut, kept, bare = mean(times.cut), mean(times.kept), mean(times.bare)
    crowd.figure(("CPU per call, %s opens a connection in mid-dialog (baseline: no connection ends)"):format(
        hangs_up == "caller" and "the caller" or "the server"), "%.0f us", cut, kept, "1.10", cut / kept <= 1.1)
    crowd.figure("the same (baseline: with the kernel's share of a connection that a program only " ..
        (hangs_up == "caller" and "accepts" or "opens") .. ")", "%.0f us", cut, kept + bare, "1.10",
        cut / (kept + bare) <= 1.1)
end
-- Closing the state with the loop in it would not end well.
os.exit(0)
