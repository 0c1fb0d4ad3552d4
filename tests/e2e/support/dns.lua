-- SPDX-License-Identifier: BSD-2-Clause
-- A name server on 127.0.0.1, UDP. The first label of a name, up to a digit, says how it answers: "good": 127.0.0.1;
-- "silent": never; any other: the name does not exist.
local uv = require "luv"

local dns = {}
dns.__index = dns

local function read_name(bytes, at)
    local labels = {}
    while true do
        local label
        label, at = string.unpack("s1", bytes, at)
        if label == "" then
            return table.concat(labels, "."):lower(), at
        end
        labels[#labels + 1] = label
    end
end

local function reply_to(bytes, kind, type, question_end)
    local found = kind == "good" and type == 1
    local code = (kind == "good" and 0) or 3
    local head = bytes:sub(1, 2) .. string.pack(">BBI2I2I2I2", 0x81, 0x80 | code, 1, found and 1 or 0, 0, 0)
    local answer = found and string.pack(">I2I2I2I4s2", 0xC00C, 1, 1, 600, "\127\0\0\1") or ""
    return head .. bytes:sub(13, question_end - 1) .. answer
end

-- Fields: port; asked, a table of the number of queries for A records by name; total, their sum.
function dns.open(t)
    local self = setmetatable({ socket = uv.new_udp(), asked = {}, total = 0 }, dns)
    self.socket:bind("127.0.0.1", 0)
    self.port = self.socket:getsockname().port
    self.socket:recv_start(function(_, bytes, from)
        if not bytes or #bytes < 17 then
            return
        end
        local name, at = read_name(bytes, 13)
        local type = string.unpack(">I2", bytes, at)
        local kind = name:match "^%a*"
        if type == 1 then
            self.asked[name] = (self.asked[name] or 0) + 1
            self.total = self.total + 1
        end
        if kind ~= "silent" then
            self.socket:try_send(reply_to(bytes, kind, type, at + 4), from.ip, from.port)
        end
    end)
    t:defer(function()
        self.socket:close()
    end)
    return self
end

-- How many names were asked for.
function dns.names(self)
    local count = 0
    for _ in pairs(self.asked) do
        count = count + 1
    end
    return count
end

return dns
