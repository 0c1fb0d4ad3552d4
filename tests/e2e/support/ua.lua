-- SPDX-License-Identifier: BSD-2-Clause
-- A small SIP user agent for tests: one object is one flow (a UDP socket or a TCP connection) to the server.
local channel = require "channel"
local uv = require "luv"
local message = require "message"
local wait = require "wait"

local ua = {}
local flow = {}
flow.__index = flow

ua.message = message
-- ms that expect waits where nothing else is said: for busy machines
ua.patience = tonumber(os.getenv "REFLOW_TEST_PATIENCE") or 30000
-- ms within which something comes "at once" on a busy machine. The timers that it must not wait for take 32 s.
ua.at_once = 10000

local serial = 0
local function unique(prefix)
    serial = serial + 1
    return ("%s%x%x"):format(prefix, uv.hrtime() & 0xffffffff, serial)
end

function ua.instance(number)
    return ("urn:uuid:00000000-0000-4000-8000-%012d"):format(number)
end

-- Received again with the same branch, method and status: a retransmission, counted and not delivered.
local function is_repeated(self, received)
    local _, method = received:cseq()
    local id = table.concat({ received.method or received.status, method or "", received:branch() or "",
        received:tag "To" or "", received:get "Call-ID" or "" }, " ")
    if self.seen[id] and not self.keep_repeats then
        self.repeats = self.repeats + 1
        return true
    end
    self.seen[id] = true
    return false
end

