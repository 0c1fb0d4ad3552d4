-- SPDX-License-Identifier: BSD-2-Clause
-- Who is around the server when a policy is tested: phones with their flows, servers elsewhere, callers. They speak SIP
-- with the real server over a network that is not there (`net`); time passes when a spec says so.
local sip = require "reflow"
local uac = require "reflow.spec_uac"

local actors = {}

local own = "192.0.2.1:5060"
local eol = "\r\n"
local transports = { udp = true, tcp = true }
local T1_MS = 500 -- RFC 3261 17.1.1.1

-- Methods, and fields that may be nil; any other name is misspelt.
local function class(name, fields)
    local functions, known = {}, {}
    for field in fields:gmatch "%S+" do known[field] = true end
    local metatable = { __name = name }
    function metatable.__index(_, key)
        local found = functions[key]
        if found == nil and not known[key] then
            error(("a %s has no '%s'"):format(name, key), 2)
        end
        return found
    end
    return functions, metatable
end

-- "198.51.100.1:5060", "[::1]:5060", "trunk.example.net" -> host, port
local function split_address(text)
    local address = type(text) == "string" and text or ""
    local host, port = address:match "^%[(.-)%]:?(%d*)$"
    if not host then host, port = address:match "^([^:]+):?(%d*)$" end
    port = tonumber(port) or 5060
    if not host or port < 1 or port > 65535 then
        error(("'%s' is no address, as \"127.0.0.1:5092\" is"):format(tostring(text)), 3)
    end
    return host, port
end

local function values(message, name)
    local list, nth = {}, 1
    while true do
        local value = message:header(name, nth)
        if not value then return list end
        list[nth], nth = value, nth + 1
    end
end

-- The header fields that make a message understood, in this order.
local shown_names = { "Accept-Resource-Priority", "Resource-Priority", "SIP-If-Match", "SIP-ETag", "Event",
    "Subscription-State", "Expires", "Min-Expires", "Session-Expires", "Min-SE", "Require", "Unsupported",
    "Flow-Timer", "Retry-After", "WWW-Authenticate", "Proxy-Authenticate", "Authorization", "Proxy-Authorization",
    "Reason" }

