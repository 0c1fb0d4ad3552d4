-- SPDX-License-Identifier: BSD-2-Clause
-- What happens when a flow dies: bob registers two TCP flows, alice calls, the flow that rings is cut, the call gets
-- through. Real sockets, a server of its own; every message and every decision with its rule as it comes.
local directory = arg[0]:match "^(.*)/" or "."
package.path = directory .. "/?.lua;" .. package.path
local uv = require "luv"
local server = require "server"
local ua = require "ua"

local started = uv.hrtime()
local lanes = { alice = 11, reflow = 44, first = 69, second = 94 }
local width = 99
local first_alive = true

local function at_ms()
    return (uv.hrtime() - started) / 1e6
end

local function blank_line()
    local line = {}
    for column = 1, width do
        line[column] = " "
    end
    for name, column in pairs(lanes) do
        line[column] = (name == "first" and not first_alive) and "." or "|"
    end
    return line
end

local function write_at(line, column, text)
    for index = 1, #text do
        line[column + index - 1] = text:sub(index, index)
    end
end

local function show(line, when)
    write_at(line, 1, ("%7.1f"):format(when or at_ms()))
    print((table.concat(line):gsub("%s+$", "")))
end

local function arrow(from, to, label)
    local line = blank_line()
    local left, right = math.min(lanes[from], lanes[to]), math.max(lanes[from], lanes[to])
    write_at(line, left + 1, ("-"):rep(right - left - 1))
    if lanes[from] < lanes[to] then
        line[right - 1] = ">"
    else
        line[left + 1] = "<"
    end
    label = " " .. label .. " "
    write_at(line, left + 1 + (right - left - 1 - #label) // 2, label)
    show(line)
end

local function label_of(message)
    if message.method then
        return message.method
    end
    local _, method = message:cseq()
    local label = message.status .. " " .. message.phrase
    return method == "INVITE" and label or label .. " (" .. method .. ")"
end

local function tracer(lane)
    return function(_, direction, message)
        if direction == "in" then
            arrow("reflow", lane, label_of(message))
        else
            arrow(lane, "reflow", label_of(message))
        end
    end
end

local function field(json, name)
    return json:match('"' .. name .. '":"(.-[^\\])"') or json:match('"' .. name .. '":([%d.]+)')
end

-- One line of the server's decision log: what it was about, what to do, by which rule, and why.
local function show_decision(json)
    local action, rule, why = field(json, "action"), field(json, "rule"), field(json, "why")
    if not action then
        return
    end
    local origin = field(json, "origin")
    local cause = origin == "flow_down" and "a dead flow" or origin == "wire" and field(json, "code") or origin
    local line = blank_line()
    write_at(line, lanes.reflow, "* " .. cause .. ": " .. action .. ", rule " .. (rule or "-"))
    show(line)
    line = blank_line()
    write_at(line, lanes.reflow + 2, (why or ""):sub(1, width - lanes.reflow - 2))
    print((table.concat(line):gsub("%s+$", "")))
end

local function say(text)
    print(("\n%7.1f  %s"):format(at_ms(), text))
end

-- The server lives as long as this object is not told to go; t is what a test would be.
local ending = {}
local t = {
    defer = function(_, f)
        ending[#ending + 1] = f
    end,
    skip = function(_, why)
        print(why)
        os.exit(1)
    end,
}

local function play()
    local s = server.start(t, { args = { "--log-decisions" } })
    local read = 0
    s.on_output = function()
        local stop = s.out:find("\n", read + 1, true)
        while stop do
            show_decision(s.out:sub(read + 1, stop - 1))
            read = stop
            stop = s.out:find("\n", read + 1, true)
        end
    end
    started = uv.hrtime()
    local function open(user, lane)
        return ua.open { port = s.port, user = user, transport = "tcp", trace = tracer(lane) }
    end

    local head = blank_line()
    for name, title in pairs { alice = "alice", reflow = "reflow", first = "bob, flow 1", second = "flow 2" } do
        write_at(head, math.min(lanes[name] - #title // 2, width - #title + 1), title)
    end
    print((table.concat(head):gsub("%s+$", "")))

    local alice, first, second = open("alice", "alice"), open("bob", "first"), open("bob", "second")
    say "One user agent, one instance-id, two TCP connections: reg-id 1 and 2."
    first:register { instance = ua.instance(1), reg_id = 1, q = "1.0" }
    second:register { instance = ua.instance(1), reg_id = 2, q = "0.5" }

    say "alice calls bob. The call goes over one of his flows, never over both."
    local call = alice:invite(first.aor)
    first:expect "INVITE"
    ua.wait.pause(300)

    say "That flow is cut while the call waits on it."
    first_alive = false
    local cut = uv.hrtime()
    first:close()
    local moved = second:expect "INVITE"
    local took = (moved.at - cut) / 1e6
    second:reply(moved, 180, { phrase = "Ringing" })
    alice:expect(180)
    ua.wait.pause(300)
    second:reply(moved, 200, { phrase = "OK" })
    local answer = alice:expect_final(call, 200)
    second:expect "ACK"
    say(("The call got through, %.1f ms after the cut. bob hangs up."):format(took))
    second:within_called("BYE", moved)
    alice:reply(alice:expect "BYE", 200, { phrase = "OK" })
    second:expect(200)

    say "The next call knows: the dead flow's binding is gone, the living one rings at once."
    call = alice:invite(first.aor)
    moved = second:expect "INVITE"
    second:reply(moved, 486, { phrase = "Busy Here" })
    alice:expect_final(call, 486)
    second:expect "ACK"

    say "The other flow is cut as well. A caller hears so at once."
    second:close()
    ua.wait.pause(50)
    alice:expect_final(alice:invite(first.aor), 480)
    ua.wait.pause(50)
    s.on_output = nil
    return answer
end

local fine, why = xpcall(play, debug.traceback)
for index = #ending, 1, -1 do
    local ended, problem = pcall(ending[index])
    fine, why = fine and ended, why or problem
end
if not fine then
    print("The demonstration failed: " .. tostring(why))
    os.exit(1)
end
os.exit(0)
