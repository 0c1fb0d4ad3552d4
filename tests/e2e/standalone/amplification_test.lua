-- SPDX-License-Identifier: BSD-2-Clause
-- What a stranger's datagrams make the server send to somebody who has asked for nothing.
local uv = require "luv"
local server = require "server"
local tap = require "tap"
local wait = require "wait"

local test = tap.test

-- A socket on an address of its own that counts what it receives.
local function listen(t, address)
    local self = { socket = uv.new_udp(), bytes = 0, messages = {} }
    assert(self.socket:bind(address, 0))
    local name = self.socket:getsockname()
    self.address = ("%s:%d"):format(name.ip, name.port)
    self.socket:recv_start(function(_, data)
        if data then
            self.bytes = self.bytes + #data
            self.messages[#self.messages + 1] = data
        end
    end)
    t:defer(function()
        self.socket:close()
    end)
    return self
end

local function read(name)
    local file <close> = assert(io.open("tests/data/attacks/" .. name, "rb"))
    return file:read "a"
end

-- The nth copy of one of the messages of tests/data/attacks; returns its length.
local function send(from, s, name, n, victim)
    local marks = { ["@VICTIM@"] = victim.address, ["@SOURCE@"] = from.address, ["@N@"] = tostring(n) }
    local text = read(name):gsub("@%u+@", marks):gsub("example%.com", s.domain)
    assert(from.socket:send(text, s.host, s.port))
    return #text
end

local function until_status(from, status, count)
    local come = wait.until_true(90000, function()
        local found = 0
        for _, message in ipairs(from.messages) do
            found = found + (message:find("^SIP/2%.0 " .. status) and 1 or 0)
        end
        return found >= count
    end)
    assert(come, "no " .. status)
end

for _, file in ipairs { "path_third_party_register.sip", "contact_third_party_register.sip" } do
    test("a short INVITE for 32 bindings causes ten times its bytes at most: " .. file, function(t)
        local s = server.start(t, { status = true })
        local attacker, victim = listen(t, "127.0.0.66"), listen(t, "127.0.0.9")
        for n = 1, 32 do
            send(attacker, s, file, n, victim)
            until_status(attacker, 200, n)
        end
        t:equal(s:number "bindings", 32)
        local caused = send(attacker, s, "short_invite.sip", 1, victim)
        until_status(attacker, "[45]%d%d", 1)
        t:ok(victim.bytes <= 10 * caused, ("%d bytes for %d"):format(victim.bytes, caused))
        t:ok(s:number "withheld" > 0)
    end)
end

test("a query for bindings whose list is too long for a forged source is refused", function(t)
    local s = server.start(t, { status = true })
    local attacker, victim = listen(t, "127.0.0.66"), listen(t, "127.0.0.9")
    for n = 1, 32 do
        send(attacker, s, "path_third_party_register.sip", n, victim)
        until_status(attacker, 200, n)
    end
    local caused = send(victim, s, "query_register.sip", 1, attacker)
    until_status(victim, 403, 1)
    t:ok(victim.bytes <= 10 * caused)
    t:equal(s:number "refused_unproved", 1)
end)

tap.done()
