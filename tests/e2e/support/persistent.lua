-- SPDX-License-Identifier: BSD-2-Clause
-- A user agent on UDP (ua.lua) that sends again what may have been lost, as RFC 3261 sections 13.3.1.4 and 17 demand:
-- requests until they are answered, a final response to INVITE until its ACK comes, and responses and ACKs when the
-- other side repeats what they belong to.
local uv = require "luv"

local persistent = {}

-- T1 and T2 are a fifth of those of RFC 3261: each message has some forty attempts. Where every third packet is lost on
-- each of four links, one attempt in five reaches the other side and is answered.
local T1 <const>, T2 <const>, DURATION <const> = 100, 800, 32000

-- Texts by key: the last MOST of them at least, at most twice as many.
local MOST <const> = 1000
local Memory = {}
Memory.__index = Memory

local function new_memory()
    return setmetatable({ count = 0, newer = {}, older = {} }, Memory)
end

function Memory.put(self, key, text)
    if self.count == MOST then
        self.count, self.older, self.newer = 0, self.newer, {}
    end
    self.count = self.count + 1
    self.newer[key] = text
end

function Memory.get(self, key)
    return self.newer[key] or self.older[key]
end

local Resender = {}
Resender.__index = Resender

-- What a message and its retransmissions have in common: the transaction, and for responses the status.
local function transaction(sip)
    local _, method = sip:cseq()
    return ("%s %s"):format(sip:branch() or "", method or "")
end

function Resender.stop(self, key)
    local timer = self.timers[key]
    self.timers[key] = nil
    if timer then
        timer:stop()
        timer:close()
    end
end

-- Sends the text again after T1, 2 T1, ... at most T2, until stop(key).
function Resender.repeat_until_stopped(self, key, text, at_most)
    local wait, spent, timer = T1, 0, uv.new_timer()
    self:stop(key)
    self.timers[key] = timer
    local function again()
        spent = spent + wait
        wait = math.min(wait * 2, at_most)
        if spent >= DURATION then
            return self:stop(key)
        end
        self.send(text)
        timer:start(wait, 0, again)
    end
    timer:start(wait, 0, again)
end

local function sent_request(self, sip)
    if sip.method == "ACK" then
        self.acks:put(("%s %d"):format(sip:get "Call-ID", sip:cseq()), sip.text)
    else
        self:repeat_until_stopped(transaction(sip), sip.text, sip.method == "INVITE" and DURATION or T2)
    end
end

local function sent_response(self, sip)
    local _, method = sip:cseq()
    self.responses:put(transaction(sip), sip.text)
    if method == "INVITE" and sip.status >= 200 then
        self:repeat_until_stopped(("final %s %d"):format(sip:get "Call-ID", sip:cseq()), sip.text, T2)
    end
end

local function received_request(self, sip)
    if sip.method == "ACK" then
        return self:stop(("final %s %d"):format(sip:get "Call-ID", sip:cseq()))
    end
    local response = self.responses:get(transaction(sip))
    if response then
        self.send(response)
    end
end

local function received_response(self, sip)
    local number, method = sip:cseq()
    if method == "INVITE" or sip.status >= 200 then
        self:stop(transaction(sip))
    end
    local ack = method == "INVITE" and sip.status >= 200 and self.acks:get(("%s %d"):format(sip:get "Call-ID", number))
    if ack then
        self.send(ack)
    end
end

local function see(self, direction, sip)
    if direction == "out" then
        (sip.method and sent_request or sent_response)(self, sip)
    else
        (sip.method and received_request or received_response)(self, sip)
    end
end

-- Opens such a user agent for the test `t`, with the function and the options that ua.open or host.open takes.
function persistent.open(t, open, options)
    local self = setmetatable({ timers = {}, acks = new_memory(), responses = new_memory() }, Resender)
    local o = { trace = function(_, direction, sip)
        if not self.resends then
            see(self, direction, sip)
        end
    end }
    for name, value in pairs(options) do
        o[name] = value
    end
    local flow = open(o)
    function self.send(text)
        self.resends = true
        flow:send_raw(text)
        self.resends = false
    end
    t:defer(function()
        for key in pairs(self.timers) do
            self:stop(key)
        end
        flow:close()
    end)
    return flow
end

return persistent
