-- SPDX-License-Identifier: BSD-2-Clause
-- Who is around the server when a policy is tested: phones with their flows, servers elsewhere, callers. They speak SIP
-- with the real server over a network that is not there (`net`); time passes when a spec says so.
local sip = require "reflow"

local actors = {}

local own = "192.0.2.1:5060"
local eol = "\r\n"

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
    local host, port = text:match "^%[(.-)%]:?(%d*)$"
    if not host then host, port = text:match "^([^:]+):?(%d*)$" end
    if not host then error(("'%s' is no address, as \"127.0.0.1:5092\" is"):format(text), 3) end
    return host, tonumber(port) or 5060
end

local function values(message, name)
    local list, nth = {}, 1
    while true do
        local value = message:header(name, nth)
        if not value then return list end
        list[nth], nth = value, nth + 1
    end
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
        ladder = {},    -- what to show of a test that fails
        logged = {},
        decisions = {},
        plan = {},      -- what is to happen at a later time
        counted = 0,
        quiet = false,  -- registrations are not part of the story
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

    local function note(text)
        if not world.quiet then
            world.ladder[#world.ladder + 1] = ("%9.3f  %s"):format(net.time() / 1000, text)
        end
    end

    local function start_line(bytes)
        local line = bytes:match "^[^\r\n]*"
        return (line:gsub("^SIP/2.0 ", ""):gsub(" SIP/2.0$", ""))
    end

    local function send(peer, bytes)
        note(("%-14s -> reflow         %s"):format(peer.name, start_line(bytes)))
        net.receive(peer.transport, peer.host, peer.port, peer.connection or 0, bytes)
    end

    -- --- who answers requests ---

    local endpoint, endpoint_metatable = class("phone or server",
        "gone flows connection steps newest phone reg_id is_server q headers expires instance cseq final responses " ..
        "aor started elapsed branches tried method")

    local function flow_key(transport, host, port, connection)
        if transport == "tcp" and connection and connection ~= 0 then return "tcp#" .. connection end
        return ("%s:%s:%d"):format(transport, host, port)
    end

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
        if step.code < 300 and step.code > 100 and request.method == "INVITE" then
            lines[#lines + 1] = "Contact: <sip:callee@" .. self.host .. ":" .. self.port .. ">"
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

    local function received_request(self, request)
        local method = request.method
        if method == "ACK" then return end
        if method == "CANCEL" then return received_cancel(self, request) end
        local key = key_of(request, method)
        local known = self.waiting[key]
        if known then
            if known.last and self.reachable then send(self, known.last) end
            return
        end
        local waiting = { request = request, steps = self.steps or { { code = 200 } } }
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

    -- What each request from now on gets: one step after the other.
    function endpoint:answers(...)
        local steps = {}
        for index, step in ipairs { ... } do steps[index] = read_step(step) end
        for _, each in ipairs(self.flows or { self }) do each.steps = steps end
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
        for _, each in ipairs(self.flows or { self }) do each.reachable = false end
        return self
    end

    -- The connection closes; over UDP, and for a server elsewhere, the network says that nobody is there.
    function endpoint:dies()
        for _, each in ipairs(self.flows or { self }) do
            each.reachable, each.gone = false, true
            note(("%-14s  x  is gone"):format(each.name))
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

    function endpoint:comes_back()
        for _, each in ipairs(self.flows or { self }) do
            each.reachable, each.gone = true, false
            if each.is_server then net.refuse(each.host, each.port, false) else each:registers() end
        end
        return self
    end

    -- --- phones ---

    local function register_message(self)
        local phone = self.phone
        local user, domain = phone.aor:match "^sips?:([^@]+)@(.+)$"
        local contact = ("<sip:%s@%s:%d%s>"):format(user, self.host, self.port,
            self.transport == "tcp" and ";transport=tcp" or "")
        if phone.instance then contact = contact .. (';+sip.instance="<urn:uuid:%s>"'):format(phone.instance) end
        if self.reg_id then contact = contact .. ";reg-id=" .. self.reg_id end
        if phone.q then contact = contact .. ";q=" .. phone.q end
        self.cseq = (self.cseq or 0) + 1
        local lines = {
            ("REGISTER sip:%s SIP/2.0"):format(domain),
            ("Via: SIP/2.0/%s %s:%d;branch=z9hG4bK-r%d;rport"):format(self.transport:upper(), self.host, self.port,
                count()),
            "Max-Forwards: 70",
            ("From: <%s>;tag=r%d"):format(phone.aor, self.cseq),
            ("To: <%s>"):format(phone.aor),
            ("Call-ID: register-%s"):format((self.name:gsub("[^%w]", "-"))),
            ("CSeq: %d REGISTER"):format(self.cseq),
            "Contact: " .. contact,
            "Supported: outbound, path",
        }
        for name, value in pairs(phone.headers or {}) do lines[#lines + 1] = name .. ": " .. value end
        if phone.expires then lines[#lines + 1] = "Expires: " .. phone.expires end
        lines[#lines + 1] = "Content-Length: 0" .. eol .. eol
        return table.concat(lines, eol)
    end

    function endpoint:registers()
        for _, each in ipairs(self.flows or { self }) do
            if not each.phone then error(("%s is no phone"):format(each.name), 2) end
            world.open()
            if each.transport == "tcp" then
                if each.connection then net.close(each.connection) end
                each.connection = net.connect(each.host, each.port)
            end
            each.reachable, each.gone = true, false
            world.endpoints[flow_key(each.transport, each.host, each.port, each.connection)] = each
            local quiet = world.quiet
            world.quiet = true
            local bytes = register_message(each)
            world.calls[("register-%s %d REGISTER"):format((each.name:gsub("[^%w]", "-")), each.cseq)] = each
            each.responses = {}
            send(each, bytes)
            world.settle()
            world.quiet = quiet
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
        headers = true, expires = true, unregistered = true }

    local function check_options(options, known, what)
        for key in pairs(options) do
            if not known[key] then error(("a %s has no option '%s'"):format(what, tostring(key)), 4) end
        end
    end

    -- phone { aor = "sip:bob@example.com", flows = 2, transport = "tcp" }
    function world.phone(options)
        if type(options) == "string" then options = { aor = options } end
        check_options(options, phone_options, "phone")
        if type(options.aor) ~= "string" or not options.aor:find "^sips?:[^@]+@.+$" then
            error("a phone has an aor, as \"sip:bob@example.com\" is", 3)
        end
        local wanted = options.flows or 1
        local name = options.name or options.aor:match ":(.-)@"
        local self = setmetatable({ name = name, aor = options.aor, q = options.q, headers = options.headers,
            expires = options.expires, flows = {} }, endpoint_metatable)
        if wanted ~= 0 then self.instance = options.instance or ("00000000-0000-1000-8000-%012d"):format(count()) end
        for index = 1, math.max(wanted, 1) do
            self.flows[index] = setmetatable({
                name = wanted == 0 and name or ("%s/%d"):format(name, index),
                phone = self,
                reg_id = wanted ~= 0 and index or nil,
                transport = options.transport or (wanted == 0 and "udp" or "tcp"),
                host = "198.51.100.1",
                port = 20000 + count(),
                waiting = {},
                responses = {},
                reachable = true,
            }, endpoint_metatable)
        end
        if not options.unregistered then self:registers() end
        return self
    end

    -- --- servers elsewhere: trunks, voicemail ---

    -- server "127.0.0.1:5092", server("trunk.example.net", { name = "trunk" })
    function world.server(address, options)
        options = options or {}
        check_options(options, { name = true, transport = true }, "server")
        local host, port = split_address(address)
        local numeric = host:find "^[%d.]+$" or host:find ":"
        local self = setmetatable({ name = options.name or address, is_server = true,
            transport = options.transport or "udp", host = numeric and host or "203.0.113." .. 100 + count() % 100,
            port = port, waiting = {}, reachable = true }, endpoint_metatable)
        if not numeric then net.name(host, self.host, port) end
        world.endpoints[flow_key("udp", self.host, port)] = self
        world.endpoints[flow_key("tcp", self.host, port)] = self
        return self
    end

    -- --- callers ---

    local call, call_metatable = class("call",
        "final elapsed to_tag contact routes branches phone flows bytes")
    local caller = { name = "caller", transport = "udp", host = "203.0.113.1", port = 5060 }
    local request_options = { to = true, from = true, headers = true, body = true, source = true, over = true,
        call_id = true }

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

    local function send_request(self, lines, body)
        body = body or ""
        lines[#lines + 1] = ("Content-Length: %d%s%s"):format(#body, eol .. eol, body)
        self.bytes = table.concat(lines, eol)
        send(self.peer, self.bytes)
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
        return setmetatable({ method = method, to = options.to, from = options.from or "sip:alice@example.net",
            peer = source or caller, call_id = options.call_id or "call-" .. count(), cseq = 1, responses = {},
            tried = {}, started = net.time(), branch = "z9hG4bK-c" .. count() }, call_metatable)
    end

    function world.request(method, options, more)
        if type(options) == "string" then
            local to = options
            options = { to = to }
            for key, value in pairs(more or {}) do options[key] = value end
        end
        local self = new_call(method, options)
        world.open()
        world.calls[("%s %d %s"):format(self.call_id, self.cseq, method)] = self
        world.newest_call = self
        local lines = request_lines(self, method, self.to, self.branch)
        if method == "INVITE" or method == "SUBSCRIBE" then
            lines[#lines + 1] = ("Contact: <sip:alice@%s:%d>"):format(self.peer.host, self.peer.port)
        end
        for name, value in pairs(options.headers or {}) do lines[#lines + 1] = name .. ": " .. value end
        send_request(self, lines, options.body)
        world.settle()
        return self
    end

    -- The caller gives up.
    function call:cancel()
        local lines = request_lines(self, "CANCEL", self.to, self.branch)
        send_request({ peer = self.peer }, lines)
        world.settle()
        return self
    end

    -- A request inside the dialog that a 2xx made.
    function call:inside(method)
        if not self.to_tag or not self.contact then error("there is no dialog: no 2xx has come", 2) end
        local inside = setmetatable({ method = method, to = self.to, from = self.from, to_tag = self.to_tag,
            peer = self.peer, call_id = self.call_id, cseq = self.cseq + 1, responses = {}, tried = {},
            started = net.time(), branch = "z9hG4bK-c" .. count() }, call_metatable)
        self.cseq = self.cseq + 1
        world.calls[("%s %d %s"):format(inside.call_id, inside.cseq, method)] = inside
        local lines = request_lines(inside, method, self.contact, inside.branch)
        for _, route in ipairs(self.routes) do lines[#lines + 1] = "Route: " .. route end
        send_request(inside, lines)
        world.settle()
        return inside
    end

    function call:bye()
        return self:inside "BYE"
    end

    local function acknowledge(self, response)
        local success = response.code < 300
        local uri, branch = self.to, self.branch
        self.to_tag = response.to_tag
        if success then
            self.contact = (response:header "Contact" or self.to):match "<(.-)>" or self.to
            self.routes = {}
            for _, route in ipairs(values(response, "Record-Route")) do table.insert(self.routes, 1, route) end
            uri, branch = self.contact, "z9hG4bK-c" .. count()
        end
        local lines = request_lines(self, "ACK", uri, branch)
        if success then
            for _, route in ipairs(self.routes) do lines[#lines + 1] = "Route: " .. route end
        end
        lines[#lines + 1] = "Content-Length: 0" .. eol .. eol
        send(self.peer, table.concat(lines, eol))
    end

    local function received_response(response)
        local owner = world.calls[("%s %s"):format(response.call_id, (response:header "CSeq" or ""):gsub("%s+", " "))]
        if not owner then return end
        local code = response.code
        owner.responses[#owner.responses + 1] = response
        if code >= 200 and not owner.final then
            owner.final = response
            owner.elapsed = (net.time() - (owner.started or 0)) / 1000
        end
        if code >= 200 and owner.method == "INVITE" then acknowledge(owner, response) end
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

    local function sent(event)
        local message = sip.parse(event.text)
        if not message then return end
        local to = message.is_request and find_endpoint(event)
        local name = to and to.name or message.is_request and ("%s:%d"):format(event.host, event.port) or "caller"
        local lost = message.is_request and not (to and to.reachable)
        note(("reflow         -> %-14s %s%s"):format(name, start_line(event.text), lost and "  (nobody answers)" or ""))
        if not message.is_request then
            received_response(message)
            return
        end
        tried(message, name)
        if to and to.gone and event.transport == "udp" then
            net.icmp(to.host, to.port)
        elseif to then
            if to.is_server then to.transport, to.connection = event.transport, event.connection end
            received_request(to, message)
        end
    end

    local function decided(event)
        world.decisions[#world.decisions + 1] = event
        note(("               %d%s: %s by %s%s%s"):format(event.code,
            event.origin ~= "wire" and " (" .. event.origin .. ")" or "", event.action, event.rule,
            event.verdict and "; the policy: " .. event.verdict or "",
            event.refused and "; the policy's verdict is refused by " .. event.refused or ""))
    end

    local function logged(event)
        world.logged[#world.logged + 1] = event
        note(("               log: %s"):format(event.text))
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
        if type(seconds) ~= "number" or seconds < 0 or seconds > 1e7 then
            error("advance takes seconds", 2)
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

    world.own = own
    return world
end

return actors
