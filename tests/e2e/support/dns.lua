-- SPDX-License-Identifier: BSD-2-Clause
-- A name server over UDP, and over TCP for answers of more than 512 bytes. Names of its records have their addresses.
-- The first label of any other name, up to a digit, says how it answers: "good": 127.0.0.1; "silent": never; any
-- other: the name does not exist. Services begin with labels of their own (_sip._udp), which do not count.
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

local types <const> = { A = 1, SOA = 6, AAAA = 28, SRV = 33, NAPTR = 35 }
local udp_most <const> = 512

local function pack_name(name)
    return name:gsub("([^.]+)%.?", function(label)
        return string.pack("s1", label)
    end) .. "\0"
end

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

-- The bytes of a record, and its type.
local function pack_record(record)
    if type(record) == "string" then
        return pack_address(record)
    elseif record.service then
        return string.pack(">I2I2s1s1s1", record.order, record.preference, "s", record.service, "") ..
            pack_name(record.target), types.NAPTR
    end
    return string.pack(">I2I2I2", record.priority, record.weight, record.port) .. pack_name(record.target), types.SRV
end

-- The absence of records is certain for ten minutes.
local negative <const> = string.pack(">I2I2I2I4s2", 0xC00C, types.SOA, 1, 600,
    "\0\0" .. string.pack(">I4I4I4I4I4", 1, 2, 3, 4, 600))

local function reply_to(bytes, records, type, question_end, tcp)
    local answers = {}
    for _, record in ipairs(records or {}) do
        local packed, own_type = pack_record(record)
        if own_type == type then
            answers[#answers + 1] = string.pack(">I2I2I2I4s2", 0xC00C, type, 1, 600, packed)
        end
    end
    local packed = table.concat(answers)
    local truncated = not tcp and #packed + question_end > udp_most
    local authority = #answers == 0 and records and negative or ""
    local head = bytes:sub(1, 2) .. string.pack(">BBI2I2I2I2", 0x81 | (truncated and 2 or 0),
        0x80 | (records and 0 or 3), 1, truncated and 0 or #answers, authority ~= "" and 1 or 0, 0)
    return head .. bytes:sub(13, question_end - 1) .. (truncated and "" or packed) .. authority
end

-- What to send for a query; nil: nothing.
local function answer(self, bytes, tcp)
    local name, at = read_name(bytes, 13)
    local type = string.unpack(">I2", bytes, at)
    local host = name:gsub("_%a+%.", "")
    local kind = host:match "^%a*"
    self.hosts[host] = true
    self.queries = self.queries + 1
    self.over_tcp = self.over_tcp + (tcp and 1 or 0)
    if type == types.A then
        self.asked[name] = (self.asked[name] or 0) + 1
        self.total = self.total + 1
    end
    if self.records[name] or kind ~= "silent" then
        local records = self.records[name] or (kind == "good" and { "127.0.0.1" }) or nil
        return reply_to(bytes, records, type, at + 4, tcp)
    end
end

-- One query arrives in one piece.
local function serve_tcp(self, listener)
    local connection = uv.new_tcp()
    listener:accept(connection)
    connection:read_start(function(_, bytes)
        if not bytes then
            connection:close()
            return
        end
        local reply = answer(self, string.unpack(">s2", bytes), true)
        if reply then
            connection:write(string.pack(">s2", reply))
        end
    end)
end

-- UDP gets a port from the system; another program may have it for TCP.
local function bind(self, address, port)
    for _ = 1, 20 do
        self.socket, self.listener = uv.new_udp(), uv.new_tcp()
        assert(self.socket:bind(address, port))
        self.port = self.socket:getsockname().port
        if self.listener:bind(address, self.port) and self.listener:listen(16, function()
            serve_tcp(self, self.listener)
        end) then
            return
        end
        self.socket:close()
        self.listener:close()
    end
    error "no port is free for UDP and TCP"
end

--[[ options: address (default 127.0.0.1), port (default: a free one), records (a table of lists by name: IPv4 and IPv6
     addresses, SRV records { priority, weight, port, target } and NAPTR records { order, preference, service, target },
     all fields by name). Fields: port; asked, a table of the number of queries for A records by name; total, their sum;
     queries, the number of all queries; over_tcp, of these over TCP. ]]
function dns.open(t, options)
    options = options or {}
    local self = setmetatable({ records = options.records or {}, asked = {}, hosts = {} }, dns)
    self.total, self.queries, self.over_tcp = 0, 0, 0
    bind(self, options.address or "127.0.0.1", options.port or 0)
    self.socket:recv_start(function(_, bytes, from)
        if not bytes or #bytes < 17 then
            return
        end
        local reply = answer(self, bytes, false)
        if reply then
            self.socket:try_send(reply, from.ip, from.port)
        end
    end)
    t:defer(function()
        self.socket:close()
        self.listener:close()
    end)
    return self
end

-- How many hosts were asked for, or services of them.
function dns.names(self)
    local count = 0
    for _ in pairs(self.hosts) do
        count = count + 1
    end
    return count
end

return dns
