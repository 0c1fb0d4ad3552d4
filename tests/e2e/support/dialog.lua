-- SPDX-License-Identifier: BSD-2-Clause
-- A dialog that an INVITE makes between two user agents of a test (ua.lua). Either of them sends requests in it, and
-- each request has to arrive at the other one.
local message = require "message"

local dialog = {}
dialog.__index = dialog

dialog.offer = table.concat({ "v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "c=IN IP4 127.0.0.1", "t=0 0",
    "m=audio 40000 RTP/AVP 0", "a=sendrecv", "" }, "\r\n")

-- The same with the media in that direction: "sendonly", "recvonly", "inactive".
function dialog.media(direction)
    return (dialog.offer:gsub("sendrecv", direction))
end

local function with_body(options)
    local o = {}
    for name, value in pairs(options or {}) do
        o[name] = value
    end
    if o.body then
        o.headers = table.move(o.headers or {}, 1, #(o.headers or {}), 2, { { "Content-Type", o.type or
            "application/sdp" } })
    end
    return o
end

-- Sends an INVITE and receives it: a dialog without an answer. options: headers and body of the INVITE; aor, that of
-- the callee if it is not its own.
function dialog.begin(caller, callee, options)
    local self = setmetatable({ caller = caller, callee = callee, cseq = { [caller] = 1, [callee] = 0 } }, dialog)
    self.invite = caller:invite(options and options.aor or callee.aor, with_body(options))
    self.received = callee:expect "INVITE"
    return self
end

-- Another callee has received the same INVITE: the dialog of the caller with this one.
function dialog.fork(self, callee)
    return setmetatable({ caller = self.caller, callee = callee, invite = self.invite, cseq = { [self.caller] = 1,
        [callee] = 0 }, received = callee:expect "INVITE" }, dialog)
end

local function belongs(self, received)
    return received.status and received:get "Call-ID" == self.invite:get "Call-ID"
        and select(2, received:cseq()) == "INVITE"
end

-- The callee answers the INVITE with this provisional response, and the caller receives it. The dialog is an early one
-- from then on.
function dialog.progress(self, status, options)
    self.callee:reply(self.received, status, with_body(options))
    self.answer = self.caller:expect(function(received)
        return belongs(self, received) and received.status == status
            and received:tag "To" == self.received.our_tag
    end)
    return self.answer
end

-- The callee accepts; the caller receives that, and the callee the ACK.
function dialog.accept(self, options)
    self.callee:reply(self.received, 200, with_body(options))
    self.answer = self.caller:expect(function(received)
        return belongs(self, received) and received.status == 200
    end)
    self.caller:within("ACK", self.invite, self.answer)
    self.callee:expect "ACK"
    return self.answer
end

-- A whole set-up: INVITE, 180, 200 and ACK. options: those of begin(), and answer, those of accept().
function dialog.call(caller, callee, options)
    local self = dialog.begin(caller, callee, options)
    self:progress(180)
    self:accept(options and options.answer)
    return self
end

function dialog.other(self, one)
    return one == self.caller and self.callee or self.caller
end

local refreshes_target <const> = { INVITE = true, UPDATE = true, REFER = true, SUBSCRIBE = true, NOTIFY = true }

-- `one` sends a request in the dialog. options as those of flow.request. Returns it as it was sent.
function dialog.send(self, one, method, options)
    local o = with_body(options)
    if not o.cseq then
        self.cseq[one] = self.cseq[one] + 1
        o.cseq = self.cseq[one]
    end
    if o.contact == nil and refreshes_target[method] then
        o.contact = ("<%s>"):format(one.contact_uri)
    end
    if one == self.caller then
        return one:within(method, self.invite, self.answer, o)
    end
    return one:within_called(method, self.received, o)
end

-- `one` receives what the other side has sent in the dialog.
function dialog.receive(self, one, sent)
    return one:expect(function(received)
        return received.method == sent.method and received:get "Call-ID" == self.invite:get "Call-ID"
            and received:cseq() == sent:cseq()
    end)
end

local function final(one, sent)
    return one:expect(function(received)
        return received.status and received.status >= 200 and received:get "Call-ID" == sent:get "Call-ID"
            and received:cseq() == sent:cseq() and select(2, received:cseq()) == sent.method
    end)
end

--[[ `one` sends a request in the dialog, the other one receives it and answers it, `one` receives the answer, and for
     INVITE the other one the ACK. options as those of send(), and status (200), answer (headers and body of the
     response). Returns the request as it was received, and the response. ]]
function dialog.ask(self, one, method, options)
    options = options or {}
    local other = self:other(one)
    local sent = self:send(one, method, options)
    local received = self:receive(other, sent)
    other:reply(received, options.status or 200, with_body(options.answer))
    local answer = final(one, sent)
    if answer.status ~= (options.status or 200) then
        error(("%s in the dialog: expected %d, got %d %s"):format(method, options.status or 200, answer.status,
            answer.phrase), 2)
    end
    if method == "INVITE" and answer.status < 300 then
        self:receive(other, self:send(one, "ACK", { cseq = sent:cseq() }))
    elseif method == "INVITE" then
        one:same_transaction("ACK", sent, answer)
    end
    return received, answer
end

-- The URI of the other side's Contact, as this user agent knows it.
function dialog.remote_target(self, one)
    return message.address((one == self.caller and self.answer or self.received):get "Contact")
end

return dialog
