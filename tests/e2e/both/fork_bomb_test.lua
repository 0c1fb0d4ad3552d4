-- SPDX-License-Identifier: BSD-2-Clause
-- Contacts that lead back to the server, and one INVITE: what it makes the server send is bounded (RFC 5393), and
-- others are called meanwhile. The messages are those of tests/data/attacks.
local host = require "host"
local tap = require "tap"
local ua = require "ua"

local TRANSACTIONS_MOST <const> = 60

local function read(name)
    local file <close> = assert(io.open("tests/data/attacks/" .. name, "rb"))
    return file:read "a"
end

local function fill(text, s, flow)
    local bracketed = s.address and "[" .. s.address .. "]" or "127.0.0.1"
    local values = { SERVER = bracketed .. ":" .. s.port, SOURCE = bracketed .. ":" .. flow.local_port,
        DOMAIN = bracketed, TRANSPORT = s.transport:upper() }
    return (text:gsub("@(%u+)@", values))
end

-- The attacker's registrations, each over a flow that is gone afterwards.
local function register(t, open, s, names)
    for _, name in ipairs(names) do
        local flow = open "mallory"
        flow:send_raw(fill(read(name), s, flow))
        local answer = flow:receive()
        t:equal(answer and answer.status, 200, name)
        flow:close()
    end
end

-- What the standalone server and Kamailio count: requests sent on, and those that wait.
local function sent_on(s)
    return s.kind == "kamailio" and s:statistic "reflow:client_transactions" or s:number "branches"
end

-- All requests have their final response, or have timed out. The attacker's own response may be withheld: over UDP what
-- the INVITE makes the server send counts against it.
local function is_quiet(s)
    if s.kind == "kamailio" then
        local stats = s:rpc "tm.stats"
        return stats:match "waiting: (%d+)" == stats:match "current: (%d+)"
    end
    return s:number "in_flight_transactions" == 0 and s:number "unanswered" == 0
end

-- Kamailio's shared memory; without it, a number that does not change.
local function free_memory(s)
    return s.kind == "kamailio" and tonumber(s:rpc("core.shmmem"):match "free: (%d+)") or 2
end

local function attack(t, open, s, names)
    register(t, open, s, names)
    local bob, alice, mallory = open("bob"), open("alice"), open("mallory")
    bob:register { instance = ua.instance(1), reg_id = 1 }
    local before, free = sent_on(s), free_memory(s)
    mallory:send_raw(fill(read "fork_bomb_invite.sip", s, mallory))
    local answer
    t:ok(ua.wait.until_true(ua.patience, function()
        answer = answer or mallory:receive("final", 0)
        return (answer or sent_on(s) > before) and is_quiet(s)
    end), "the INVITE does not end")
    local made = sent_on(s) - before
    t:ok(made <= TRANSACTIONS_MOST, ("one INVITE made %d client transactions"):format(made))
    t:ok(free_memory(s) > free // 2, ("of %d bytes of shared memory %d are left"):format(free, free_memory(s)))
    alice:call(bob)
    t:ok(s:alive(), "the server has ended")
end

local attacks = {
    ["32 Contacts of one user"] = { "fork_bomb_32_register.sip" },
    ["7 Contacts of one user"] = { "fork_bomb_7_register.sip" },
    ["two users who name each other"] = { "fork_bomb_pair_1_register.sip", "fork_bomb_pair_2_register.sip" },
    ["three users in a ring"] = { "fork_bomb_ring_1_register.sip", "fork_bomb_ring_2_register.sip",
        "fork_bomb_ring_3_register.sip" },
}

-- Timer B: requests to phones that are gone wait so long.
local ANSWER_TIMEOUT <const> = 6400

for name, files in pairs(attacks) do
    local options = { answer_timeout = ANSWER_TIMEOUT }
    host.test("5393-4.a 5393-5.a fork bomb: " .. name, options, function(t, open, s)
        attack(t, open, s, files)
    end)
end

host.test("5393-4.a 5393-5.a fork bomb over IPv6",
    { hosts = { "standalone" }, answer_timeout = ANSWER_TIMEOUT, address = "::1" }, function(t, open, s)
        attack(t, open, s, attacks["two users who name each other"])
    end)

tap.done()