-- What a reader can judge of a challenge or of credentials.
local function digest_words(value, realm, wanted)
    local words = { "realm " .. realm, value:match "stale=true" }
    if wanted.algorithm then words[#words + 1] = value:match "algorithm=[%w-]+" end
    if wanted.nc then words[#words + 1] = value:match "nc=%x+" end
    return table.concat(words, ", ")
end

-- Tokens are numbered in the order in which they appear; of an instance-id, the end tells it from others.
local function shorten(value, tokens)
    value = value:gsub("(sips?:)([^@<>;%s]+)@", function(scheme, user)
        if #user <= 24 then return nil end
        if not tokens[user] then
            tokens.count = (tokens.count or 0) + 1
            tokens[user] = tokens.count
        end
        return ("%sTOKEN-%d@"):format(scheme, tokens[user])
    end)
    return (value:gsub(';(%+sip%.instance=)"<urn:uuid:[%x-]+(%x%x)>"', ' ;%1"…%2"'))
end

-- The values of a header field, of Via without parameters; or the Request-URI.
local function wanted_values(message, name, tokens)
    if name == "Request-URI" then
        return { message.is_request and message.method ~= "ACK" and message.uri or nil }
    end
    local list = values(message, name)
    for index, value in ipairs(list) do
        list[index] = name == "Via" and value:gsub(";.*", "") or shorten(value, tokens)
    end
    return list
end

-- `wanted` has the names of further fields; its members `algorithm` and `nc` add to challenges and credentials.
local function shown_fields(message, wanted, tokens)
    local fields, chosen = {}, {}
    for _, name in ipairs(shown_names) do
        for _, value in ipairs(values(message, name)) do
            local realm = value:match 'realm="(.-)"'
            fields[#fields + 1] = { name, realm and digest_words(value, realm, wanted) or value }
        end
    end
    for _, name in ipairs(wanted) do
        chosen[name] = true
        for _, value in ipairs(wanted_values(message, name, tokens)) do fields[#fields + 1] = { name, value } end
    end
    -- Where a flow token is written and read.
    for _, name in ipairs { "Path", "Route" } do
        local value = (message.method == "REGISTER" or not message.to_tag) and message:header(name)
        if value and value:find "@" and not chosen[name] then
            fields[#fields + 1] = { name, (value:gsub(":[^@]+@", ":TOKEN@")) }
        end
    end
    if not message.is_request and message.code >= 300 and message.code < 400 and not chosen.Contact then
        for _, value in ipairs(values(message, "Contact")) do fields[#fields + 1] = { "Contact", value } end
    end
    return fields
end

local function key_of(message, method)
    return ("%s|%s|%s"):format(message.call_id or "", message:header "Via" or "", method)
end

-- The world of one test.
function actors.new(net)
    local world = {
        net = net,
        calls = {},     -- by Call-ID and CSeq
        endpoints = {}, -- by "udp:host:port", "tcp#17"
        events = {},    -- what has happened, for a text or a picture
        cast = {},      -- who takes part, in the order of appearance
        logged = {},
        decisions = {},
        plan = {},      -- what is to happen at a later time
        counted = 0,
        quiet = false,  -- registrations are not part of the text
        setup = true,   -- the world is being prepared: the messages of registrations are not part of the picture
        seen = {},      -- messages, to recognize one that is sent again
        fields = {},    -- header fields that are shown beside those that always are
        tokens = {},    -- the numbers of tokens in them
    }

    local function count()
        world.counted = world.counted + 1
        return world.counted
    end

    -- --- time ---

    local function after(ms, action)
        local item = { at = net.time() + ms, order = count(), action = action }
        local place = #world.plan + 1
        while place > 1 and world.plan[place - 1].at > item.at do place = place - 1 end
        table.insert(world.plan, place, item)
    end

    -- --- what happens: lua/reflow/ladder.lua describes the events ---

    local function happened(event)
        event.at, event.quiet, event.setup = net.time(), world.quiet, world.setup
        world.events[#world.events + 1] = event
        return event
    end

    local function join_cast(name, kind, label)
        if not world.cast[name] then
            world.cast[name] = true
            world.cast[#world.cast + 1] = { name = name, kind = kind, label = label }
        end
    end
    join_cast("caller", "caller")
    join_cast("reflow", "reflow")

    local function start_line(bytes)
        local line = bytes:match "^[^\r\n]*"
        return (line:gsub("^SIP/2.0 ", ""):gsub(" SIP/2.0$", ""))
    end

    local function note_message(from, to, bytes, lost)
        local event = happened { kind = "message", from = from, to = to, line = start_line(bytes), lost = lost }
        local message = world.pictured and sip.parse(bytes)
        if not message then return end
        local key = ("%s\n%s\n%s"):format(from, to, bytes)
        event.again = world.seen[key]
        world.seen[key] = event.again or event
        event.method, event.code = message.method, message.code
        event.fields = shown_fields(message, world.fields, world.tokens)
        event.cseq = tonumber((message:header "CSeq" or ""):match "%d+")
        event.in_dialog = message.is_request and message.to_tag ~= nil
    end

    local function send(peer, bytes)
        join_cast(peer.name, peer.phone and "flow" or "caller")
        note_message(peer.name, "reflow", bytes)
        net.receive(peer.transport, peer.host, peer.port, peer.connection or 0, bytes)
    end

    -- --- who answers requests ---

    local endpoint, endpoint_metatable = class("phone or server",
        "gone flows connection steps newest phone reg_id is_server q headers expires instance cseq final responses " ..
        "aor started elapsed branches tried method reacts user password edges edge hidden notified attempts " ..
        "in_dialog cancelled body peer call_id path plain label later returning retries kept_route listens was_closed")

    local function flow_key(transport, host, port, connection)
        if transport == "tcp" and connection and connection ~= 0 then return "tcp#" .. connection end
        return ("%s:%s:%d"):format(transport, host, port)
    end

    local dialog_methods = { INVITE = true, SUBSCRIBE = true }

    local function respond(self, request, step)
        local lines = { ("SIP/2.0 %d %s"):format(step.code, step.phrase or net.phrase(step.code)) }
        for name, value in request:headers() do
            local lower = name:lower()
            if lower == "to" and step.code > 100 and not request.to_tag then
                value = ("%s;tag=%s"):format(value, self.name:gsub("%W", "-"))
            end
            if lower == "via" or lower == "from" or lower == "to" or lower == "call-id" or lower == "cseq"
                or lower == "record-route" then
                lines[#lines + 1] = name .. ": " .. value
            end
        end
        local own_contact = step.headers and step.headers.Contact
        if step.code < 300 and step.code > 100 and dialog_methods[request.method] and not own_contact then
            lines[#lines + 1] = self.listens
                and ("Contact: <sip:callee@%s:%d;transport=%s>"):format(self.contact_host, self.contact_port,
                    self.transport)
                or ("Contact: <sip:callee@%s:%d>"):format(self.host, self.port)
        end
        for name, value in pairs(step.headers or {}) do lines[#lines + 1] = name .. ": " .. value end
        local body = step.body or ""
        lines[#lines + 1] = ("Content-Length: %d%s%s"):format(#body, eol .. eol, body)
        return table.concat(lines, eol)
    end

    local function give(self, waiting, step)
        if not self.reachable or waiting.final then return end
        waiting.final = step.code >= 200
        waiting.last = respond(self, waiting.request, step)
        send(self, waiting.last)
    end

    local function go_on(self, waiting, place)
        local step = waiting.steps[place]
        if not step or waiting.final then return end
        after(step.after and math.floor(step.after * 1000 + 0.5) or 0, function()
            if waiting.final then return end
            if step.code then
                give(self, waiting, step)
            elseif step.does == "dies" then
                self:dies()
            end
            go_on(self, waiting, place + 1)
        end)
    end

    local function received_cancel(self, cancel)
        give(self, { request = cancel }, { code = 200 })
        local waiting = self.waiting[key_of(cancel, "INVITE")]
        if waiting and not waiting.final then give(self, waiting, { code = 487 }) end
    end

    local function received_request(self, request, bytes)
        local method = request.method
        if method == "ACK" then return end
        if method == "CANCEL" then return received_cancel(self, request) end
        local key = key_of(request, method)
        local known = self.waiting[key]
        if known then
            if known.last and self.reachable then send(self, known.last) end
            return
        end
        local waiting = { request = request, bytes = bytes, steps = self.steps or { { code = 200 } } }
        if self.later and self.later[1] then self.steps = table.remove(self.later, 1) end
        self.waiting[key] = waiting
        self.newest = waiting
        go_on(self, waiting, 1)
    end

    local function read_step(step)
        if type(step) == "number" then step = { step } end
        if step == "dies" or step == "is silent" then return { does = step } end
        if type(step) ~= "table" then
            error("an answer is a code, { code, after = seconds, headers = {} }, \"is silent\" or \"dies\"", 4)
        end
        local code = step[1] or step.code
        if code == "dies" or code == "is silent" then return { does = code, after = step.after } end
        if type(code) ~= "number" or math.type(code) ~= "integer" or code < 100 or code > 699 then
            error("an answer has a code from 100 to 699 first", 4)
        end
        for key in pairs(step) do
            if key ~= 1 and key ~= "code" and key ~= "after" and key ~= "headers" and key ~= "phrase"
                and key ~= "body" then
                error(("an answer has no '%s': there are after, headers, phrase, body"):format(tostring(key)), 4)
            end
        end
        return { code = code, after = step.after, headers = step.headers, phrase = step.phrase, body = step.body }
    end

    local function read_steps(...)
        local steps = {}
        for index, step in ipairs { ... } do steps[index] = read_step(step) end
        return steps
    end

    -- What each request from now on gets: one step after the other.
    function endpoint:answers(...)
        local steps = read_steps(...)
        for _, each in ipairs(self.flows or { self }) do each.steps, each.later = steps, nil end
        return self
    end

    -- What each request gets after one that gets what was said before.
    function endpoint:then_answers(...)
        local steps = read_steps(...)
        for _, each in ipairs(self.flows or { self }) do
            each.later = each.later or {}
            table.insert(each.later, steps)
        end
        return self
    end

    -- What the request that waits there gets now.
    function endpoint:answer(step)
        local read = read_step(step)
        for _, each in ipairs(self.flows or { self }) do
            local waiting = each.newest
            if waiting and not waiting.final then
                if read.code then give(each, waiting, read) else each:dies() end
                world.settle()
                return self
            end
        end
        error(("no request waits at %s"):format(self.name), 2)
    end

    -- From now on nothing arrives from there, and no error is reported.
    function endpoint:falls_silent()
        for _, each in ipairs(self.flows or { self }) do
            each.reachable = false
            if each.connection then net.deafen(each.connection) end
            happened { kind = "flow", who = each.name, state = "silent" }
        end
        return self
    end

    -- The connection closes; over UDP, and for a server elsewhere, the network says that nobody is there.
    function endpoint:dies()
        for _, each in ipairs(self.flows or { self }) do
            each.reachable, each.gone = false, true
            happened { kind = "flow", who = each.name, state = "cut" }
            if each.is_server then
                net.refuse(each.host, each.port, true)
            elseif each.transport == "tcp" then
                net.close(each.connection)
            else
                net.icmp(each.host, each.port)
            end
        end
        world.settle()
        return self
    end

    -- The connection closes, but a new one to the same address can be opened.
    function endpoint:closes()
        for _, each in ipairs(self.flows or { self }) do
            if (each.connection or 0) == 0 then error(("%s has no connection"):format(each.name), 2) end
            happened { kind = "flow", who = each.name, state = "closed" }
            net.close(each.connection)
            each.connection, each.was_closed = nil, true
        end
        world.settle()
        return self
    end

    -- An ICMP error says that a datagram did not arrive there: it quotes the request that waits there, or too little.
    function endpoint:is_unreachable(quotes)
        local each = self.flows and self.flows[1] or self
        if each.transport ~= "udp" then error(("%s is not reached over UDP"):format(each.name), 2) end
        local waiting = quotes and each.newest and each.newest.bytes or ""
        happened { kind = "flow", who = each.name, state = "icmp" }
        net.returned(each.host, each.port, waiting)
        world.settle()
        return self
    end

    -- From now on each request comes back from there with this Request-URI, as from a proxy.
    function endpoint:sends_back(uri)
        if type(uri) ~= "string" then error("sends_back takes a URI, as \"sip:bob@example.com\" is", 2) end
        self.returning = uri
        return self
    end

    -- The response that the request waiting at `other` gets, sent from here.
    function endpoint:forges(other, step)
        local waiting = (other.flows and other.flows[1] or other).newest
        if not waiting then error(("no request waits at %s"):format(other.name), 2) end
        send(self, respond(self, waiting.request, read_step(step)))
        world.settle()
        return self
    end

    function endpoint:comes_back()
        for _, each in ipairs(self.flows or { self }) do
            each.reachable, each.gone = true, false
            if each.is_server then net.refuse(each.host, each.port, false) else each:registers() end
        end
        return self
    end

    -- --- phones ---

    -- The lines that say over which way the registrar reaches the flow: that of an edge proxy has its Path.
    local function way_lines(self)
        local branch = count()
        local via = "Via: SIP/2.0/%s %s:%d;branch=z9hG4bK-%s%d;rport"
        if not self.edge then return { via:format(self.transport:upper(), self.host, self.port, "r", branch) } end
        return { via:format(self.transport:upper(), self.host, self.port, "e", branch),
            via:format("TCP", self.contact_host, self.contact_port, "r", branch),
            ("Path: <sip:%s:%d;%s>"):format(self.host, self.port, self.phone.path or "lr;ob") }
    end

    local function register_message(self)
        local phone = self.phone
        local user = phone.aor:match "^sips?:([^@]+)@"
        local contact = ("<sip:%s@%s:%d%s>"):format(user, self.contact_host, self.contact_port,
            (self.edge or self.transport == "tcp") and ";transport=tcp" or "")
        if phone.instance then contact = contact .. (';+sip.instance="<urn:uuid:%s>"'):format(phone.instance) end
        if self.reg_id and not self.plain then contact = contact .. ";reg-id=" .. self.reg_id end
        if phone.q then contact = contact .. ";q=" .. phone.q end
        self.cseq = (self.cseq or 0) + 1
        local lines = { ("REGISTER %s SIP/2.0"):format(self.uri), table.unpack(way_lines(self)) }
        for _, line in ipairs {
            "Max-Forwards: 70",
            ("From: <%s>;tag=r%d"):format(phone.aor, self.cseq),
            ("To: <%s>"):format(phone.aor),
            ("Call-ID: register-%s"):format((self.name:gsub("[^%w]", "-"))),
            ("CSeq: %d REGISTER"):format(self.cseq),
            "Contact: " .. contact,
            "Supported: " .. (self.plain and "path" or "outbound, path"),
        } do lines[#lines + 1] = line end
        uac.header_lines(self, lines)
        lines[#lines + 1] = "Content-Length: 0" .. eol .. eol
        return table.concat(lines, eol)
    end

    local function send_register(self)
        local quiet, setup = world.quiet, world.setup
        world.quiet, world.setup = true, self.hidden
        self.final = nil
        local bytes = register_message(self)
        local cseq = self.cseq
        world.calls[("register-%s %d REGISTER"):format((self.name:gsub("[^%w]", "-")), cseq)] = self
        send(self, bytes)
        world.settle()
        local last = self.responses[#self.responses]
        world.setup = setup
        if cseq == self.cseq then -- it was not sent again meanwhile
            happened { kind = "flow", who = self.name, state = last and last.code < 300 and "opened" or "refused",
                code = last and last.code, plain = self.plain }
        end
        world.quiet = quiet
    end

    -- The request of a new registration: what a retry changes begins afresh.
    local function begin_registration(self, hidden)
        local phone = self.phone
        self.responses, self.attempts, self.headers, self.called = {}, {}, {}, {}
        self.hidden, self.plain = hidden, nil
        for name, value in pairs(phone.headers or {}) do self.headers[name] = value end
        if phone.expires then self.headers.Expires = phone.expires end
    end

    local function register(self, hidden)
        for _, each in ipairs(self.flows or { self }) do
            if not each.phone then error(("%s is no phone"):format(each.name), 3) end
            world.open()
            join_cast(each.name, each.kind, each.label)
            if each.transport == "tcp" then
                if each.connection then net.close(each.connection) end
                each.connection = net.connect(each.host, each.port)
            end
            each.reachable, each.gone = true, false
            world.endpoints[flow_key(each.transport, each.host, each.port, each.connection)] = each
            if each.listens then
                world.endpoints[flow_key(each.transport, each.contact_host, each.contact_port)] = each
            end
            begin_registration(each, hidden)
            send_register(each)
        end
        return self
    end

    function endpoint:registers()
        return register(self, false)
    end

    -- A REGISTER over the flow that there is.
    function endpoint:refreshes()
        for _, each in ipairs(self.flows or { self }) do
            each.responses, each.attempts = {}, {}
            send_register(each)
        end
        return self
    end

    function endpoint:flow(reg_id)
        for _, flow in ipairs(self.flows or {}) do
            if flow.reg_id == reg_id then return flow end
        end
        error(("%s has no flow %s"):format(self.name, tostring(reg_id)), 2)
    end

    local phone_options = { aor = true, name = true, flows = true, transport = true, instance = true, q = true,
        headers = true, expires = true, unregistered = true, edges = true, path = true, reacts = true,
        user = true, password = true, contact = true }

    local function check_options(options, known, what)
        if type(options) ~= "table" then
            error(("a %s takes a table of options, and not a %s"):format(what, type(options)), 4)
        end
        for key in pairs(options) do
            if not known[key] then error(("a %s has no option '%s'"):format(what, tostring(key)), 4) end
        end
    end

    local function check_transport(transport)
        if transport ~= nil and not transports[transport] then
            error(("transport is udp or tcp, and not '%s'"):format(tostring(transport)), 4)
        end
    end

    -- phone { aor = "sip:bob@example.com", flows = 2, transport = "tcp" }
    function world.phone(options)
        if type(options) == "string" then options = { aor = options } end
        check_options(options, phone_options, "phone")
        if type(options.aor) ~= "string" or not options.aor:find "^sips?:[^@]+@.+$" then
            error("a phone has an aor, as \"sip:bob@example.com\" is", 3)
        end
        local edges = options.edges
        local wanted = edges and #edges or options.flows or 1
        if math.type(wanted) ~= "integer" or wanted < 0 or wanted > 1000 then
            error("flows is a whole number from 0 to 1000", 3)
        end
        check_transport(options.transport)
        local user, domain = options.aor:match ":(.-)@(.+)$"
        local contact_host, contact_port
        if options.contact then contact_host, contact_port = split_address(options.contact) end
        local name = options.name or user
        local self = setmetatable({ name = name, aor = options.aor, q = options.q, headers = options.headers,
            expires = options.expires, path = options.path, flows = {} }, endpoint_metatable)
        if wanted ~= 0 then self.instance = options.instance or ("00000000-0000-1000-8000-%012d"):format(count()) end
        for index = 1, math.max(wanted, 1) do
            local flow = {
                name = edges and edges[index] or wanted == 0 and name or ("%s/%d"):format(name, index),
                phone = self,
                kind = edges and "edge" or wanted == 0 and "phone" or "flow",
                listens = options.contact ~= nil,
                label = wanted == 1 and not edges and name or nil,
                edge = edges and edges[index],
                reg_id = wanted ~= 0 and index or nil,
                transport = options.transport or ((wanted == 0 or edges) and "udp" or "tcp"),
                contact_host = contact_host or "198.51.100.1",
                contact_port = contact_port or 20000 + count(),
                method = "REGISTER",
                uri = "sip:" .. domain,
                reacts = options.reacts,
                user = options.user or user,
                password = options.password,
                waiting = {},
                responses = {},
                reachable = true,
            }
            flow.host = edges and "192.0.2." .. 100 + count() % 100 or "198.51.100.1"
            flow.port = edges and 5060 or contact_port and 20000 + count() or flow.contact_port
            self.flows[index] = setmetatable(flow, endpoint_metatable)
        end
        if not options.unregistered then register(self, true) end
        return self
    end

    -- --- servers elsewhere: trunks, voicemail ---

    -- server "127.0.0.1:5092", server("trunk.example.net", { name = "trunk" })
    function world.server(address, options)
        options = options or {}
        check_options(options, { name = true, transport = true }, "server")
        check_transport(options.transport)
        local host, port = split_address(address)
        local numeric = host:find "^[%d.]+$" or host:find ":"
        local self = setmetatable({ name = options.name or address, is_server = true,
            transport = options.transport or "udp", host = numeric and host or "203.0.113." .. 100 + count() % 100,
            port = port, waiting = {}, reachable = true }, endpoint_metatable)
        if not numeric then net.name(host, self.host, port) end
        world.endpoints[flow_key("udp", self.host, port)] = self
        world.endpoints[flow_key("tcp", self.host, port)] = self
        join_cast(self.name, "server")
        return self
    end

    -- --- callers ---

    local call, call_metatable = class("call",
        "final elapsed to_tag contact routes branches phone flows body in_dialog reacts user password cancelled " ..
        "edge own_contact retries kept_route")
    local caller = { name = "caller", transport = "udp", host = "203.0.113.1", port = 5060 }
    local request_options = { to = true, from = true, headers = true, body = true, source = true, over = true,
        call_id = true, reacts = true, user = true, password = true, uri = true, contact = true, retries = true }

    local function request_lines(self, method, uri, branch)
        return {
            ("%s %s SIP/2.0"):format(method, uri),
            ("Via: SIP/2.0/%s %s:%d;branch=%s;rport"):format(self.peer.transport:upper(), self.peer.host,
                self.peer.port, branch),
            "Max-Forwards: 70",
            ("From: <%s>;tag=caller"):format(self.from),
            ("To: <%s>%s"):format(self.to, self.to_tag and ";tag=" .. self.to_tag or ""),
            "Call-ID: " .. self.call_id,
            ("CSeq: %d %s"):format(self.cseq, method),
        }
    end

    local function add_routes(self, lines)
        for _, route in ipairs(self.routes or {}) do lines[#lines + 1] = "Route: " .. route end
    end

    local time_out

    -- Timers B and F (RFC 3261 17.1): what a user agent decides if it has heard nothing.
    local function watch_time(self)
        local branch = self.branch
        after(64 * T1_MS, function()
            local heard = self.final or self.method == "INVITE" and #self.responses > 0
            if not heard and self.branch == branch then time_out(self) end
        end)
    end

    -- Sends the request of this call, for the first time or changed.
    local function send_call(self)
        world.calls[("%s %d %s"):format(self.call_id, self.cseq, self.method)] = self
        self.called[self.uri] = true
        local lines = request_lines(self, self.method, self.uri, self.branch)
        if self.in_dialog then add_routes(self, lines) end
        if self.method == "INVITE" or self.method == "SUBSCRIBE" then
            lines[#lines + 1] = "Contact: " .. (self.own_contact
                or ("<sip:alice@%s:%d>"):format(self.peer.host, self.peer.port))
        end
        uac.header_lines(self, lines)
        local body = self.body or ""
        lines[#lines + 1] = ("Content-Length: %d%s%s"):format(#body, eol .. eol, body)
        if self.reacts then watch_time(self) end
        send(self.peer, table.concat(lines, eol))
        world.settle()
    end

    local function new_call(method, options)
        local source
        check_options(options, request_options, "request")
        if options.over then
            source = options.over.flows and options.over.flows[1] or options.over
        elseif options.source then
            local host, port = split_address(options.source)
            source = { name = "caller", transport = "udp", host = host, port = port }
        end
        if type(options.to) ~= "string" or not options.to:find "^%a+:" then
            error("a request goes to a URI, as \"sip:bob@example.com\" is", 4)
        end
        local from = options.from or "sip:alice@example.net"
        local headers = {}
        for name, value in pairs(options.headers or {}) do headers[name] = value end
        return setmetatable({ method = method, to = options.to, uri = options.uri or options.to, from = from,
            own_contact = options.contact, retries = options.retries,
            peer = source or caller, call_id = options.call_id or "call-" .. count(), cseq = 1, responses = {},
            tried = {}, started = net.time(), branch = "z9hG4bK-c" .. count(), headers = headers, body = options.body,
            attempts = {}, called = {}, reacts = options.reacts, password = options.password,
            user = options.user or from:match ":(.-)@" }, call_metatable)
    end

    function world.request(method, options, more)
        if type(options) == "string" then
            local to = options
            options = { to = to }
            for key, value in pairs(more or {}) do options[key] = value end
        end
        local self = new_call(method, options)
        world.open()
        if self.peer.is_server and self.peer.transport == "tcp" and not self.peer.connection then
            self.peer.connection = net.connect(self.peer.host, 30000 + count())
        end
        world.newest_call = self
        send_call(self)
        return self
    end

    -- The caller gives up.
    function call:cancel()
        self.cancelled = true
        local lines = request_lines(self, "CANCEL", self.uri, self.branch)
        lines[#lines + 1] = "Content-Length: 0" .. eol .. eol
        send(self.peer, table.concat(lines, eol))
        world.settle()
        return self
    end

    -- A request inside the dialog that a 2xx made.
    function call:inside(method, headers)
        if not self.to_tag or not self.contact then error("there is no dialog: no 2xx has come", 2) end
        local inside = setmetatable({ method = method, to = self.to, uri = self.contact, from = self.from,
            to_tag = self.to_tag, contact = self.contact, routes = self.routes, in_dialog = true,
            peer = self.peer, call_id = self.call_id, cseq = self.cseq + 1, responses = {}, tried = {},
            started = net.time(), branch = "z9hG4bK-c" .. count(), headers = headers or {}, attempts = {}, called = {},
            reacts = self.reacts, user = self.user, password = self.password, own_contact = self.own_contact,
            retries = self.retries }, call_metatable)
        self.cseq = self.cseq + 1
        send_call(inside)
        return inside
    end

    function call:bye()
        return self:inside "BYE"
    end

    -- A 2xx to INVITE or SUBSCRIBE makes a dialog.
    local function keep_dialog(self, response)
        if response.code >= 300 or self.in_dialog then return end
        self.to_tag = response.to_tag
        self.contact = (response:header "Contact" or self.to):match "<(.-)>" or self.to
        self.routes = {}
        for _, route in ipairs(values(response, "Record-Route")) do table.insert(self.routes, 1, route) end
    end

    local function acknowledge(self, response)
        local success = response.code < 300
        local uri, branch = self.uri, self.branch
        if success then uri, branch = self.contact, "z9hG4bK-c" .. count() end
        local known_tag = self.to_tag
        self.to_tag = response.to_tag
        local lines = request_lines(self, "ACK", uri, branch)
        self.to_tag = known_tag
        if success or self.in_dialog then add_routes(self, lines) end
        lines[#lines + 1] = "Content-Length: 0" .. eol .. eol
        send(self.peer, table.concat(lines, eol))
    end

    -- --- what a user agent does with a final response, where the spec lets it react ---

    local function send_again(self)
        self.cseq, self.final = self.cseq + 1, nil
        self.branch = "z9hG4bK-c" .. count()
        send_call(self)
    end

    -- The middle of the range from which the core lets a user agent draw its wait.
    local function wait_of(decision)
        return math.floor((decision.wait_min + decision.wait_max) * 500 + 0.5)
    end

    local function carry_out(self, response, decision)
        if decision.action == "retry" or decision.action == "reregister" then
            uac.change(self, response, decision)
            after(wait_of(decision), function()
                if self.phone then send_register(self) else send_again(self) end
            end)
        elseif decision.action == "recurse" then
            self.uri = uac.next_contact(self, response) or self.uri
            if not self.called[self.uri] then send_again(self) end
        elseif decision.bye then
            self:bye()
        end
    end

    local function note_decision(self, decision, origin, call_id)
        decision.kind, decision.by = "decision", self.peer and self.peer.name or self.name
        decision.role, decision.origin, decision.call_id = "uac", origin, call_id
        decision.says = net.rule(decision.rule)
        world.decisions[#world.decisions + 1] = decision
        return happened(decision)
    end

    -- A user agent has one Service-Route, which the newest 2xx to REGISTER names (RFC 3608).
    local function keep_service_route(self, decision)
        decision.forgets_route = decision.drop_service_route and self.kept_route
        if decision.set_service_route then self.kept_route = true end
        if decision.drop_service_route then self.kept_route = nil end
    end

    local function decide(self, response)
        local decision = uac.decide(self, response)
        keep_service_route(self, decision)
        return note_decision(self, decision, "wire", response.call_id)
    end

    function time_out(self)
        note_decision(self, uac.decide_timeout(self), "timeout", self.call_id)
    end

    local function received_response(response)
        local owner = world.calls[("%s %s"):format(response.call_id, (response:header "CSeq" or ""):gsub("%s+", " "))]
        if not owner then return end
        local code = response.code
        owner.responses[#owner.responses + 1] = response
        if code < 200 then return end
        local first = not owner.final
        if first then
            owner.final = response
            owner.elapsed = (net.time() - (owner.started or 0)) / 1000
        end
        local decision = first and owner.reacts and decide(owner, response)
        if decision and decision.action == "absorb" then -- it waits on
            owner.final, owner.elapsed = nil, nil
            return
        end
        if dialog_methods[owner.method] then keep_dialog(owner, response) end
        if owner.method == "INVITE" then acknowledge(owner, response) end
        if decision then carry_out(owner, response, decision) end
    end

    -- A NOTIFY inside the subscription of the SUBSCRIBE that came there last.
    function endpoint:notifies(headers)
        for _, each in ipairs(self.flows or { self }) do
            local request = each.newest and each.newest.request
            if request and request.method == "SUBSCRIBE" then
                world.endpoints[flow_key(caller.transport, caller.host, caller.port)] = setmetatable({ name = "caller",
                    transport = caller.transport, host = caller.host, port = caller.port, waiting = {},
                    reachable = true }, endpoint_metatable)
                each.notified = (each.notified or 0) + 1
                local lines = {
                    ("NOTIFY %s SIP/2.0"):format((request:header "Contact"):match "<(.-)>"),
                    ("Via: SIP/2.0/%s %s:%d;branch=z9hG4bK-n%d;rport"):format(each.transport:upper(), each.host,
                        each.port, count()),
                    "Max-Forwards: 70",
                    ("From: %s;tag=%s"):format(request:header "To", (each.name:gsub("%W", "-"))),
                    "To: " .. request:header "From",
                    "Call-ID: " .. request.call_id,
                    ("CSeq: %d NOTIFY"):format(each.notified),
                    ("Contact: <sip:callee@%s:%d>"):format(each.host, each.port),
                    "Event: " .. (request:header "Event" or "presence"),
                }
                for _, route in ipairs(values(request, "Record-Route")) do lines[#lines + 1] = "Route: " .. route end
                uac.header_lines({ headers = headers or { ["Subscription-State"] = "active" } }, lines)
                lines[#lines + 1] = "Content-Length: 0" .. eol .. eol
                send(each, table.concat(lines, eol))
                world.settle()
                return self
            end
        end
        error(("no SUBSCRIBE has come to %s"):format(self.name), 2)
    end

    -- --- what the server sends ---

    local function find_endpoint(event)
        return world.endpoints[flow_key(event.transport, event.host, event.port, event.connection)]
            or world.endpoints[flow_key(event.transport, event.host, event.port)]
    end

    local function tried(message, name)
        local owner = world.calls[("%s %s"):format(message.call_id, (message:header "CSeq" or ""):gsub("%s+", " "))]
        if not owner or owner.phone or message.method == "ACK" or message.method == "CANCEL" then return end
        local branch = message:header "Via"
        owner.branches = owner.branches or {}
        if owner.branches[branch] then return end
        owner.branches[branch] = true
        owner.tried[#owner.tried + 1] = name
    end

    -- After closes(), the first message over a new connection.
    local function note_connection(to, event)
        if not (to and to.was_closed and event.transport == "tcp") then return end
        to.was_closed, to.connection = nil, event.connection
        happened { kind = "flow", who = to.name, state = "connected" }
    end

    local function send_back(self, text, request)
        if request.method == "ACK" then return end
        local lines = { ("%s %s SIP/2.0"):format(request.method, self.returning),
            ("Via: SIP/2.0/UDP %s:%d;branch=z9hG4bK-b%d"):format(self.host, self.port, count()) }
        local rest = text:gsub("^[^\r\n]*\r\n", "", 1):gsub("Max%-Forwards: (%d+)", function(hops)
            return "Max-Forwards: " .. hops - 1
        end)
        send(self, table.concat(lines, eol) .. eol .. rest)
    end

    -- A response to what was sent back: its Via is removed, and a failure is acknowledged.
    local function pass_back(self, text, response)
        if response.code == 100 then return end
        if response.code >= 300 and response.method == "INVITE" then
            local lines = { ("ACK %s SIP/2.0"):format(self.returning), "Via: " .. response:header "Via",
                "Max-Forwards: 70" }
            for _, name in ipairs { "From", "To", "Call-ID" } do
                lines[#lines + 1] = name .. ": " .. response:header(name)
            end
            lines[#lines + 1] = ("CSeq: %d ACK"):format(response.cseq)
            lines[#lines + 1] = "Content-Length: 0" .. eol .. eol
            send(self, table.concat(lines, eol))
        end
        send(self, (text:gsub("\r\nVia: [^\r\n]*", "", 1)))
    end

    local function sent(event)
        local message = sip.parse(event.text)
        if not message then return end
        local to = find_endpoint(event)
        local name = to and to.name or message.is_request and ("%s:%d"):format(event.host, event.port) or "caller"
        local lost = message.is_request and not (to and to.reachable)
        note_connection(to, event)
        if message.is_request then join_cast(name, "server") end
        note_message("reflow", name, event.text, lost)
        if not message.is_request then
            if to and to.returning then pass_back(to, event.text, message) else received_response(message) end
            return
        end
        tried(message, name)
        if to and to.gone and event.transport == "udp" then
            net.icmp(to.host, to.port)
        elseif to then
            if to.is_server or to.listens then to.transport, to.connection = event.transport, event.connection end
            if to.returning then send_back(to, event.text, message)
            else received_request(to, message, event.text) end
        end
    end

    local function decided(event)
        world.decisions[#world.decisions + 1] = event
        event.kind, event.by = "decision", "reflow"
        happened(event)
    end

    local function logged(event)
        world.logged[#world.logged + 1] = event
        event.kind = "log"
        happened(event)
    end

    local handlers = { sent = sent, decided = decided, logged = logged }

    local function settle_once()
        local event = net.take()
        local due = world.plan[1]
        if event then
            handlers[event.kind](event)
        elseif due and due.at <= net.time() then
            table.remove(world.plan, 1)
            due.action()
        elseif net.unwanted() then
            net.close(net.unwanted())
        elseif net.next() == 0 then
            net.pass(0)
        else
            return false
        end
        return true
    end

    -- Everything that happens without time passing.
    function world.settle()
        while settle_once() do end -- luacheck: ignore 542
    end

    function world.advance(seconds)
        if type(seconds) ~= "number" or not (seconds >= 0 and seconds <= 1e7) then
            error("advance takes seconds, up to ten million", 2)
        end
        world.open()
        local stop = net.time() + math.floor(seconds * 1000 + 0.5)
        world.settle()
        while net.time() < stop do
            local step = stop - net.time()
            local next = net.next()
            if next and next < step then step = next end
            local due = world.plan[1]
            if due and due.at - net.time() < step then step = due.at - net.time() end
            net.pass(step)
            world.settle()
        end
    end

    -- The server ends and starts again: it knows its keys, but no connection and no binding.
    function world.restart(policy)
        local closed, seen = {}, {}
        for _, each in pairs(world.endpoints) do
            if (each.connection or 0) ~= 0 and not seen[each] then closed[#closed + 1], seen[each] = each, true end
        end
        table.sort(closed, function(a, b) return a.name < b.name end)
        happened { kind = "flow", who = "reflow", state = "restarted" }
        for _, each in ipairs(closed) do
            each.reachable, each.connection = false, nil
            happened { kind = "flow", who = each.name, state = "cut" }
        end
        net.restart(policy)
        world.settle()
    end

    world.own = own
    return world
end

-- --- the text of what happened, for a test that fails ---

local as_text = {}

function as_text.message(event)
    if event.to == "reflow" then return ("%-14s -> reflow         %s"):format(event.from, event.line) end
    return ("reflow         -> %-14s %s%s"):format(event.to, event.line, event.lost and "  (nobody answers)" or "")
end

function as_text.decision(event)
    local by = event.by ~= "reflow" and event.by .. " decides: " or ""
    return ("               %s%d%s: %s by %s%s%s"):format(by, event.code,
        event.origin ~= "wire" and " (" .. event.origin .. ")" or "", event.action, event.rule,
        event.verdict and "; the policy: " .. event.verdict or "",
        event.refused and "; the policy's verdict is refused by " .. event.refused or "")
end

function as_text.log(event)
    return ("               log: %s"):format(event.text)
end

function as_text.flow(event)
    return event.state == "cut" and ("%-14s  x  is gone"):format(event.who)
end

function actors.text(world)
    local lines = {}
    for _, event in ipairs(world.events) do
        local text = not event.quiet and as_text[event.kind](event)
        if text then lines[#lines + 1] = ("%9.3f  %s"):format(event.at / 1000, text) end
    end
    return table.concat(lines, "\n")
end

-- What lua/reflow/ladder.lua draws.
function actors.record(world, title)
    return { title = title, participants = world.cast, events = world.events }
end

return actors
