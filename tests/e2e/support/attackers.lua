-- SPDX-License-Identifier: BSD-2-Clause
--[[ lua5.4 attackers.lua PORT [SEED]: strangers, each from a loopback address of its own, until it is ended. They forge
     responses, flood, register Contacts that lead back to the server, send folds, half messages and handshakes that
     never end, make up dialogs, and name a third party. soak.lua and kamailio_soak.lua run it beside calls of others.
     On SIGTERM it prints what it has sent, and how much reached the third party for each byte. ]]
local directory = arg[0]:match "^(.*)/" or "."
package.path = directory .. "/?.lua;" .. package.path
local uv = require "luv"

local port, seed = tonumber(arg[1]), tonumber(arg[2]) or os.time()
math.randomseed(seed)
local HELD_MOST, HELD_MS = 200, 20000 -- connections of each address, and how long it holds them

local counts = {}
local function count(what, number)
    counts[what] = (counts[what] or 0) + (number or 1)
end

-- They have no account: they call and register one another.
local function read(name)
    local file <close> = assert(io.open(directory .. "/../../data/attacks/" .. name, "rb"))
    return (file:read("a"):gsub("example%.com", "example.test"):gsub("sip:bob@", "sip:mallory@"))
end

local serial = 0
local function fill(text, values)
    serial = serial + 1
    local unique = ("%x-%x"):format(serial, math.random(1 << 30))
    values.SERVER, values.DOMAIN, values.TRANSPORT, values.N = "127.0.0.1:" .. port, "example.test", "UDP", serial
    if not values.BRANCH then -- each copy is a request of its own
        text = text:gsub("branch=z9hG4bK[^;\r]*", "branch=z9hG4bK" .. unique):gsub("Call%-ID: [^\r]*",
            "Call-ID: " .. unique)
    end
    return (text:gsub("@(%u+)@", values))
end

