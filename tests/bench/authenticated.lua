-- SPDX-License-Identifier: BSD-2-Clause
-- A client over UDP that registers users and calls, at a steady rate, with a digest of SHA-256 (RFC 7616) where it is
-- challenged. It keeps nothing of the code under test.
local sha256 = require "sha256"
local uv = require "luv"
local wait = require "wait"

local client = {}
client.__index = client

client.domain = "example.test"
client.password = "secret"

function client.ha1(user)
    return sha256(("%s:%s:%s"):format(user, client.domain, client.password))
end

-- Datagrams may be lost on a busy machine: what was not answered for a second is sent again.
local function send_again(self)
    local now = uv.hrtime()
    for _, each in pairs(self.sent) do
        if now - each.at > 1e9 then
            each.at, self.repeated = now, self.repeated + 1
            self.socket:try_send(each.text, "127.0.0.1", self.port)
        end
    end
end

function client.open(port)
    local self = setmetatable({ waiting = {}, sent = {}, repeated = 0, ha1s = {}, branches = 0, port = port,
        socket = uv.new_udp() }, client)
    assert(self.socket:bind("127.0.0.1", 0))
    self.own_port = self.socket:getsockname().port
    self.socket:recv_start(function(_, text)
        local asked = text and self.waiting[text:match "branch=z9hG4bK(%d+)"]
        local status = asked and tonumber(text:match "^SIP/2%.0 (%d+)")
        if status then
            self.sent[text:match "branch=z9hG4bK(%d+)"] = nil
        end
        if status and status >= 200 then
            self.waiting[text:match "branch=z9hG4bK(%d+)"] = nil
            asked(status, text)
        end
    end)
    self.timer = uv.new_timer()
    self.timer:start(500, 500, function()
        send_again(self)
    end)
    return self
end

function client.close(self)
    self.timer:close()
    self.socket:close()
end

-- The value of Authorization or Proxy-Authorization.
local function credentials(self, user, method, uri)
    local nonce = self.nonce
    self.ha1s[user] = self.ha1s[user] or client.ha1(user)
    nonce.count = nonce.count + 1
    local count = ("%08x"):format(nonce.count)
    local response = sha256(table.concat({ self.ha1s[user], nonce.text, count, "c0ffee", "auth",
        sha256(method .. ":" .. uri) }, ":"))
    return ('Digest username="%s", realm="%s", nonce="%s", uri="%s", qop=auth, nc=%s, cnonce="c0ffee", ' ..
        'response="%s", algorithm=SHA-256'):format(user, client.domain, nonce.text, uri, count, response)
end

--[[ Sends a request. r: method, uri, user, to, call_id, cseq, more (list of fields), body, authorization (name of the
     field; nil: none). answered(status, text) is called for its final response. Returns its branch. ]]
