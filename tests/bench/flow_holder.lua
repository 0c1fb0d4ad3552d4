-- SPDX-License-Identifier: BSD-2-Clause
--[[ Many user agents in one process, each with one flow: started by flow_crowd.lua, told what to do line by line on
     standard input. Arguments: transport (tcp, tls, udp), port, first user's number, how many. Each of them has an
     address of its own, because the server limits what it takes from one address. Over UDP they are phones without
     reg-id whose Contact is not their address, and they answer OPTIONS. Commands: "open" (connect and register),
     "again" (register again, evenly over 120 seconds: over UDP from the same socket, otherwise over a new connection),
     "ping" (all, within ten seconds), "close" (all at once), "end". When a command is done, its name is printed, how
     many succeeded, the milliseconds, and how many attempts failed and were repeated. ]]
package.path = "tests/bench/?.lua;tests/e2e/support/?.lua;" .. package.path
local channel = require "channel"
local uv = require "luv"

local transport, port, first, count = arg[1], tonumber(arg[2]), tonumber(arg[3]), tonumber(arg[4])

local flows, task = {}, {}

local function came_off()
    task.done = task.done + 1
    if task.done == task.wanted then
        io.stdout:write(("%s %d %.0f %d\n"):format(task.name, task.done, (uv.hrtime() - task.began) / 1e6,
            task.repeated))
        io.stdout:flush()
    end
end

local function begin(name)
    task = { name = name, done = 0, wanted = count, began = uv.hrtime(), repeated = 0 }
end

local function contact(flow)
    if transport == "udp" then
        return ("Contact: <sip:u%d@192.168.1.10:5060>"):format(flow.number)
    end
    local instance = ("%08d-0000-4000-8000-000000000000"):format(flow.number)
    return ('Contact: <sip:u%d@%s;transport=%s>;reg-id=1;+sip.instance="<urn:uuid:%s>"'):format(flow.number,
        flow.address, transport, instance)
end

local function register(flow)
    local via = transport:upper()
    flow.cseq = (flow.cseq or 0) + 1
    flow.registered, flow.sent_at = false, uv.hrtime()
    flow.channel:send(table.concat({ "REGISTER sip:example.test SIP/2.0",
        ("Via: SIP/2.0/%s %s:%d;branch=z9hG4bK%d.%d;rport"):format(via, flow.address, flow.channel.local_port or 1,
            flow.number, flow.cseq),
        "Max-Forwards: 70", ("From: <sip:u%d@example.test>;tag=%d"):format(flow.number, flow.number),
        ("To: <sip:u%d@example.test>"):format(flow.number), ("Call-ID: u%d"):format(flow.number),
        ("CSeq: %d REGISTER"):format(flow.cseq),
        contact(flow),
        "Supported: path, outbound", "Expires: 7200", "Content-Length: 0", "", "" }, "\r\n"))
end

local function on_bytes(flow, bytes)
    flow.unread = (flow.unread or "") .. bytes
    if task.name == "ping" and flow.unread:find "\r\n" then
        flow.unread = ""
        came_off()
    elseif (task.name == "open" or task.name == "again") and flow.unread:find "^SIP/2.0 200 .-\r\n\r\n" then
        flow.unread = ""
        came_off()
    end
end

local copied = { "Via", "From", "To", "Call%-ID", "CSeq" }

-- The answer of a phone to an OPTIONS.
local function on_datagram(flow, text)
    if text:find "^SIP/2.0 200 " and not flow.registered then
        flow.registered = true
        came_off()
    elseif text:find "^OPTIONS " then
        local lines = { "SIP/2.0 200 OK" }
        for _, name in ipairs(copied) do
            lines[#lines + 1] = text:match("\r\n(" .. name .. ": [^\r]*)\r\n")
        end
        lines[#lines + 1] = "Content-Length: 0\r\n\r\n"
        flow.channel:send(table.concat(lines, "\r\n"))
    end
end

local function open_datagram_flow(flow)
    local socket = uv.new_udp()
    assert(socket:bind(flow.address, 0))
    flow.channel = { local_port = socket:getsockname().port, close = function()
        socket:close()
    end, send = function(_, text)
        socket:try_send(text, "127.0.0.1", port)
    end }
    socket:recv_start(function(_, text)
        if text then
            on_datagram(flow, text)
        end
    end)
    register(flow)
end

-- A datagram may be lost: whoever was not answered tries again.
local function register_again()
    local timer = uv.new_timer()
    timer:start(1000, 1000, function()
        local left = 0
        for _, flow in ipairs(flows) do
            if flow.registered == false and left < 500 and uv.hrtime() - flow.sent_at > 1e9 then
                register(flow)
                task.repeated = task.repeated + 1
                left = left + 1
            end
        end
        if task.done == count then
            timer:close()
        end
    end)
end

-- Whose flow fails comes again, as user agents do.
local function open_flow(flow)
    if transport == "udp" then
        open_datagram_flow(flow)
        return
    end
    flow.unread = ""
    flow.channel = channel.open { transport = transport, host = "127.0.0.1", port = port, local_host = flow.address,
        wait = false, on_bytes = function(bytes)
            on_bytes(flow, bytes)
        end, on_close = function()
            flow.channel:close()
            task.repeated = task.repeated + 1
            local timer = uv.new_timer()
            timer:start(1000, 0, function()
                timer:close()
                open_flow(flow)
            end)
        end }
    -- What is written before the connection stands is kept by libuv, or by the channel.
    register(flow)
end

-- Some at a time, so that what has come back is read between.
local function open_more(next_number)
    for index = next_number, math.min(next_number + 99, count) do
        open_flow(flows[index])
    end
    if next_number + 100 <= count then
        local timer = uv.new_timer()
        timer:start(0, 0, function()
            timer:close()
            open_more(next_number + 100)
        end)
    end
end

local commands = {}

function commands.open()
    begin "open"
    open_more(1)
    if transport == "udp" then
        register_again()
    end
end

-- Does something with each flow, evenly over so many seconds.
local function spread(seconds, act)
    local at, timer, began = 0, uv.new_timer(), uv.hrtime()
    timer:start(0, 10, function()
        local due = math.min(count, math.ceil((uv.hrtime() - began) / 1e9 * count / seconds))
        while at < due do
            at = at + 1
            act(flows[at])
        end
        if at == count then
            timer:close()
        end
    end)
end

function commands.ping()
    begin "ping"
    spread(10, function(flow)
        flow.channel:send "\r\n\r\n"
    end)
end

function commands.again()
    begin "again"
    spread(120, transport == "udp" and register or open_flow)
    if transport == "udp" then
        register_again()
    end
end

function commands.close()
    begin "close"
    for _, flow in ipairs(flows) do
        flow.channel:close()
        came_off()
    end
end

for index = 1, count do
    local number = first + index - 1
    flows[index] = { number = number, address = ("127.%d.%d.%d"):format(1 + (number >> 16), number >> 8 & 255,
        number & 255) }
end
local input, unread = uv.new_pipe(false), ""
input:open(0)
input:read_start(function(_, chunk)
    unread = unread .. (chunk or "end\n")
    for line in unread:gmatch "([^\n]*)\n" do
        if line == "end" then
            os.exit(0, false)
        end
        commands[line]()
    end
    unread = unread:match "[^\n]*$"
end)
uv.run()