local function udp(address)
    local socket = uv.new_udp()
    assert(socket:bind(address, 0))
    socket:recv_start(function(_, bytes)
        if bytes then
            count("bytes answered to " .. address, #bytes)
        end
    end)
    return socket, ("%s:%d"):format(address, socket:getsockname().port)
end

local function send(socket, what, bytes)
    count(what)
    socket:try_send(bytes, "127.0.0.1", port)
    return #bytes
end

-- --- who is only named ---

local third, third_address = udp "127.0.0.9"
third:recv_stop()
third:recv_start(function(_, bytes)
    if bytes then
        count("bytes to the third party", #bytes)
    end
end)

-- --- the attacks: each is done so many times in a second ---

local attacks = {}

local function attack(rate, address, prepare)
    local socket, source = udp(address)
    attacks[#attacks + 1] = { rate = rate, due = 0, run = prepare(socket, source) }
end

attack(200, "127.0.0.2", function(socket)
    local text = read "forged_response.sip"
    return function()
        local statuses = { "100 Trying", "200 OK", "430 Flow Failed", "503 Service Unavailable", "603 Decline" }
        send(socket, "forged responses", fill(text, { STATUS = statuses[math.random(#statuses)],
            BRANCH = ("z9hG4bKr%x.%x"):format(serial, math.random(1 << 30)) }))
    end
end)

attack(1000, "127.0.0.3", function(socket, source)
    return function()
        send(socket, "floods", ("OPTIONS sip:127.0.0.1:%d SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bKf%x;rport\r\n"
            .. "From: <sip:f@%s>;tag=f\r\nTo: <sip:127.0.0.1>\r\nCall-ID: f%x\r\nCSeq: 1 OPTIONS\r\n"
            .. "Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n"):format(port, source, math.random(1 << 40), source,
            math.random(1 << 40)))
    end
end)

attack(10, "127.0.0.4", function(socket, source)
    local bombs = { read "fork_bomb_32_register.sip", read "fork_bomb_7_register.sip",
        read "fork_bomb_pair_1_register.sip", read "fork_bomb_pair_2_register.sip" }
    local invite = read "fork_bomb_invite.sip"
    return function()
        send(socket, "fork bombs", fill(bombs[math.random(#bombs)], { SOURCE = source }))
        send(socket, "fork bombs set off", fill(invite, { SOURCE = source }))
    end
end)

attack(50, "127.0.0.5", function(socket, source)
    local fold = read "header_fold.sip"
    return function()
        send(socket, "folds", fill(fold, { SOURCE = source }))
    end
end)

attack(20, "127.0.0.6", function(socket, source)
    local methods = { "INVITE", "BYE", "MESSAGE", "ACK", "INFO", "UPDATE", "REFER" }
    return function()
        local method = methods[math.random(#methods)]
        count("bytes of made-up dialogs", send(socket, "made-up dialogs",
            ("%s sip:victim@%s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bKd%x;rport\r\nFrom: <sip:f@%s>;tag=f\r\n"
            .. "To: <sip:victim@%s>;tag=made-up\r\nCall-ID: d%x\r\nCSeq: 1 %s\r\nMax-Forwards: 70\r\n"
            .. "Route: <sip:127.0.0.1:%d;lr>\r\nContent-Length: 0\r\n\r\n"):format(method, third_address, source,
            math.random(1 << 40), source, third_address, math.random(1 << 40), method, port)))
    end
end)

attack(10, "127.0.0.7", function(socket, source)
    local register, invite = read "path_third_party_register.sip", read "short_invite.sip"
    return function()
        local values = { SOURCE = source, VICTIM = third_address }
        count("bytes that name the third party", send(socket, "third parties named", fill(register, values)))
        count("bytes that name the third party", send(socket, "third parties named", fill(invite, values)))
    end
end)

-- Connections that begin something and never end it.
local held = {}
local beginnings = { "INVITE sip:bob@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TCP 127", "\22\3\1\2\0\1\0\1\252\3\3",
    "GET / HTTP/1.1\r\nUpgrade: websocket\r\n", "\r\n", "" }

local function let_go(socket)
    if not socket:is_closing() then
        socket:close()
    end
end

local function hold()
    local now = uv.now()
    while #held > 0 and (#held >= HELD_MOST or now - held[1].at > HELD_MS) do
        let_go(table.remove(held, 1).socket)
    end
    local socket = uv.new_tcp()
    assert(socket:bind("127.0.0.8", 0))
    held[#held + 1] = { socket = socket, at = now }
    count "half-open connections"
    socket:connect("127.0.0.1", port, function(why)
        if why or socket:is_closing() then
            return
        end
        socket:write(beginnings[math.random(#beginnings)])
        socket:read_start(function(_, bytes)
            if not bytes then
                let_go(socket)
            end
        end)
    end)
end
attacks[#attacks + 1] = { rate = 30, due = 0, run = hold }

-- Spread over the second. If the program that started this one was killed, this one ends too.
local TURN_MS <const> = 10
local parent = uv.os_getppid()
local turn = uv.new_timer()
turn:start(0, TURN_MS, function()
    if uv.os_getppid() ~= parent then
        os.exit(1)
    end
    for _, each in ipairs(attacks) do
        each.due = each.due + each.rate * TURN_MS / 1000
        while each.due >= 1 do
            each.due = each.due - 1
            each.run()
        end
    end
end)

local function report()
    local names = {}
    for name in pairs(counts) do
        names[#names + 1] = name
    end
    table.sort(names)
    for _, name in ipairs(names) do
        print(("attackers: %d %s"):format(counts[name], name))
    end
    local named = (counts["bytes that name the third party"] or 0) + (counts["bytes of made-up dialogs"] or 0)
    print(("attackers: %.2f bytes to the third party for each byte that names it"):format(
        (counts["bytes to the third party"] or 0) / named))
    io.stdout:flush()
    os.exit(0) -- closing the state with the loop in it would not end well
end
for _, name in ipairs { "sigterm", "sigint" } do
    local signal = uv.new_signal()
    signal:start(name, report)
end
uv.run()
