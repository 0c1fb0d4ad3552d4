-- SPDX-License-Identifier: BSD-2-Clause
-- A ladder in the terminal: parties as lanes, messages as arrows between them, each as it comes, with the time.
local uv = require "luv"

local ladder = {}
ladder.__index = ladder

-- lanes: name -> column. A name in `gone` is drawn as dead.
function ladder.new(lanes, width)
    return setmetatable({ lanes = lanes, width = width, gone = {}, started = uv.hrtime() }, ladder)
end

function ladder.at_ms(self)
    return (uv.hrtime() - self.started) / 1e6
end

local function blank_line(self)
    local line = {}
    for column = 1, self.width do
        line[column] = " "
    end
    for name, column in pairs(self.lanes) do
        line[column] = self.gone[name] and "." or "|"
    end
    return line
end

local function write_at(line, column, text)
    for index = 1, #text do
        line[column + index - 1] = text:sub(index, index)
    end
end

local function print_line(line)
    print((table.concat(line):gsub("%s+$", "")))
end

local function show(self, line)
    write_at(line, 1, ("%7.1f"):format(self:at_ms()))
    print_line(line)
end

function ladder.head(self, titles)
    local line = blank_line(self)
    for name, title in pairs(titles) do
        write_at(line, math.min(self.lanes[name] - #title // 2, self.width - #title + 1), title)
    end
    print_line(line)
end

function ladder.arrow(self, from, to, label)
    local line = blank_line(self)
    local left, right = math.min(self.lanes[from], self.lanes[to]), math.max(self.lanes[from], self.lanes[to])
    write_at(line, left + 1, ("-"):rep(right - left - 1))
    if self.lanes[from] < self.lanes[to] then
        line[right - 1] = ">"
    else
        line[left + 1] = "<"
    end
    label = (" " .. label .. " "):sub(1, right - left - 3)
    write_at(line, left + 1 + (right - left - 1 - #label) // 2, label)
    show(self, line)
end

local function label_of(message)
    if message.method then
        return message.method
    end
    local _, method = message:cseq()
    local label = message.status .. " " .. message.phrase
    return method == "INVITE" and label or label .. " (" .. method .. ")"
end

-- For ua.open's trace: what this flow's lane and the server's say to each other.
function ladder.tracer(self, lane, server)
    return function(_, direction, message)
        if direction == "in" then
            self:arrow(server, lane, label_of(message))
        else
            self:arrow(lane, server, label_of(message))
        end
    end
end

-- What happens at a lane, and a second line about it.
function ladder.note(self, lane, text, more)
    local line = blank_line(self)
    write_at(line, self.lanes[lane], "* " .. text)
    show(self, line)
    if more then
        line = blank_line(self)
        write_at(line, self.lanes[lane] + 2, more:sub(1, self.width - self.lanes[lane] - 2))
        print_line(line)
    end
end

local function field(json, name)
    return json:match('"' .. name .. '":"(.-[^\\])"') or json:match('"' .. name .. '":([%d.]+)')
end

-- One line of a server's decision log: what it was about, what to do, by which rule, and why.
function ladder.decision(self, lane, json)
    local action, rule, why = field(json, "action"), field(json, "rule"), field(json, "why")
    if not action or field(json, "code") == "100" then
        return
    end
    local origin = field(json, "origin")
    local cause = origin == "flow_down" and "a dead flow" or origin == "wire" and field(json, "code") or origin
    self:note(lane, cause .. ": " .. action .. ", rule " .. (rule or "-"), why or "")
end

-- Show the decisions of a server that was started with --log-decisions, from now on.
function ladder.follow(self, lane, server)
    local read = 0
    server.on_output = function()
        local stop = server.out:find("\n", read + 1, true)
        while stop do
            self:decision(lane, server.out:sub(read + 1, stop - 1))
            read = stop
            stop = server.out:find("\n", read + 1, true)
        end
    end
end

function ladder.say(self, text)
    print(("\n%7.1f  %s"):format(self:at_ms(), text))
end

-- Runs a demonstration: play(t) with a t whose defer() is what a test's would be; ends the process.
function ladder.run(play)
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
    local fine, why = xpcall(play, debug.traceback, t)
    for index = #ending, 1, -1 do
        local ended, problem = pcall(ending[index])
        fine, why = fine and ended, why or problem
    end
    if not fine then
        print("The demonstration failed: " .. tostring(why))
    end
    os.exit(fine and 0 or 1)
end

return ladder
