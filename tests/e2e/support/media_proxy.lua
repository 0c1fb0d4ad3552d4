-- SPDX-License-Identifier: BSD-2-Clause
-- An rtpengine that answers as its control protocol says (bencode over UDP), and writes an address of its own into each
-- SDP. Its field `commands` has what it was asked, in order: "offer", "answer", "delete".
local uv = require "luv"

local media_proxy = {}

media_proxy.address = "192.0.2.99"

local function text(value)
    return #value .. ":" .. value
end

local function sdp_of(bytes)
    local length, rest = bytes:match "3:sdp(%d+):(.*)$"
    return length and (rest:sub(1, tonumber(length)):gsub("c=IN IP4 %S+", "c=IN IP4 " .. media_proxy.address))
end

local function answer(self, command, bytes)
    if command == "ping" then
        return "d6:result4:ponge"
    end
    self.commands[#self.commands + 1] = command
    local sdp = sdp_of(bytes)
    return "d6:result2:ok" .. (sdp and "3:sdp" .. text(sdp) or "") .. "e"
end

local function command_of(bytes)
    local length, rest = bytes:match "7:command(%d+):(.*)$"
    return length and rest:sub(1, tonumber(length))
end

-- Fields: port, commands. Closed when the test `t` ends. port: a free one if it is nil.
function media_proxy.start(t, port)
    local self = { socket = uv.new_udp(), commands = {} }
    assert(self.socket:bind("127.0.0.1", port or 0))
    self.port = self.socket:getsockname().port
    self.socket:recv_start(function(_, bytes, from)
        local command = bytes and command_of(bytes)
        if command then
            self.socket:send(bytes:match "^%S+" .. " " .. answer(self, command, bytes), from.ip, from.port)
        end
    end)
    t:defer(function()
        self.socket:close()
    end)
    return self
end

return media_proxy
