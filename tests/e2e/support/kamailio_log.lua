-- SPDX-License-Identifier: BSD-2-Clause
--[[ The log that Kamailio's processes write to one pipe, line by line. A libc may write a longer line in pieces of 128
     bytes (Debian 13's does), between which another process writes its own: such lines are put together again. ]]
local kamailio_log = {}
kamailio_log.__index = kamailio_log

local piece <const> = 128
-- What a line begins with: the number of the process, its pid and the level.
local start <const> = "^ ?%d+%(%d+%) %u+: "

function kamailio_log.new()
    return setmetatable({ unfinished = "", torn = {} }, kamailio_log)
end

-- Where the first line ends inside of which another one begins.
local function find_tear(line)
    for at = piece, #line - 1, piece do
        if line:find(start, at + 1) then
            return at
        end
    end
end

local function take_line(self, line)
    local at = find_tear(line)
    while at do
        local head = line:sub(1, at)
        if not head:find(start) and #self.torn > 0 then
            head = table.remove(self.torn, 1) .. head
        end
        table.insert(self.torn, head)
        line = line:sub(at + 1)
        at = find_tear(line)
    end
    if #self.torn > 0 and not line:find(start) then
        line = table.remove(self.torn, 1) .. line
    end
    return line
end

-- Takes what was read from the pipe. Returns the lines that are complete now, as one text.
function kamailio_log.read(self, chunk)
    local lines, from = {}, 1
    local text = self.unfinished .. chunk
    for line, after in text:gmatch "([^\n]*)\n()" do
        lines[#lines + 1] = take_line(self, line) .. "\n"
        from = after
    end
    self.unfinished = text:sub(from)
    return table.concat(lines)
end

-- The pipe has ended: what is left.
function kamailio_log.rest(self)
    return table.concat(self.torn, "\n") .. self.unfinished
end

return kamailio_log