local function deliver(self, text, source)
    self.bytes_in = self.bytes_in + #text
    local received = message.parse(text)
    if not received then
        self.odd[#self.odd + 1] = text
        return
    end
    received.at = uv.hrtime()
    received.flow = self
    received.source = source
    if self.options.trace then
        self.options.trace(self, "in", received)
    end
    if not is_repeated(self, received) then
        self.inbox[#self.inbox + 1] = received
    end
end

local function read_stream(self, chunk)
    self.unread = self.unread .. chunk
    local pieces
    pieces, self.unread = message.cut(self.unread)
    for _, piece in ipairs(pieces) do
        if piece.kind == "crlf" then
            self.pongs = self.pongs + 1
            self.inbox[#self.inbox + 1] = { crlf = true, at = uv.hrtime() }
        else
            deliver(self, piece.text)
        end
    end
end

local function open_udp(self)
    self.socket = uv.new_udp()
    assert(self.socket:bind(self.options.local_host or self.host, self.options.local_port or 0))
    self.socket:recv_start(function(_, chunk, source)
        if chunk and #chunk > 0 then
            if chunk == "\r\n" then
                self.pongs = self.pongs + 1
            else
                deliver(self, chunk, source)
            end
        end
    end)
    self.local_port = self.socket:getsockname().port
end

local function read_tcp(self)
    self.socket:read_start(function(why, chunk)
        if chunk then
            read_stream(self, chunk)
        else
            self.closed_by_peer = why or "end"
        end
    end)
end

local function open_tcp(self)
    self.socket = uv.new_tcp()
    if self.options.local_port or self.options.local_host then
        assert(self.socket:bind(self.options.local_host or self.host, self.options.local_port or 0))
    end
    local done, failure
    self.socket:connect(self.host, self.port, function(why)
        done, failure = true, why
    end)
    wait.until_true(ua.patience, function()
        return done
    end)
    if not done or failure then -- whoever tries again and again must not run out of descriptors
        self.socket:close()
        wait.pause(10)
        error(failure or "no TCP connection within the time", 0)
    end
    self.socket:nodelay(true)
    for _, piece in ipairs(self.options.prefix or {}) do
        self.socket:write(piece)
        wait.pause(2)
    end
    read_tcp(self)
    self.local_port = self.socket:getsockname().port
end

-- TLS and WebSocket.
local function open_channel(self)
    local options = self.options
    self.channel = channel.open { transport = self.transport, host = self.host, port = self.port, tls = options.tls,
        local_host = options.local_host, upgrade = options.upgrade, prefix = options.prefix,
        on_bytes = function(bytes)
            read_stream(self, bytes)
        end,
        on_message = function(text)
            if text == "\r\n" then
                self.pongs = self.pongs + 1
            else
                deliver(self, text)
            end
        end,
        on_close = function(why)
            self.closed_by_peer = why
        end }
    self.local_port = self.channel.local_port or 0
end

-- A host as URIs have it.
function ua.bracketed(host)
    return host:find ":" and "[" .. host .. "]" or host
end

-- ";transport=tcp"; "" for UDP
function ua.parameter(transport)
    return transport ~= "udp" and ";transport=" .. transport:gsub("wss", "ws") or ""
end

-- options: user, domain, transport ("udp", "tcp", "tls", "ws", "wss"), tls and upgrade (see channel.lua), host, port
-- (the server's); instance, reg_id (for register); local_host, local_port; prefix (see channel.lua); trace, a
-- function(flow, "in" or "out", message).
function ua.open(options)
    local self = setmetatable({ options = options, transport = (options.transport or "udp"):lower(),
        host = options.host or "127.0.0.1", port = options.port, user = options.user or "anybody",
        domain = options.domain or "example.test", instance = options.instance, reg_id = options.reg_id, inbox = {},
        odd = {}, seen = {}, repeats = 0, pongs = 0, unread = "", bytes_in = 0 }, flow)
    if self.transport == "tcp" then
        open_tcp(self)
    elseif self.transport == "udp" then
        open_udp(self)
    else
        open_channel(self)
    end
    local own = options.local_host or self.host
    self.sent_by = ("%s:%d"):format(ua.bracketed(own), self.local_port)
    self.contact_uri = ("sip:%s@%s%s"):format(self.user, self.sent_by, ua.parameter(self.transport))
    self.aor = ("sip:%s@%s"):format(self.user, self.domain)
    return self
end

-- A function that opens user agents of a server: open(user, options of ua.open). `transport`: TCP if it is not given.
function ua.opener(s, transport)
    transport = transport or "tcp"
    return function(user, options)
        local all = { port = s.ports and s.ports[transport] or s.port, user = user, domain = s.domain,
            transport = transport, host = s.address }
        for name, value in pairs(options or {}) do
            all[name] = value
        end
        return ua.open(all)
    end
end

-- A user agent at each of these ports, "trunk1" and so on, until the test ends.
function ua.trunks(t, s, ports)
    local list = {}
    for index, port in ipairs(ports) do
        local trunk = ua.open { port = s.port, user = "trunk" .. index, local_port = port }
        t:defer(function()
            trunk:close()
        end)
        list[index] = trunk
    end
    return table.unpack(list)
end

-- The phone takes an INVITE, answers it and waits for the ACK. Returns the INVITE. options as those of reply().
function ua.refuse(phone, status, options)
    local request = phone:expect "INVITE"
    phone:reply(request, status, options)
    phone:expect "ACK"
    return request
end

-- Over TCP: what arrives stays in the kernel, until read_on().
function flow.stop_reading(self)
    self.socket:read_stop()
end

flow.read_on = read_tcp

-- Bytes as they are.
function flow.send_raw(self, bytes)
    local sent = self.options.trace and message.parse(bytes)
    if sent then
        self.options.trace(self, "out", sent)
    end
    if self.channel then
        self.channel:send(bytes)
    elseif self.transport == "tcp" then
        self.socket:write(bytes)
    else
        self.socket:send(bytes, self.host, self.port)
    end
end

function flow.via(self, branch)
    return ("SIP/2.0/%s %s;branch=%s;rport"):format(self.transport:upper(), self.sent_by, branch)
end

--[[ Sends a request and returns it (parsed as sent). options, all optional: uri, from, to, from_tag, to_tag, call_id,
     cseq, branch, contact (false: none), routes, max_forwards (false: none), headers (list of pairs), body, via (a list
     that replaces ours), send (false: only build). ]]
function flow.request(self, method, options)
    options = options or {}
    local headers = {}
    local function add(name, value)
        headers[#headers + 1] = { name, value }
    end
    local branch = options.branch or unique "z9hG4bK"
    for _, via in ipairs(options.via or { self:via(branch) }) do
        add("Via", via)
    end
    for _, route in ipairs(options.routes or {}) do
        add("Route", route)
    end
    if options.max_forwards ~= false then
        add("Max-Forwards", options.max_forwards or 70)
    end
    add("From", ("<%s>;tag=%s"):format(options.from or self.aor, options.from_tag or unique "f"))
    add("To", ("<%s>%s"):format(options.to or options.uri or self.aor,
        options.to_tag and ";tag=" .. options.to_tag or ""))
    add("Call-ID", options.call_id or unique "call")
    add("CSeq", ("%d %s"):format(options.cseq or 1, options.cseq_method or method))
    if options.contact ~= false then
        add("Contact", options.contact or ("<%s>"):format(self.contact_uri))
    end
    for _, header in ipairs(options.headers or {}) do
        add(header[1], header[2])
    end
    local text = message.build(("%s %s SIP/2.0"):format(method, options.uri or self.aor), headers, options.body)
    if options.send ~= false then
        self:send_raw(text)
    end
    local sent = message.parse(text)
    sent.sent_at = uv.hrtime()
    return sent
end

-- Answers a request. options: to_tag, contact, headers, body, phrase.
function flow.reply(self, request, status, options)
    options = options or {}
    local headers = {}
    local function copy(name)
        for _, value in ipairs(request:all(name)) do
            headers[#headers + 1] = { name, value }
        end
    end
    copy "Via"
    if status < 300 then
        copy "Record-Route"
    end
    copy "From"
    local to = request:get "To"
    if status > 100 and not to:find ";%s*tag=" then
        request.our_tag = options.to_tag or request.our_tag or unique "t"
        to = to .. ";tag=" .. request.our_tag
    end
    headers[#headers + 1] = { "To", to }
    copy "Call-ID"
    copy "CSeq"
    if options.contact ~= false and status > 100 and status < 300 then
        headers[#headers + 1] = { "Contact", options.contact or ("<%s>"):format(self.contact_uri) }
    end
    for _, header in ipairs(options.headers or {}) do
        headers[#headers + 1] = header
    end
    self:send_raw(message.build(("SIP/2.0 %d %s"):format(status, options.phrase or "Test"), headers, options.body))
end

local function matches(received, wanted)
    if type(wanted) == "function" then
        return wanted(received)
    elseif type(wanted) == "number" then
        return received.status == wanted
    elseif wanted == "final" then
        return received.status and received.status >= 200
    elseif wanted == "crlf" then
        return received.crlf
    end
    return received.method == wanted
end

-- The first message that fits, taken from the inbox, or nil after ms. wanted: a status, a method, "final", "crlf" or a
-- function.
function flow.receive(self, wanted, ms)
    return wait.until_true(ms or ua.patience, function()
        for index, received in ipairs(self.inbox) do
            if matches(received, wanted) then
                return table.remove(self.inbox, index)
            end
        end
    end)
end

local function describe(self)
    local lines = {}
    for _, received in ipairs(self.inbox) do
        local number, method
        if received.headers then
            number, method = received:cseq()
        end
        lines[#lines + 1] = received.crlf and "CRLF"
            or ("%s (%s %s)"):format(received.method or received.status, number, method)
    end
    if self.closed_by_peer then
        lines[#lines + 1] = "closed by the server: " .. tostring(self.closed_by_peer)
    end
    return #lines > 0 and table.concat(lines, ", ") or "nothing"
end

-- As receive, but raises when nothing fits.
function flow.expect(self, wanted, ms)
    local received = self:receive(wanted, ms)
    if not received then
        error(("%s on %s flow %d: expected %s within %d ms, at hand: %s"):format(self.user, self.transport,
            self.local_port, tostring(wanted), ms or ua.patience, describe(self)), 2)
    end
    return received
end

-- Raises when something that fits comes within ms.
function flow.expect_none(self, wanted, ms)
    local received = self:receive(wanted, ms or 250)
    if received then
        error(("%s on %s flow %d: expected no %s"):format(self.user, self.transport, self.local_port,
            tostring(wanted)), 2)
    end
end

-- The Contact value that register sends.
function flow.contact(self, options)
    options = options or {}
    local instance, reg_id = options.instance or self.instance, options.reg_id or self.reg_id
    local value = ("<%s>"):format(options.contact_uri or self.contact_uri)
    if reg_id then
        value = value .. ";reg-id=" .. reg_id
    end
    if instance then
        value = value .. (';+sip.instance="<%s>"'):format(instance)
    end
    if options.q then
        value = value .. ";q=" .. options.q
    end
    return value .. (options.parameters or "")
end

--[[ Sends a REGISTER and returns the final answer. options beside those of request(): instance, reg_id, q, contact_uri,
     parameters, expires, supported (false: no Supported), aor, expect (a status; raises otherwise). ]]
function flow.register(self, options)
    options = options or {}
    local aor = options.aor or self.aor
    local headers = { { "Expires", options.expires or 600 } }
    if options.supported ~= false then
        headers[#headers + 1] = { "Supported", options.supported or "path, outbound" }
    end
    for _, header in ipairs(options.headers or {}) do
        headers[#headers + 1] = header
    end
    self.register_cseq = (self.register_cseq or 0) + 1
    self.register_call_id = self.register_call_id or unique "reg"
    local contact = options.contact
    if contact == nil then
        contact = self:contact(options)
    end
    local uri = options.uri or "sip:" .. aor:match "@(.*)$"
    local request = self:request("REGISTER", { uri = uri, from = aor, to = aor,
        contact = contact, headers = headers, call_id = options.call_id or self.register_call_id,
        cseq = options.cseq or self.register_cseq, via = options.via, routes = options.routes })
    local answer = self:expect(function(received)
        return received.status and received.status >= 200 and received:get "Call-ID" == request:get "Call-ID"
            and received:cseq() == request:cseq()
    end, options.ms)
    local expected = options.expect == nil and 200 or options.expect
    if expected and answer.status ~= expected then
        error(("REGISTER of %s: expected %d, got %d %s"):format(aor, expected, answer.status, answer.phrase), 2)
    end
    return answer
end

-- The Contact values that the registrar lists for an AOR.
function flow.bindings(self, aor)
    return self:register { aor = aor, contact = false, supported = false }:values "Contact"
end

-- Waits until the AOR has so many bindings. In Kamailio another process removes those of a dead flow, perhaps after the
-- caller has heard of the failure.
function flow.expect_bindings(self, aor, count)
    local got
    if not wait.until_true(ua.patience, function()
        got = #self:bindings(aor)
        return got == count or wait.pause(20)
    end) then
        error(("%s: expected %d bindings, got %d"):format(aor, count, got), 2)
    end
end

function flow.invite(self, uri, options)
    options = options or {}
    options.uri = uri
    return self:request("INVITE", options)
end

-- Requests inside the dialog that an answer made; role is that of the sender.
local function in_dialog(self, method, request, answer, options, caller)
    options = options or {}
    local routes = answer:values "Record-Route"
    if not caller then
        routes = request:values "Record-Route"
    else
        local reversed = {}
        for index = #routes, 1, -1 do
            reversed[#reversed + 1] = routes[index]
        end
        routes = reversed
    end
    local peer = caller and answer or request
    options.uri = options.uri or message.address(peer:get "Contact")
    options.routes = options.routes or routes
    options.call_id = request:get "Call-ID"
    if caller then
        options.from, options.from_tag = message.address(request:get "From"), request:tag "From"
        options.to, options.to_tag = message.address(request:get "To"), answer:tag "To"
        options.cseq = options.cseq or (method == "ACK" and request:cseq() or request:cseq() + 1)
    else
        options.from, options.from_tag = message.address(request:get "To"), request.our_tag
        options.to, options.to_tag = message.address(request:get "From"), request:tag "From"
        options.cseq = options.cseq or 1
    end
    options.contact = options.contact or false
    return self:request(method, options)
end

-- From the caller, who sent `request` and got `answer`.
function flow.within(self, method, request, answer, options)
    return in_dialog(self, method, request, answer, options, true)
end

-- From the called side, which got `request`.
function flow.within_called(self, method, request, options)
    return in_dialog(self, method, request, request, options, false)
end

-- CANCEL of a sent request, or the ACK of a final response above 299: same branch, same Via.
function flow.same_transaction(self, method, request, answer)
    local headers = { { "Via", request:get "Via" }, { "Max-Forwards", 70 }, { "From", request:get "From" },
        { "To", (answer or request):get "To" }, { "Call-ID", request:get "Call-ID" },
        { "CSeq", request:cseq() .. " " .. method } }
    self:send_raw(message.build(("%s %s SIP/2.0"):format(method, request.uri), headers))
end

function flow.cancel(self, request)
    self:same_transaction("CANCEL", request)
end

-- Waits for the final answer of a request of ours; ACKs it as its status demands. Raises if it is not `status`.
function flow.expect_final(self, request, status, ms)
    local call_id, number = request:get "Call-ID", request:cseq()
    local answer = self:expect(function(received)
        return received.status and received.status >= 200 and received:get "Call-ID" == call_id
            and received:cseq() == number and select(2, received:cseq()) == request.method
    end, ms)
    if request.method == "INVITE" then
        if answer.status < 300 then
            self:within("ACK", request, answer)
        else
            self:same_transaction("ACK", request, answer)
        end
    end
    if status and answer.status ~= status then
        error(("%s: expected %d, got %d %s"):format(request.method, status, answer.status, answer.phrase), 2)
    end
    return answer
end

-- A whole call: INVITE 180 200 ACK BYE 200 from self to the user agent `callee`. Raises an error if the call fails.
function flow.call(self, callee, options)
    local request = self:invite(callee.aor, options)
    local invite = callee:expect "INVITE"
    callee:reply(invite, 180)
    self:expect(180)
    callee:reply(invite, 200)
    local answer = self:expect_final(request, 200)
    callee:expect "ACK"
    self:within("BYE", request, answer)
    callee:reply(callee:expect "BYE", 200)
    self:expect(function(received)
        return received.status == 200 and select(2, received:cseq()) == "BYE"
    end)
    return answer
end

-- CRLFCRLF; raises when no CRLF comes back.
function flow.ping(self, ms)
    local before = self.pongs
    self:send_raw "\r\n\r\n"
    assert(wait.until_true(ms or ua.patience, function()
        return self.pongs > before
    end), "no pong")
end

-- Closes the flow; reset = true: with a TCP reset.
function flow.close(self, reset)
    if self.channel then
        self.channel:close()
        wait.pause(1)
    elseif self.socket and not self.socket:is_closing() then
        if reset and self.transport == "tcp" and self.socket.close_reset then
            self.socket:close_reset()
        else
            self.socket:close()
        end
        wait.pause(1)
    end
end

-- True once the server has closed this TCP connection.
function flow.expect_closed(self, ms)
    if not wait.until_true(ms or ua.patience, function()
        return self.closed_by_peer
    end) then
        error("expected the server to close the connection", 2)
    end
end

-- Answers requests as `answers` says ({ INVITE = 486, ... } or functions) whenever the loop runs: for load and demos.
function flow.serve(self, answers)
    local inbox = setmetatable({}, { __newindex = function(list, index, received)
        local answer = received.method and answers[received.method]
        if not answer then
            rawset(list, index, received)
        elseif type(answer) == "function" then
            answer(self, received)
        else
            self:reply(received, answer)
        end
    end })
    self.inbox = inbox
end

ua.wait = wait
return ua
