-- SPDX-License-Identifier: BSD-2-Clause
-- A user agent that keeps a flow to each of its outbound proxies (RFC 5626 section 4), for any Lua program with luv:
--
--     local agent = require "reflow.ua".new {
--       aor = "sip:bob@example.com", password = "...",
--       proxies = { "sip:edge1.example.com;transport=tcp", "sip:edge2.example.com" },
--       on_request = function(request) request:reply(486) end,
--       on_event = print,
--     }
--     agent:start()
--     require "luv".run()
--
-- What is to be done when is sip.outbound's to say; here are the sockets and the messages.
local uv = require "luv"
local sip = require "reflow"
local digest = require "reflow.ua.digest"
local message = require "reflow.ua.message"
local server = require "reflow.ua.server"
local stun = require "reflow.ua.stun"
local transport = require "reflow.ua.transport"

local ua = { transport = transport }

---@class reflow.ua.Options
---@field aor string the address of record, "sip:bob@example.com"
---@field proxies string[] 1 to 8 URIs; ";transport=tcp", "udp" where none is given, or what was added to ua.transport
---@field route? boolean false: the proxy is not named in a Route, where it knows itself by another name
---@field registrar? string the Request-URI of REGISTER; the AOR's domain where not given
---@field instance? string "urn:uuid:...", the same each time the program runs; made of host and AOR where not given
---@field reg_ids? integer[] the reg-id of each proxy; its place in the list where not given
---@field user? string for authentication; the AOR's where not given
---@field password? string
---@field expires? integer seconds to ask for
---@field always_outbound? boolean see sip.outbound
---@field times? reflow.OutboundTimes see sip.outbound
---@field on_request? fun(request: table) a request came: request:reply(code, options); its fields are a message's
---@field on_event? fun(event: table) news: kind, flow, proxy, ...; tostring(event) is a line about it

local agent = {}
agent.__index = agent

local T1, T2 = 500, 4000 -- ms

local function unique()
    return (uv.random(9):gsub(".", function(c) return ("%02x"):format(c:byte()) end))
end

-- The same each time (RFC 5626 section 4.1), and another for another AOR or host: a UUID of version 8 (RFC 9562).
local function instance_of(aor)
    local h = sip.digest("SHA-256", uv.os_gethostname() .. "\n" .. aor)
    return ("urn:uuid:%s-%s-8%s-a%s-%s"):format(h:sub(1, 8), h:sub(9, 12), h:sub(13, 15), h:sub(16, 18), h:sub(19, 30))
end

