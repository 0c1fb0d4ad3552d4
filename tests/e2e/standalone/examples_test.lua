-- SPDX-License-Identifier: BSD-2-Clause
-- Every script in examples/ runs as it stands, and each policy does what it says. Ports and times are moved where a
-- test could not wait for them.
local uv = require "luv"
local tap = require "tap"
local ua = require "ua"
local server = require "server"

local test = tap.test
local one, two = ua.instance(1), ua.instance(2)

local function opener(s)
    return function(user, more)
        local o = { port = s.port, user = user, domain = s.domain, transport = "tcp" }
        for name, value in pairs(more or {}) do
            o[name] = value
        end
        return ua.open(o)
    end
end

local function read(path)
    local file = assert(io.open(path))
    local text = file:read "a"
    file:close()
    return text
end

-- A script of examples/ with one thing in it replaced, which must be there.
local function changed(t, path, replacements)
    local text = read(path)
    for old, new in pairs(replacements) do
        local found
        text, found = text:gsub(old:gsub("%p", "%%%0"), (tostring(new):gsub("%%", "%%%%")))
        t:ok(found > 0, path .. " has no " .. old)
    end
    return text
end

local scripts = {}
for _, directory in ipairs { "examples", "examples/policies" } do
    local scan = uv.fs_scandir(directory)
    for name in function() return scan and uv.fs_scandir_next(scan) end do
        -- An edge needs a registrar beside it: edge_test.lua. A user agent is no routing script: outbound_ua_test.lua.
        if name:find "%.lua$" and name ~= "edge.lua" and name ~= "outbound_ua.lua" then
            scripts[#scripts + 1] = directory .. "/" .. name
        end
    end
end
table.sort(scripts)

for _, script in ipairs(scripts) do
    test(script .. " runs as it stands: registers, connects a call, fails over", function(t)
        local s = server.start(t, { script = script })
        local open = opener(s)
        local first, second, alice = open("bob"), open("bob"), open("alice")
        first:register { instance = one, reg_id = 1, q = "1.0" }
        second:register { instance = one, reg_id = 2, q = "0.5" }
        if script:find "trunk" then
            return -- calls go to trunks there: see below
        end
        alice:call(first)
        local call = alice:invite(first.aor)
        first:expect "INVITE"
        first:close()
        second:reply(second:expect "INVITE", 200)
        alice:expect_final(call, 200)
        t:ok(not s.err:find "error", s.err)
    end)
end

test("examples/registrar.lua logs the flow that failed", function(t)
    local s = server.start(t, { args = { "--verbose" } })
    local open = opener(s)
    local first, second, alice = open("bob"), open("bob"), open("alice")
    first:register { instance = one, reg_id = 1, q = "1.0" }
    second:register { instance = one, reg_id = 2, q = "0.5" }
    local call = alice:invite(first.aor)
    first:reply(first:expect "INVITE", 430)
    second:reply(second:expect "INVITE", 486)
    alice:expect_final(call, 486)
    s:expect_log "sip:bob@example.test: flow .* failed, 1 left"
end)

test("examples/policies/log_failed_flows.lua logs calls that meet one and flows that die by themselves", function(t)
    local s = server.start(t, { script = "examples/policies/log_failed_flows.lua", args = { "--verbose" } })
    local open = opener(s)
    local first, second, alice = open("bob"), open("bob"), open("alice")
    first:register { instance = one, reg_id = 1, q = "1.0" }
    second:register { instance = one, reg_id = 2, q = "0.5" }
    local call = alice:invite(first.aor)
    first:reply(first:expect "INVITE", 430)
    second:reply(second:expect "INVITE", 486)
    alice:expect_final(call, 486)
    s:expect_log "failed"
    second:close()
    s:expect_log "bob@example.test lost flow"
end)

test("examples/policies/voicemail.lua sends 486 to voicemail, but not where the caller declines, nor 600", function(t)
    local mailbox = ua.open { port = 1, user = "voicemail" }
    local source = changed(t, "examples/policies/voicemail.lua",
        { ["127.0.0.1:5094"] = "127.0.0.1:" .. mailbox.local_port })
    local s = server.start(t, { source = source })
    local open = opener(s)
    mailbox.port = s.port
    local bob, alice = open("bob"), open("alice")
    bob:register { instance = one, reg_id = 1 }
    local call = alice:invite(bob.aor)
    bob:reply(bob:expect "INVITE", 486)
    mailbox:reply(mailbox:expect "INVITE", 200)
    alice:expect_final(call, 200)

    call = alice:invite(bob.aor, { headers = { { "X-No-Voicemail", "yes" } } })
    bob:reply(bob:expect "INVITE", 486)
    alice:expect_final(call, 486)

    call = alice:invite(bob.aor)
    bob:reply(bob:expect "INVITE", 600)
    alice:expect_final(call, 600)
    mailbox:expect_none("INVITE", 100)
end)

test("examples/policies/second_instance.lua rings the second phone beside the first in time", function(t)
    local source = changed(t, "examples/policies/second_instance.lua", { ["next_after = 15"] = "next_after = 4" })
    local s = server.start(t, { source = source })
    local open = opener(s)
    local desk, cell, alice = open("bob"), open("bob"), open("alice")
    desk:register { instance = one, reg_id = 1, q = "1.0" }
    cell:register { instance = two, reg_id = 1, q = "0.5" }
    local call = alice:invite(desk.aor)
    local at_desk = desk:expect "INVITE"
    desk:reply(at_desk, 180)
    cell:expect_none("INVITE", 700)
    local at_cell = cell:expect "INVITE"
    cell:reply(at_cell, 200)
    alice:expect_final(call, 200)
    desk:reply(desk:expect "CANCEL", 200)
    desk:reply(at_desk, 487)
end)

test("examples/policies/second_instance.lua goes on at once when the first phone is busy", function(t)
    local s = server.start(t, { script = "examples/policies/second_instance.lua" })
    local open = opener(s)
    local desk, cell, alice = open("bob"), open("bob"), open("alice")
    desk:register { instance = one, reg_id = 1, q = "1.0" }
    cell:register { instance = two, reg_id = 1, q = "0.5" }
    local call = alice:invite(desk.aor)
    desk:reply(desk:expect "INVITE", 486)
    cell:reply(cell:expect "INVITE", 200)
    alice:expect_final(call, 200)
end)

test("examples/policies/rest_trunk.lua: a trunk that says 503 rests, the other one takes the calls", function(t)
    local first = ua.open { port = 1, user = "trunk-a" }
    local second = ua.open { port = 1, user = "trunk-b" }
    local source = changed(t, "examples/policies/rest_trunk.lua", {
        ["127.0.0.1:5092"] = "127.0.0.1:" .. first.local_port, ["127.0.0.1:5093"] = "127.0.0.1:" .. second.local_port })
    local s = server.start(t, { source = source })
    local open = opener(s)
    first.port, second.port = s.port, s.port
    local alice = open("alice")
    local number = "sip:+15550100@example.test"

    local call = alice:invite(number)
    first:reply(first:expect "INVITE", 503, { headers = { { "Retry-After", "6" } } })
    second:reply(second:expect "INVITE", 200)
    alice:expect_final(call, 200)

    call = alice:invite(number)
    second:reply(second:expect "INVITE", 200)
    alice:expect_final(call, 200)
    first:expect_none("INVITE", 100)

    t:ok(ua.wait.until_true(ua.patience, function()
        call = alice:invite(number)
        local invite
        ua.wait.until_true(ua.patience, function()
            invite = first:receive("INVITE", 0) or second:receive("INVITE", 0)
            return invite
        end)
        invite.flow:reply(invite, 200)
        alice:expect_final(call, 200)
        return invite.flow == first or ua.wait.pause(200)
    end), "the trunk is not tried again")
end)

test("examples/policies/limit_calls.lua refuses one address the calls over its limit, until they are old", function(t)
    local source = changed(t, "examples/policies/limit_calls.lua",
        { ["most, seconds = 30, 60"] = "most, seconds = 2, 8" })
    local s = server.start(t, { source = source })
    local open = opener(s)
    local bob, alice, mallory = open("bob"), open("alice"), open("alice")
    local carol = open("carol", { transport = "udp", local_host = "127.0.0.2" })
    bob:register { instance = one, reg_id = 1 }
    local function connects(flow)
        local call = flow:invite(bob.aor)
        bob:reply(bob:expect "INVITE", 486)
        flow:expect_final(call, 486)
        return call
    end
    local first = connects(alice)
    connects(alice)
    t:equal(mallory:expect_final(mallory:invite(bob.aor), 480).phrase, "Too Many Calls")
    bob:expect_none("INVITE", 100)
    -- The same call again, other addresses and calls for help are not among them.
    local again = alice:invite(bob.aor, { call_id = first:get "Call-ID", cseq = 2 })
    bob:reply(bob:expect "INVITE", 486)
    alice:expect_final(again, 486)
    connects(carol)
    -- Nobody is bound there; but it was looked for.
    t:equal(alice:expect_final(alice:invite("sip:112@" .. bob.domain), 480).phrase, "Temporarily Unavailable")
    t:ok(ua.wait.until_true(ua.patience, function()
        local call = mallory:invite(bob.aor)
        local invite
        ua.wait.until_true(ua.patience, function()
            invite = bob:receive("INVITE", 0)
            return invite or mallory:receive("final", 0)
        end)
        if invite then
            bob:reply(invite, 486)
            mallory:expect_final(call, 486)
        end
        return invite or ua.wait.pause(200)
    end), "the calls do not grow old")
end)

tap.done()
