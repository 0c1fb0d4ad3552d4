-- SPDX-License-Identifier: BSD-2-Clause
-- What stands between a user agent that we did not write and its server, on TCP: the server's port at another address,
-- whose bytes are passed on both ways, are looked at, and can be cut or fall silent.
local uv = require "luv"

local relay = {}
relay.__index = relay

local function close(socket)
    if not socket:is_closing() then
        socket:close()
    end
end

-- Keep-alives come by themselves: nothing else is that short.
local function note(self, direction, chunk)
    self[direction] = self[direction] .. chunk
    if direction == "up" and chunk == "\r\n\r\n" then
        self.pings = self.pings + 1
    elseif direction == "down" and chunk == "\r\n" then
        self.pongs = self.pongs + 1
    end
end

local function pass(self, connection, from, to, direction)
    from:read_start(function(_, chunk)
        if connection.silent then
            return
        elseif chunk then
            note(self, direction, chunk)
            to:write(chunk)
        else
            close(from)
            close(to)
        end
    end)
end

local function accepted(self, port)
    local connection = { near = uv.new_tcp(), far = uv.new_tcp() }
    self.listener:accept(connection.near)
    self.connections[#self.connections + 1] = connection
    if self.translates then
        assert(connection.far:bind(self.host, 0))
    end
    connection.far:connect("127.0.0.1", port, function(why)
        if why then
            close(connection.near)
            close(connection.far)
        elseif not connection.near:is_closing() then
            pass(self, connection, connection.near, connection.far, "up")
            pass(self, connection, connection.far, connection.near, "down")
        end
    end)
end

-- Where relays stand, as user agents and servers name them.
relay.addresses = { "127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.5", "127.0.0.6" }

local function listen(self)
    for _, host in ipairs(relay.addresses) do
        self.host, self.listener = host, uv.new_tcp()
        if self.listener:bind(host, self.port) and self.listener:listen(16, function()
            accepted(self, self.port)
        end) then
            return
        end
        close(self.listener)
    end
    error(("port %d is free at no address for relays"):format(self.port), 3)
end

--[[ A relay to that port of 127.0.0.1 from the same port of the first address where it is free, for the test `t`. With
     `translates` the server sees the relay's address, as that of a NAT. Fields: host; port; connections, every one
     that there was; up and down, the bytes that went to the server and to the user agent; pings and pongs among
     them. ]]
function relay.open(t, port, translates)
    local self = setmetatable({ port = port, translates = translates, connections = {}, up = "", down = "", pings = 0,
        pongs = 0 }, relay)
    listen(self)
    t:defer(function()
        self:cut()
        close(self.listener)
    end)
    return self
end

-- Both sides see their connection end.
function relay.cut(self)
    for _, connection in ipairs(self.connections) do
        close(connection.near)
        close(connection.far)
    end
end

-- The same, and a caller that comes back is refused.
function relay.goes_down(self)
    close(self.listener)
    self:cut()
end

-- Neither side sees anything more, not even an end. Connections made later live.
function relay.silence(self)
    for _, connection in ipairs(self.connections) do
        connection.silent = true
    end
end

-- How often a request of that method went by: direction "up" or "down".
function relay.count(self, direction, method)
    local _, found = ("\n" .. self[direction]):gsub("\n" .. method .. " %S+ SIP/2%.0\r\n", "")
    return found
end

return relay