local event_meta = {
    __tostring = function(event)
        local whose = event.proxy and ("%s (reg-id %d): "):format(event.proxy, event.reg_id) or ""
        local words = { whose .. event.kind }
        words[#words + 1] = event.code and ("with %d"):format(event.code)
        words[#words + 1] = event.why and event.why ~= "" and ("(%s)"):format(event.why) or nil
        words[#words + 1] = event.wait and ("again in %.1f s"):format(event.wait)
        words[#words + 1] = event.registered and ("flows registered: %d"):format(event.registered)
        return table.concat(words, ", "):gsub(", %(", " (")
    end,
}

-- An error of the program is reported and does not affect the agent.
local function call(f, ...)
    local fine, why = xpcall(f, debug.traceback, ...)
    if not fine then
        io.stderr:write(why, "\n")
    end
    return fine
end

local function tell(self, event)
    if self.options.on_event then
        call(self.options.on_event, setmetatable(event, event_meta))
    end
end

-- --- REGISTER ---

local function contact_uri(self, flow)
    local host = flow.host:find(":", 1, true) and "[" .. flow.host .. "]" or flow.host
    return ("sip:%s@%s:%d;transport=%s"):format(self.user, host, flow.port, flow.target.transport)
end

local function via(flow)
    local host = flow.host:find(":", 1, true) and "[" .. flow.host .. "]" or flow.host
    return ("SIP/2.0/%s %s:%d;branch=z9hG4bK%s;rport"):format(flow.target.transport:upper(), host, flow.port, unique())
end

local function register_headers(self, flow, action)
    local contact = "<" .. contact_uri(self, flow) .. ">"
    if action.outbound then
        contact = ('%s;reg-id=%d;+sip.instance="<%s>"'):format(contact, action.reg_id, self.instance)
    end
    flow.cseq = flow.cseq + 1
    local headers = {
        { "Via", via(flow) },
        { "Max-Forwards", 70 },
        { "From", ("<%s>;tag=%s"):format(self.aor, flow.tag) },
        { "To", ("<%s>"):format(self.aor) },
        { "Call-ID", flow.call_id },
        { "CSeq", flow.cseq .. " REGISTER" },
        { "Contact", contact },
        { "Expires", action.expires },
        { "Supported", action.outbound and "path, outbound" or "path" },
        { "User-Agent", "reflow" },
    }
    if self.options.route ~= false then
        headers[#headers + 1] = { "Route", ("<%s;lr>"):format(flow.proxy) }
    end
    for header, challenge in pairs(action.with_credentials and flow.challenges or {}) do
        headers[#headers + 1] = { header, digest.credentials(challenge, self.auth_user, self.options.password,
            "REGISTER", self.registrar, "", unique()) }
    end
    return headers
end

local function forget_register(flow)
    if flow.resend then
        flow.resend:stop()
        flow.resend:close()
        flow.resend = nil
    end
    flow.request = nil
end

-- Timer E; F is the machine's to keep.
local function repeat_register(flow, text)
    local wait = T1
    flow.resend = uv.new_timer()
    local function again()
        flow.connection:send(text)
        wait = math.min(2 * wait, T2)
        flow.resend:start(wait, 0, again)
    end
    flow.resend:start(wait, 0, again)
end

local function send_register(self, flow, action)
    forget_register(flow)
    local text = message.build(("REGISTER %s SIP/2.0"):format(self.registrar), register_headers(self, flow, action))
    flow.request = { serial = action.serial, cseq = flow.cseq, expires = action.expires, outbound = action.outbound }
    if not flow.stream then
        repeat_register(flow, text)
    end
    flow.connection:send(text)
end

-- What was granted to our Contact; nil where nothing says.
local function granted(self, flow, received)
    local values = message.values(received, "Contact")
    local ours = #values == 1 and values[1] or nil
    for _, value in ipairs(values) do
        local uri, rest = message.address(value)
        local instance = message.parameter(rest, "+sip.instance")
        if instance == "<" .. self.instance .. ">" and tonumber(message.parameter(rest, "reg-id")) == flow.reg_id
            or uri == contact_uri(self, flow) then
            ours = value
        end
    end
    local text = ours and message.parameter(select(2, message.address(ours)), "expires")
    if text and text:find "^%d+$" then
        return math.min(tonumber(text), 0xffffffff) // 1 | 0
    end
    return received.expires
end

local challenge_headers = { [401] = { "WWW-Authenticate", "Authorization" },
    [407] = { "Proxy-Authenticate", "Proxy-Authorization" } }

-- Whether there is a challenge that we can answer, and whether it says that the nonce alone was wrong.
local function keep_challenge(self, flow, received)
    local headers = challenge_headers[received.code]
    local challenge = headers and self.options.password and digest.choose(received, headers[1])
    if not challenge then
        return false, false
    end
    flow.challenges[headers[2]] = challenge
    return true, challenge.stale
end

local function receive_response(self, flow, received)
    local request = flow.request
    if received.method ~= "REGISTER" or not request or received.cseq ~= request.cseq
        or received.call_id ~= flow.call_id or received.code < 200 then
        return
    end
    local has_challenge, stale = keep_challenge(self, flow, received)
    local decided = self.machine:answered(flow.number, request.serial, received, { has_challenge = has_challenge },
        received.code < 300 and request.expires > 0 and granted(self, flow, received) or nil, stale)
    if decided.action == "absorb" then
        return
    end
    forget_register(flow)
    if decided.set_service_route then
        flow.service_route = message.values(received, "Service-Route")
    elseif decided.drop_service_route then
        flow.service_route = {}
    end
end

-- --- flows ---

local function receive_stun(self, flow, bytes)
    if not flow.ping then
        return
    end
    local kind, address = stun.answer(bytes, flow.ping)
    if kind == "mapped" then
        flow.ping = nil
        self.machine:mapped(flow.number, flow.serial, address)
    elseif kind == "error" then
        flow.connection:close()
        self.machine:closed(flow.number, flow.serial)
    end
end

local function receive(self, flow, text)
    if not flow.stream and stun.is(text) then
        receive_stun(self, flow, text)
        return
    end
    local received, why, status = sip.parse(text)
    if not received then
        tell(self, { kind = "garbage", flow = flow.number, reg_id = flow.reg_id, proxy = flow.proxy, why = why,
            code = status })
    elseif received.is_request then
        self.server:receive(received, flow)
    else
        receive_response(self, flow, received)
    end
end

local function stop_ping(flow)
    flow.ping = nil
    if flow.pinging then
        flow.pinging:stop()
        flow.pinging:close()
        flow.pinging = nil
    end
end

-- STUN's own repetitions, until the machine gives the pong up.
local function ping(flow)
    stop_ping(flow)
    if flow.stream then
        flow.connection:send "\r\n\r\n"
        return
    end
    flow.ping = uv.random(12)
    local bytes, wait = stun.request(flow.ping), T1
    flow.pinging = uv.new_timer()
    local function again()
        if flow.ping then
            flow.connection:send(bytes)
            flow.pinging:start(wait, 0, again)
            wait = wait * 2
        end
    end
    again()
end

local function drop(flow)
    forget_register(flow)
    stop_ping(flow)
    if flow.connection then
        flow.connection:close()
    end
    flow.connection = nil
end

local function open(self, flow, serial)
    drop(flow)
    flow.serial = serial
    flow.challenges, flow.service_route = {}, {}
    -- Each event, then what it makes to be done.
    local function event(f)
        return function(...)
            if flow.serial == serial then
                f(...)
                self:work()
            end
        end
    end
    flow.connection = transport[flow.target.transport](flow.target, {
        opened = event(function(host, port)
            flow.host, flow.port = host, port
            self.machine:opened(flow.number, serial)
        end),
        closed = event(function()
            drop(flow)
            self.machine:closed(flow.number, serial)
        end),
        pong = event(function()
            self.machine:pong(flow.number, serial)
        end),
        message = event(function(text)
            receive(self, flow, text)
        end),
    })
end

local actions = {
    open = function(self, flow, action) open(self, flow, action.serial) end,
    close = function(_, flow) drop(flow) end,
    register = send_register,
    keepalive = function(_, flow) ping(flow) end,
}

local function finish(self)
    self.timer:stop()
    self.timer:close()
    self.timer = nil
    self.server:close()
    tell(self, { kind = "stopped" })
end

-- What is to be done now, and a timer for what comes later. A callback of the program may get here again.
function agent.work(self)
    if self.working or not self.timer then
        return
    end
    self.working = true
    local action = self.machine:next()
    while action do
        local flow = self.flows[action.flow]
        local act = actions[action.kind]
        if act then
            act(self, flow, action)
        else
            action.proxy = flow.proxy
            tell(self, action)
        end
        action = self.machine:next()
    end
    self.working = false
    local wait = self.machine:wait()
    if not wait then
        finish(self)
    else
        uv.update_time()
        self.timer:start(math.ceil(math.min(wait, 86400) * 1000), 0, function() self:work() end)
    end
end

-- Opens the flows; from now on things happen while the loop runs.
function agent.start(self)
    if self.machine then
        error("the user agent was started before", 2)
    end
    local proxies = {}
    for i, flow in ipairs(self.flows) do
        proxies[i] = { reg_id = flow.reg_id, keepalive = flow.stream and "stream" or "stun" }
    end
    self.machine = sip.outbound { proxies = proxies, expires = self.options.expires, times = self.options.times,
        always_outbound = self.options.always_outbound }
    self.timer = uv.new_timer()
    self:work()
end

-- Unregisters over every flow and closes; then comes the event "stopped", and nothing of this holds the loop any more.
function agent.stop(self)
    if self.timer then
        self.machine:stop()
        self:work()
    end
end

-- How many flows are registered; one is enough to be reachable.
function agent.registered(self)
    return self.machine and self.machine:registered() or 0
end

-- --- requests ---

-- What is answered where the program says nothing.
local function refuse(request)
    local codes = { OPTIONS = sip.OK, INVITE = sip.TEMPORARILY_UNAVAILABLE, BYE = sip.CALL_TRANSACTION_DOES_NOT_EXIST }
    request:reply(codes[request.method] or sip.NOT_IMPLEMENTED)
end

local function serve(self)
    return server.new {
        unique = unique,
        contact = function(flow) return ("<%s;ob>"):format(contact_uri(self, flow)) end,
        on_request = function(request)
            if not self.options.on_request then
                refuse(request)
            elseif not call(self.options.on_request, request) and not request.final then
                request:reply(sip.SERVER_INTERNAL_ERROR)
            end
        end,
        on_cancel = function(request)
            tell(self, { kind = "cancelled", request = request })
        end,
    }
end

local function new_flow(proxy, number, reg_id)
    local target = type(proxy) == "string" and not proxy:find "[<>%s%c]" and message.target(proxy)
    if not target then
        error(("proxy %d is no SIP URI: %s"):format(number, tostring(proxy)), 3)
    end
    target.transport = target.transport or (target.scheme == "sips" and "tls" or "udp")
    local kind = transport.kinds[target.transport]
    if not kind or not transport[target.transport] then
        error(("proxy %d: there is no transport %s"):format(number, target.transport), 3)
    end
    target.port = target.port or kind.port
    local flow = { proxy = proxy:gsub(";lr%f[;\0]", ""), target = target, number = number, reg_id = reg_id or number,
        stream = kind.stream, cseq = 0, call_id = unique(), tag = unique(), challenges = {}, service_route = {} }
    function flow.send(self, bytes)
        if self.connection then
            self.connection:send(bytes)
        end
    end
    return flow
end

---@param options reflow.ua.Options
function ua.new(options)
    local aor = options.aor
    local user, domain = tostring(aor):match "^sips?:([^@<>%s%c]+)@([^@<>;%s%c]+)$"
    if not user then
        error("aor is \"sip:user@domain\"", 2)
    elseif type(options.proxies) ~= "table" or #options.proxies == 0 then
        error("proxies is a list of URIs", 2)
    end
    local self = setmetatable({ options = options, aor = aor, user = user, flows = {},
        auth_user = options.user or user:match "^[^:]*", registrar = options.registrar or "sip:" .. domain,
        instance = options.instance or instance_of(aor) }, agent)
    for i, proxy in ipairs(options.proxies) do
        self.flows[i] = new_flow(proxy, i, options.reg_ids and options.reg_ids[i])
    end
    self.server = serve(self)
    return self
end

return ua
