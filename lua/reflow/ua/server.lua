-- SPDX-License-Identifier: BSD-2-Clause
-- Requests that come in: one object each, answered by the program. Repetitions are answered with what was said before,
-- finals to INVITE are repeated until they are acknowledged (RFC 3261 sections 13.3.1.4 and 17.2).
local uv = require "luv"
local sip = require "reflow"
local message = require "reflow.ua.message"

local server = {}
server.__index = server

local T1, T2, LIFE = 500, 4000, 32000 -- ms
local MOST = 1000 -- transactions at a time

local request_methods = {}

local request_meta = {
    __index = function(self, name)
        local method = request_methods[name]
        if method then
            return method
        end
        return rawget(self, "message")[name]
    end,
}

-- `options`: on_request(request), unique() for tags, contact(flow).
function server.new(options)
    return setmetatable({ options = options, open = {}, count = 0 }, server)
end

local function forget(self, request)
    if request.timer then
        request.timer:stop()
        request.timer:close()
        request.timer = false
    end
    if self.open[request.key] == request then
        self.open[request.key] = nil
        self.count = self.count - 1
    end
end

-- Everything at once: the timers would keep the loop alive.
function server.close(self)
    for _, request in pairs(self.open) do
        forget(self, request)
    end
end

local function key_of(received, method)
    local branch = message.parameter(select(2, message.address(received:header "Via" or "")), "branch")
    return table.concat({ branch or "", method, received.call_id, received.from_tag or "", received.cseq }, "\0")
end

local function copied(headers, received, name)
    local n = 1
    local value = received:header(name, n)
    while value do
        headers[#headers + 1] = { name, value }
        n = n + 1
        value = received:header(name, n)
    end
end

local function response(request, code, options)
    local received, headers = request.message, {}
    copied(headers, received, "Via")
    if code < 300 then
        copied(headers, received, "Record-Route")
    end
    copied(headers, received, "From")
    local to = received:header "To"
    headers[#headers + 1] = { "To", (code == 100 or received.to_tag) and to or to .. ";tag=" .. request.tag }
    headers[#headers + 1] = { "Call-ID", received.call_id }
    copied(headers, received, "CSeq")
    if code > 100 and code < 300 and received.method ~= "BYE" then
        headers[#headers + 1] = { "Contact", request.contact }
    end
    headers[#headers + 1] = { "Supported", "outbound" }
    for _, header in ipairs(options.headers or {}) do
        headers[#headers + 1] = header
    end
    local row = sip.code(code)
    return message.build(("SIP/2.0 %d %s"):format(code, options.phrase or row.phrase), headers, options.body)
end

-- Timers G and H, and the same for a 2xx over any transport.
local function repeat_final(self, request)
    local wait, waited = T1, 0
    local function again()
        waited = waited + wait
        if waited >= LIFE then
            forget(self, request)
            return
        end
        if request.final < 300 or not request.flow.stream then
            request.flow:send(request.answer)
        end
        wait = math.min(2 * wait, T2)
        request.timer:start(wait, 0, again)
    end
    request.timer:start(wait, 0, again)
end

-- A response, 100 to 699; options: phrase, headers ({ name, value } pairs), body. nil and why where it was answered
-- already, or cannot be: ACK.
function request_methods.reply(request, code, options)
    if math.type(code) ~= "integer" or not sip.code(code) then
        error("reply: a code is a whole number from 100 to 699", 2)
    elseif request.final then
        return nil, "answered already with " .. request.final
    elseif request.message.method == "ACK" then
        return nil, "an ACK has no answer"
    end
    request.answer = response(request, code, options or {})
    request.flow:send(request.answer)
    if code >= 200 then
        request.final = code
        if not request.timer then
            return true -- it was not kept
        elseif request.message.method == "INVITE" then
            repeat_final(request.server, request)
        else
            request.timer:start(LIFE, 0, function() forget(request.server, request) end)
        end
    end
    return true
end

function request_methods.header(request, ...)
    return request.message:header(...)
end

function request_methods.headers(request)
    return request.message:headers()
end

local function new_request(self, received, flow, key)
    return setmetatable({ message = received, flow = flow, key = key, server = self, tag = self.options.unique(),
        contact = self.options.contact(flow), answer = false, final = false, timer = false, cancelled = false },
        request_meta)
end

local function acknowledge(self, received)
    for _, request in pairs(self.open) do
        local first = request.message
        if first.method == "INVITE" and request.final and first.call_id == received.call_id
            and first.cseq == received.cseq and first.from_tag == received.from_tag then
            forget(self, request)
            return
        end
    end
end

local function cancel(self, received, flow, key)
    local invite = self.open[key_of(received, "INVITE")]
    new_request(self, received, flow, key):reply(invite and sip.OK or sip.CALL_TRANSACTION_DOES_NOT_EXIST)
    if invite and not invite.final then
        invite.cancelled = true
        invite:reply(sip.REQUEST_TERMINATED)
        self.options.on_cancel(invite)
    end
end

function server.receive(self, received, flow)
    local method = received.method
    local key = key_of(received, method)
    local known = self.open[key]
    if method == "ACK" then
        acknowledge(self, received)
    elseif known then
        if known.answer then
            flow:send(known.answer)
        end
    elseif method == "CANCEL" then
        cancel(self, received, flow, key)
    else
        local request = new_request(self, received, flow, key)
        if self.count >= MOST then
            request:reply(sip.SERVICE_UNAVAILABLE)
            return
        end
        request.timer = uv.new_timer()
        self.open[key] = request
        self.count = self.count + 1
        self.options.on_request(request)
    end
end

return server
