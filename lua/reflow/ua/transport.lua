-- SPDX-License-Identifier: BSD-2-Clause
-- Connections for a user agent, by luv. Each transport is a function open(target, events), which returns a connection:
-- send(bytes), close(); and tells events.opened(address, port), events.message(text), events.pong() and
-- events.closed(why): none before it has returned, and none after close. A program adds its own as transport.tls, say.
local uv = require "luv"
local message = require "reflow.ua.message"

local transport = {}

local connection = {}
connection.__index = connection

function connection.send(self, bytes)
    if self.ready then
        self.write(bytes)
    end
end

function connection.close(self)
    self.over = true
    if self.socket and not self.socket:is_closing() then
        self.socket:close()
    end
end

local function fail(self, why)
    if not self.over then
        self:close()
        self.events.closed(why)
    end
end

-- As getaddrinfo orders them; each time another one first, so that a host that is down is not asked for ever.
local turns = {}
local function resolve(self, target, kind, connect)
    uv.getaddrinfo(target.host, nil, { socktype = kind }, function(why, found)
        if self.over then
            return
        elseif why or not found or #found == 0 then
            fail(self, ("%s: %s"):format(target.host, why or "no address"))
            return
        end
        local turn = turns[target.host] or 0
        turns[target.host] = turn + 1
        connect(found[turn % #found + 1].addr)
    end)
end

local function stand(self)
    local here = self.socket:getsockname()
    if not here then
        fail(self, "the socket has no address")
        return
    end
    self.ready = true
    self.events.opened(here.ip, here.port)
end

local function read_stream(self, chunk)
    self.unread = self.unread .. chunk
    while not self.over do
        local kind, text, rest = message.cut(self.unread)
        if kind == nil then
            return
        elseif not kind then
            fail(self, text)
            return
        end
        self.unread = rest
        if kind == "pong" then
            self.events.pong()
        else
            self.events.message(text)
        end
    end
end

local function new(events)
    return setmetatable({ events = events, unread = "" }, connection)
end

function transport.tcp(target, events)
    local self = new(events)
    local function sent(why)
        if why then
            fail(self, why)
        end
    end
    resolve(self, target, "stream", function(address)
        self.socket = uv.new_tcp()
        self.write = function(bytes)
            self.socket:write(bytes, sent)
        end
        local fine, why = self.socket:connect(address, target.port, function(failure)
            if failure then
                fail(self, failure)
            elseif not self.over then
                self.socket:nodelay(true)
                self.socket:read_start(function(broken, chunk)
                    if self.over then
                        return
                    elseif chunk then
                        read_stream(self, chunk)
                    else
                        fail(self, broken or "closed by the other side")
                    end
                end)
                stand(self)
            end
        end)
        if not fine then
            fail(self, why)
        end
    end)
    return self
end

function transport.udp(target, events)
    local self = new(events)
    local function sent(why)
        if why then
            fail(self, why)
        end
    end
    resolve(self, target, "dgram", function(address)
        self.socket = uv.new_udp()
        self.write = function(bytes)
            self.socket:send(bytes, nil, nil, sent)
        end
        -- Connected, so that ICMP tells of a port where nobody listens, and nobody else gets in.
        local fine, why = self.socket:connect(address, target.port)
        if not fine then
            fail(self, why)
            return
        end
        self.socket:recv_start(function(broken, chunk)
            if self.over then
                return
            elseif broken then
                fail(self, broken)
            elseif chunk and #chunk > 0 then
                self.events.message(chunk)
            end
        end)
        stand(self)
    end)
    return self
end

transport.kinds = { tcp = { stream = true, port = 5060 }, udp = { stream = false, port = 5060 },
    tls = { stream = true, port = 5061 }, ws = { stream = true, port = 80 }, wss = { stream = true, port = 443 } }

return transport
