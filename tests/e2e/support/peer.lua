-- SPDX-License-Identifier: BSD-2-Clause
-- What stands at the other end of a user agent's flow: a registrar that says what the test wants, over UDP and TCP on
-- one port; and a relay that can be cut.
local uv = require "luv"
local message = require "message"
local wait = require "wait"

local peer = {}
peer.__index = peer

local function answer_text(request, status, headers)
    local list = {}
    for _, name in ipairs { "Via", "From", "To", "Call-ID", "CSeq" } do
        for _, value in ipairs(request:all(name)) do
            list[#list + 1] = { name, name == "To" and value .. ";tag=peer" or value }
        end
    end
    for _, header in ipairs(headers or {}) do
        list[#list + 1] = header
    end
    return message.build(("SIP/2.0 %d Test"):format(status), list)
end

-- A 200 that binds the Contact, with outbound; `more` headers beside.
function peer.bind(request, more)
    local headers = { { "Contact", request:get "Contact" .. ";expires=" .. request:get "Expires" } }
    if (request:get "Supported" or ""):find "outbound" then
        headers[#headers + 1] = { "Require", "outbound" }
    end
    for _, header in ipairs(more or {}) do
        headers[#headers + 1] = header
    end
    return answer_text(request, 200, headers)
end

peer.answer = answer_text

local function deliver(self, text, send)
    local received = message.parse(text)
    if received and received.method then
        received.send, received.at = send, uv.hrtime() / 1e6
        self.requests[#self.requests + 1] = received
        local said = self.handler and self.handler(received, #self.requests)
        if said then
            send(said)
        end
    elseif received then
        self.responses[#self.responses + 1] = received
    else
        self.odd[#self.odd + 1] = text
    end
end

local function accept(self)
    local client, unread = uv.new_tcp(), ""
    self.listener:accept(client)
    self.connections[#self.connections + 1] = client
    local function send(text)
        if not client:is_closing() then
            client:write(text)
        end
    end
    client:read_start(function(_, chunk)
        if not chunk then
            if not client:is_closing() then
                client:close()
            end
            self.closed = self.closed + 1
            return
        end
        local pieces
        unread = unread .. chunk
        local pings = 0
        unread = unread:gsub("^\r\n\r\n", function() pings = pings + 1 return "" end)
        self.pings = self.pings + pings
        if pings > 0 and self.pong then
            send "\r\n"
        end
        pieces, unread = message.cut(unread)
        for _, piece in ipairs(pieces) do
            if piece.kind == "message" then
                deliver(self, piece.text, send)
            end
        end
    end)
end

-- `handler(request, n)` gives the text to send, or nothing. Pings are answered with pong = true; STUN by `stun(bytes)`.
-- It listens on this address (default: 127.0.0.1).
function peer.open(t, port, handler, address)
    address = address or "127.0.0.1"
    local self = setmetatable({ port = port, handler = handler, requests = {}, responses = {}, odd = {},
        connections = {}, pings = 0, closed = 0, pong = true }, peer)
    self.listener, self.socket = uv.new_tcp(), uv.new_udp()
    assert(self.listener:bind(address, port))
    assert(self.listener:listen(16, function() accept(self) end))
    assert(self.socket:bind(address, port))
    self.socket:recv_start(function(_, bytes, from)
        local function send(text)
            self.socket:send(text, from.ip, from.port)
        end
        if bytes and bytes:byte() and bytes:byte() < 4 then
            self.pings = self.pings + 1
            local said = self.stun and self.stun(bytes, from)
            if said then
                send(said)
            end
        elseif bytes and #bytes > 0 then
            deliver(self, bytes, send)
        end
    end)
    t:defer(function() self:close() end)
    return self
end

-- A handler: 486 to everything but ACK.
function peer.refuse(request)
    return request.method ~= "ACK" and peer.answer(request, 486) or nil
end

-- Its requests with their transports, "INVITE TCP, ACK TCP".
function peer.methods(self)
    local list = {}
    for i, request in ipairs(self.requests) do
        list[i] = request.method .. " " .. request:all("Via")[1]:match "^SIP/2%.0/(%a+)"
    end
    return table.concat(list, ", ")
end

-- A binding success with this port as mapped.
function peer.mapped(bytes, port)
    return string.pack(">I2I2", 0x0101, 12) .. bytes:sub(5, 20) .. string.pack(">I2I2BBI2I4", 0x0020, 8, 0, 1,
        port ~ 0x2112, 0x7f000001 ~ 0x2112a442)
end

function peer.cut(self)
    for _, connection in ipairs(self.connections) do
        if not connection:is_closing() then
            connection:close()
        end
    end
    self.connections = {}
end

function peer.close(self)
    self:cut()
    for _, handle in ipairs { self.listener, self.socket } do
        if not handle:is_closing() then
            handle:close()
        end
    end
end

-- Waits for the n-th request.
function peer.expect(self, n, ms)
    if not wait.until_true(ms or 30000, function() return #self.requests >= n end) then
        error(("%d requests in place of %d"):format(#self.requests, n), 2)
    end
    return self.requests[n]
end

local relay = {}
relay.__index = relay

-- TCP from a port of its own to that port; cut() closes what is there, and refuses what comes until open() again.
function peer.relay(t, from, to)
    local self = setmetatable({ pairs = {} }, relay)
    function self.open()
        self.listener = uv.new_tcp()
        assert(self.listener:bind("127.0.0.1", from))
        assert(self.listener:listen(16, function()
            local near, far = uv.new_tcp(), uv.new_tcp()
            self.listener:accept(near)
            self.pairs[#self.pairs + 1] = { near, far }
            far:connect("127.0.0.1", to, function()
                local function pump(here, there)
                    here:read_start(function(_, chunk)
                        if chunk and not there:is_closing() then
                            there:write(chunk)
                        elseif not chunk and not here:is_closing() then
                            here:close()
                            if not there:is_closing() then
                                there:close()
                            end
                        end
                    end)
                end
                pump(near, far)
                pump(far, near)
            end)
        end))
    end
    self.open()
    t:defer(function() self:cut() end)
    return self
end

function relay.cut(self)
    if not self.listener:is_closing() then
        self.listener:close()
    end
    for _, pair in ipairs(self.pairs) do
        for _, handle in ipairs(pair) do
            if not handle:is_closing() then
                handle:close()
            end
        end
    end
    self.pairs = {}
end

return peer
