-- SPDX-License-Identifier: BSD-2-Clause
-- A connection of a test's user agent: TCP, or TLS (LuaSec) polled by libuv, and WebSocket by hand on either of them.
local uv = require "luv"
local wait = require "wait"

local channel = {}
channel.__index = channel

-- --- TLS ---

local secure = {}
secure.__index = secure

local function pump(self)
    while true do
        local data, why, partial = self.ssl:receive(65536)
        data = data or partial
        if data and #data > 0 then
            self.on_bytes(data)
        end
        if self.closed then
            return
        elseif why == "closed" or (why and why ~= "timeout" and why ~= "wantread" and why ~= "wantwrite") then
            self:stop()
            self.on_close(why)
            return
        elseif not data or #data == 0 or why then
            return
        end
    end
end

local function drain(self)
    while #self.unsent > 0 do
        local last, _, partial = self.ssl:send(self.unsent)
        local sent = last or partial or 0
        self.unsent = self.unsent:sub(sent + 1)
        if sent == 0 then
            return
        end
    end
end

local function watch(self, events)
    if self.events ~= events and not self.closed then
        self.events = events
        self.poll:start(events, function()
            self:turn()
        end)
    end
end

function secure.turn(self)
    if self.closed then
        return
    elseif not self.open then
        local done, why = self.ssl:dohandshake()
        if not done and (why == "wantread" or why == "wantwrite" or why == "timeout") then
            watch(self, why == "wantwrite" and "rw" or "r")
            return
        elseif not done then
            self:stop()
            self.failure = why
            self.on_close(why)
            return
        end
        self.open = true
        if self.on_open then
            self:on_open()
        end
    end
    drain(self)
    pump(self)
    watch(self, #self.unsent > 0 and "rw" or "r")
end

function secure.write(self, bytes)
    self.unsent = self.unsent .. bytes
    if self.open and not self.closed then
        drain(self)
        watch(self, #self.unsent > 0 and "rw" or "r")
    end
end

function secure.stop(self)
    if not self.closed then
        self.closed = true
        self.poll:stop()
        self.poll:close()
    end
end

function secure.close(self)
    self:stop()
    self.ssl:close()
end

local contexts = {}

-- options of LuaSec's newcontext, kept by their names: a context for each flow would be too many.
local function context_of(options)
    local ssl = require "ssl"
    local key = table.concat({ options.protocol or "any", options.certificate or "", options.key or "",
        options.cafile or "", options.ciphers or "" }, " ")
    if not contexts[key] then
        contexts[key] = assert(ssl.newcontext { mode = "client", protocol = options.protocol or "any",
            verify = options.cafile and "peer" or "none", cafile = options.cafile, certificate = options.certificate,
            key = options.key, ciphers = options.ciphers, options = "all" })
    end
    return contexts[key]
end

local function open_secure(options, on_open)
    local socket, ssl = require "socket", require "ssl"
    local plain = options.host:find ":" and socket.tcp6() or socket.tcp()
    if options.local_host then
        assert(plain:bind(options.local_host, 0))
    end
    if options.prefix then
        plain:settimeout(30)
        assert(plain:connect(options.host, options.port))
        plain:setoption("tcp-nodelay", true)
        for _, piece in ipairs(options.prefix) do
            assert(plain:send(piece))
            wait.pause(2)
        end
    end
    plain:settimeout(0)
    if not options.prefix then
        plain:connect(options.host, options.port)
        plain:setoption("tcp-nodelay", true)
    end
    local self = setmetatable({ unsent = "", on_bytes = options.on_bytes, on_close = options.on_close,
        on_open = on_open }, secure)
    local fd = plain:getfd()
    self.local_port = tonumber((select(2, plain:getsockname())))
    self.ssl = assert(ssl.wrap(plain, context_of(options.tls or {})))
    if options.tls and options.tls.name then
        self.ssl:sni(options.tls.name)
    end
    self.ssl:settimeout(0)
    self.poll = uv.new_poll(fd)
    -- Writable: it is connected.
    watch(self, "w")
    return self
end

-- --- TCP ---

local stream = {}
stream.__index = stream

local function open_stream(options, on_open)
    local self = setmetatable({ socket = uv.new_tcp() }, stream)
    if options.local_host or options.local_port then
        assert(self.socket:bind(options.local_host or options.host, options.local_port or 0))
    end
    self.socket:connect(options.host, options.port, function(why)
        if why then
            self.failure = why
            return options.on_close(why)
        end
        self.open = true
        self.local_port = self.socket:getsockname().port
        self.socket:nodelay(true)
        self.socket:read_start(function(failure, chunk)
            if chunk then
                options.on_bytes(chunk)
            else
                options.on_close(failure or "end")
            end
        end)
        for _, piece in ipairs(options.prefix or {}) do
            self.socket:write(piece)
        end
        if on_open then
            on_open(self)
        end
    end)
    return self
end

function stream.write(self, bytes)
    self.socket:write(bytes)
end

function stream.close(self)
    if not self.socket:is_closing() then
        self.socket:close()
    end
end

-- --- WebSocket ---

-- A frame. options: fin (default true), mask (default true), opcode (default 1: text), rsv, length (a lie).
function channel.frame(payload, options)
    options = options or {}
    local length = options.length or #payload
    local mask = options.mask ~= false
    local head = string.char((options.fin == false and 0 or 0x80) | (options.rsv or 0) << 4 | (options.opcode or 1))
    local bit = mask and 0x80 or 0
    if length < 126 then
        head = head .. string.char(bit | length)
    elseif length < 65536 then
        head = head .. string.pack(">BI2", bit | 126, length)
    else
        head = head .. string.pack(">BI8", bit | 127, length)
    end
    if not mask then
        return head .. payload
    end
    local key = { 0x12, 0x34, 0x56, 0x78 }
    local out, place = {}, 0
    for byte in payload:gmatch "." do
        out[place + 1] = string.char(byte:byte() ~ key[place % 4 + 1])
        place = place + 1
    end
    -- "." leaves out nothing: it matches newlines too.
    return head .. string.char(table.unpack(key)) .. table.concat(out)
end

-- The frames at the front of bytes: a list of { opcode, payload, fin, mask }, and what is left.
function channel.unframe(bytes)
    local frames = {}
    while #bytes >= 2 do
        local first, second = bytes:byte(1, 2)
        local length, at = second & 0x7f, 3
        if length == 126 and #bytes >= 4 then
            length, at = string.unpack(">I2", bytes, 3)
        elseif length == 127 and #bytes >= 10 then
            length, at = string.unpack(">I8", bytes, 3)
        elseif length >= 126 then
            break
        end
        if #bytes < at + length - 1 then
            break
        end
        frames[#frames + 1] = { opcode = first & 15, fin = first & 0x80 ~= 0, mask = second & 0x80 ~= 0,
            payload = bytes:sub(at, at + length - 1) }
        bytes = bytes:sub(at + length)
    end
    return frames, bytes
end

-- The opening request. changes: values by field name; false leaves one out.
function channel.upgrade(host, changes)
    local fields = { { "Host", host }, { "Upgrade", "websocket" }, { "Connection", "keep-alive, Upgrade" },
        { "Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==" }, { "Sec-WebSocket-Version", "13" },
        { "Sec-WebSocket-Protocol", "sip" } }
    local lines = { ((changes or {}).line or "GET /sip HTTP/1.1") }
    for _, field in ipairs(fields) do
        local value = (changes or {})[field[1]]
        if value == nil then
            value = field[2]
        end
        if value then
            lines[#lines + 1] = field[1] .. ": " .. value
        end
    end
    for _, more in ipairs((changes or {}).more or {}) do
        lines[#lines + 1] = more
    end
    return table.concat(lines, "\r\n") .. "\r\n\r\n"
end

local function read_websocket(self, bytes, on_message)
    self.unread = self.unread .. bytes
    if not self.response then
        local head, rest = self.unread:match "^(.-\r\n\r\n)(.*)$"
        if not head then
            return
        end
        self.response, self.unread = head, rest
        self.open = head:find "^HTTP/1.1 101 " ~= nil
    end
    local frames
    frames, self.unread = channel.unframe(self.unread)
    for _, frame in ipairs(frames) do
        self.frames[#self.frames + 1] = frame
        if frame.opcode == 1 or frame.opcode == 2 then
            on_message(frame.payload)
        elseif frame.opcode == 9 and not self.mute then
            self.below:write(channel.frame(frame.payload, { opcode = 10 }))
        end
    end
end

-- --- all of them ---

--[[ options: transport ("tcp", "tls", "ws", "wss"), host, port, local_host, local_port, tls (protocol, name,
     certificate, key, cafile); on_bytes, or for WebSocket on_message; on_close(why); upgrade (changes of the opening
     request; false: none is sent); prefix (a list of byte strings before everything else, as a load balancer sends
     them); wait (false: return before it is open). ]]
function channel.open(options)
    local websocket = options.transport == "ws" or options.transport == "wss"
    local secured = options.transport == "tls" or options.transport == "wss"
    local self = setmetatable({ websocket = websocket, unread = "", frames = {} }, channel)
    local below = {}
    for name, value in pairs(options) do
        below[name] = value
    end
    if websocket then
        below.on_bytes = function(bytes)
            read_websocket(self, bytes, options.on_message)
        end
    end
    local function opened(opening)
        if websocket and options.upgrade ~= false then
            opening:write(channel.upgrade(options.host .. ":" .. options.port, options.upgrade))
        end
    end
    below.on_close = function(why)
        self.closed = why
        options.on_close(why)
    end
    self.below = (secured and open_secure or open_stream)(below, opened)
    if options.wait ~= false then
        wait.until_true(30000, function()
            return self.closed or (self.below.open and (not websocket or self.response or options.upgrade == false))
        end)
    end
    self.local_port = self.below.local_port
    return self
end

-- One message, or bytes.
function channel.send(self, bytes, options)
    self.below:write(self.websocket and channel.frame(bytes, options) or bytes)
end

function channel.close(self)
    self.below:close()
end

return channel
