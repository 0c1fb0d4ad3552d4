-- SPDX-License-Identifier: BSD-2-Clause
-- A name server over UDP. Names of its records have their addresses. The first label of any other name, up to a digit,
-- says how it answers: "good": 127.0.0.1; "silent": never; any other: the name does not exist.
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

local types <const> = { A = 1, AAAA = 28 }

-- An address as its bytes, and the type of its record.
local function pack_address(address)
    if address:find(":", 1, true) then
        local front, back = address:match "^(.-)::(.*)$"
        local function groups(text)
            return (text:gsub("(%x+):?", function(group)
                return string.pack(">I2", tonumber(group, 16))
            end))
        end
        front, back = groups(front or address), groups(back or "")
        return front .. ("\0"):rep(16 - #front - #back) .. back, types.AAAA
    end
    return (address:gsub("(%d+)%.?", function(number)
        return string.char(tonumber(number))
    end)), types.A
end

local function reply_to(bytes, addresses, type, question_end)
    local answers = {}
    for _, address in ipairs(addresses or {}) do
        local packed, own_type = pack_address(address)
        if own_type == type then
            answers[#answers + 1] = string.pack(">I2I2I2I4s2", 0xC00C, type, 1, 600, packed)
        end
    end
    local head = bytes:sub(1, 2) .. string.pack(">BBI2I2I2I2", 0x81, 0x80 | (addresses and 0 or 3), 1, #answers, 0, 0)
    return head .. bytes:sub(13, question_end - 1) .. table.concat(answers)
end

--[[ options: address (default 127.0.0.1), port (default: a free one), records (a table of lists of IPv4 and IPv6
     addresses by name). Fields: port; asked, a table of the number of queries for A records by name; total, their
     sum. ]]
function dns.open(t, options)
    options = options or {}
    local records = options.records or {}
    local self = setmetatable({ socket = uv.new_udp(), asked = {}, total = 0 }, dns)
    assert(self.socket:bind(options.address or "127.0.0.1", options.port or 0))
    self.port = self.socket:getsockname().port
    self.socket:recv_start(function(_, bytes, from)
        if not bytes or #bytes < 17 then
            return
        end
        local name, at = read_name(bytes, 13)
        local type = string.unpack(">I2", bytes, at)
        local kind = name:match "^%a*"
        if type == types.A then
            self.asked[name] = (self.asked[name] or 0) + 1
            self.total = self.total + 1
        end
        if records[name] or kind ~= "silent" then
            local addresses = records[name] or (kind == "good" and { "127.0.0.1" }) or nil
            self.socket:try_send(reply_to(bytes, addresses, type, at + 4), from.ip, from.port)
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