function client.send(self, r, answered, branch)
    if not branch then
        self.branches = self.branches + 1
        branch = tostring(self.branches)
    end
    self.waiting[branch] = answered
    local lines = { ("%s %s SIP/2.0"):format(r.method, r.uri),
        ("Via: SIP/2.0/UDP 127.0.0.1:%d;branch=z9hG4bK%s"):format(self.own_port, branch), "Max-Forwards: 70",
        ("From: <sip:%s@%s>;tag=f%s"):format(r.user, client.domain, r.call_id), "To: " .. r.to,
        "Call-ID: " .. r.call_id, ("CSeq: %d %s"):format(r.cseq, r.method) }
    for _, line in ipairs(r.more or {}) do
        lines[#lines + 1] = line
    end
    if r.authorization then
        lines[#lines + 1] = r.authorization .. ": " .. credentials(self, r.user, r.method, r.uri)
    end
    lines[#lines + 1] = ("Content-Length: %d\r\n\r\n%s"):format(#(r.body or ""), r.body or "")
    local text = table.concat(lines, "\r\n")
    self.socket:try_send(text, "127.0.0.1", self.port)
    if answered then
        self.sent[branch] = { text = text, at = uv.hrtime() }
    end
    return branch
end

-- Takes the SHA-256 challenge of a 401 or 407; nil: the response has no such challenge.
local function take_challenge(self, text)
    for value in text:gmatch "\r\n[WP][%a]+%-Authenticate: ([^\r]*)" do
        local nonce = value:find "SHA%-256" and value:match 'nonce="([^"]*)"'
        if nonce then
            self.nonce = { text = nonce, count = 0 }
            return true
        end
    end
end

local function check(status, text)
    assert(status == 200, text)
end

-- REGISTER, 401, REGISTER with credentials, 200; then done().
function client.register(self, user, done)
    self.registrations = (self.registrations or 0) + 1
    local r = { method = "REGISTER", uri = "sip:" .. client.domain, user = user, call_id = "r" .. self.registrations,
        to = ("<sip:%s@%s>"):format(user, client.domain), cseq = 1,
        more = { ("Contact: <sip:%s@127.0.0.1:%d>"):format(user, self.own_port), "Expires: 3600" } }
    self:send(r, function(status, text)
        assert(status == 401 and take_challenge(self, text), text)
        r.cseq, r.authorization = r.cseq + 1, "Authorization"
        self:send(r, function(...)
            check(...)
            done()
        end)
    end)
end

local offer <const> = "v=0\r\no=caller 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n" ..
    "m=audio 40000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"

local function hang_up(self, call, text, done)
    call.uri, call.to = text:match "\r\nContact: <([^>]*)>", text:match "\r\nTo: ([^\r]*)"
    call.authorization, call.body = nil, nil
    call.more = { text:match "\r\nRecord%-Route: [^\r]*" }
    call.more[1] = call.more[1] and call.more[1]:gsub("^\r\nRecord%-", "")
    call.method = "ACK"
    self:send(call)
    call.method, call.cseq = "BYE", call.cseq + 1
    self:send(call, function(...)
        check(...)
        done()
    end)
end

-- INVITE, 200, ACK, BYE, 200; then done(). options: authenticate, and keep (the nonce of the call before is used, as
-- long as it is accepted).
function client.call(self, user, uri, options, done)
    self.calls = (self.calls or 0) + 1
    local call = { method = "INVITE", uri = uri, user = user, to = ("<%s>"):format(uri), call_id = "c" .. self.calls,
        cseq = 1, body = offer, more = { ("Contact: <sip:%s@127.0.0.1:%d>"):format(user, self.own_port),
            "Content-Type: application/sdp" },
        authorization = options.keep and self.nonce and "Proxy-Authorization" or nil }
    local branch
    local function answered(status, text)
        if status == 407 then
            assert(options.authenticate and take_challenge(self, text), text)
            self:send({ method = "ACK", uri = uri, user = user, to = text:match "\r\nTo: ([^\r]*)",
                call_id = call.call_id, cseq = call.cseq }, nil, branch)
            call.authorization, call.cseq = "Proxy-Authorization", call.cseq + 1
            branch = self:send(call, answered)
            return
        end
        check(status, text)
        hang_up(self, call, text, done)
    end
    branch = self:send(call, answered)
end

-- Begins begin(index, done) `count` times, `rate` times a second. All must be done at last.
function client.run(rate, count, begin)
    local started, finished, began = 0, 0, uv.hrtime()
    local function done()
        finished = finished + 1
    end
    local all = wait.until_true(count / rate * 1000 + 60000, function()
        local due = math.min(count, (uv.hrtime() - began) * rate // 1000000000)
        while started < due do
            started = started + 1
            begin(started, done)
        end
        return finished == count
    end)
    assert(all, ("%d of %d were not answered"):format(count - finished, count))
end

-- A users file with so many users, u1 and on.
function client.users(binary, path, count)
    for index = 1, count do
        local pipe = io.popen(("%s user add u%d@%s --users %s"):format(binary, index, client.domain, path), "w")
        pipe:write(client.password, "\n")
        assert(pipe:close())
    end
end

return client
