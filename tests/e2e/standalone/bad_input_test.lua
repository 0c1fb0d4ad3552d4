-- SPDX-License-Identifier: BSD-2-Clause
-- Messages that are wrong, cut short or made up: answered where the RFC wants it, dropped otherwise, and a call that
-- is up goes on.
local tap = require "tap"
local ua = require "ua"
local server = require "server"
local read = require("file").read

local test = tap.test
local cases_of = { rfc4475 = 49, rfc5118 = 12 }

-- The cases of a folder's manifest in their order: name, bytes, and the statuses of which the server must answer with
-- one; no statuses: nothing is demanded.
local function collection(t, folder)
    local directory = "tests/data/messages/" .. folder
    local cases = {}
    for line in io.lines(directory .. "/MANIFEST.tsv") do
        local name, answer = line:match "^([^\t]+)\t[^\t]+\t[^\t]+\t([^\t]+)\t"
        if name ~= "name" then
            local case = { name = name, bytes = read(directory .. "/" .. name .. ".dat") }
            for status in answer:gmatch "%d+" do
                case.statuses = case.statuses or {}
                case.statuses[#case.statuses + 1] = math.tointeger(status)
            end
            cases[#cases + 1] = case
        end
    end
    t:equal(#cases, cases_of[folder])
    return cases
end

local function start(t)
    local s = server.start(t)
    local function open(user, transport)
        return ua.open { port = s.port, user = user, domain = s.domain, transport = transport or "tcp" }
    end
    return open, s
end

-- A call that is up; the function returned ends it and makes another one.
local function call_in_progress(open)
    local bob, alice = open("bob"), open("alice", "udp")
    bob:register { instance = ua.instance(1), reg_id = 1 }
    local request = alice:invite(bob.aor)
    local invite = bob:expect "INVITE"
    bob:reply(invite, 200)
    local answer = alice:expect_final(request, 200)
    bob:expect "ACK"
    return function()
        alice:within("BYE", request, answer)
        bob:reply(bob:expect "BYE", 200)
        alice:expect(function(received)
            return received.status == 200 and select(2, received:cseq()) == "BYE"
        end)
        alice:call(bob)
    end
end

local function contains(list, value)
    for _, each in ipairs(list) do
        if each == value then
            return true
        end
    end
    return false
end

for _, folder in ipairs { "rfc4475", "rfc5118" } do
    test(folder .. " over TCP: an answer where one is due, and calls go on", function(t)
        local cases = collection(t, folder)
        local open, s = start(t)
        local finish = call_in_progress(open)
        local wrong = {}
        for _, case in ipairs(cases) do
            local flow = open("torture")
            flow.keep_repeats = true
            flow:send_raw(case.bytes)
            local wanted = case.statuses
            local got = flow:receive("final", wanted and 30000 or 20)
            if wanted and not (got and contains(wanted, got.status)) then
                wrong[#wrong + 1] = ("%s: %s, not %s"):format(case.name, got and got.status or "no answer",
                    table.concat(wanted, " or "))
            end
            flow:close()
        end
        finish()
        t:ok(s:alive())
        t:equal(table.concat(wrong, "; "), "")
    end)

    test(folder .. " over UDP: no harm, and calls go on", function(t)
        local cases = collection(t, folder)
        local open, s = start(t)
        local finish = call_in_progress(open)
        local flow = open("torture", "udp")
        for _, case in ipairs(cases) do
            flow:send_raw(case.bytes)
            ua.wait.pause(2)
        end
        finish()
        t:ok(s:alive())
    end)
end

-- Twenty messages of different shape.
local function twenty(flow)
    local made = {}
    local methods = { "INVITE", "REGISTER", "OPTIONS", "MESSAGE", "BYE", "CANCEL", "ACK", "SUBSCRIBE", "PUBLISH",
        "INFO" }
    for index, method in ipairs(methods) do
        local headers = { { "Supported", "outbound, path" }, { "Expires", 60 }, { "X-Long", ("v"):rep(index * 7) } }
        local o = { send = false, uri = "sip:victim@example.test", headers = headers, branch = "z9hG4bKcut" .. index }
        made[#made + 1] = flow:request(method, o).text
        o.body = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\n"
        o.contact = '"B" <sip:victim@127.0.0.1;transport=tcp>;reg-id=1;+sip.instance="<urn:uuid:1>";q=0.3'
        made[#made + 1] = flow:request(method, o).text
    end
    return made
end

test("every one-byte truncation of 20 messages over UDP", function(t)
    local open, s = start(t)
    local finish = call_in_progress(open)
    local flow = open("victim", "udp")
    local sent = 0
    for _, text in ipairs(twenty(flow)) do
        for length = 0, #text - 1 do
            flow:send_raw(text:sub(1, length))
            sent = sent + 1
            if sent % 32 == 0 then
                ua.wait.pause(1)
            end
        end
    end
    ua.wait.pause(50)
    finish()
    t:ok(s:alive())
end)

test("truncated messages over TCP, the connection closed in the middle", function(t)
    local open, s = start(t)
    local finish = call_in_progress(open)
    local maker = open("victim")
    for _, text in ipairs(twenty(maker)) do
        for length = 1, #text - 1, 29 do
            local flow = open("cut")
            flow:send_raw(text:sub(1, length))
            flow:close(length % 2 == 0)
        end
    end
    finish()
    t:ok(s:alive())
end)

local function mutate(text, random)
    local bytes = text
    for _ = 1, random(1, 4) do
        local at = random(1, #bytes)
        local kind = random(1, 6)
        if kind == 1 then
            bytes = bytes:sub(1, at - 1) .. string.char(random(0, 255)) .. bytes:sub(at + 1)
        elseif kind == 2 then
            bytes = bytes:sub(1, at - 1) .. bytes:sub(at + random(1, 12))
        elseif kind == 3 then
            bytes = bytes:sub(1, at) .. bytes:sub(at, at + random(1, 60)) .. bytes:sub(at + 1)
        elseif kind == 4 then
            bytes = bytes:gsub("%d+", tostring(random(0, 1 << 40)), random(1, 5))
        elseif kind == 5 then
            local pieces = { "\r\n", "<", ">", '"', ";", ",", "%00", "\0", "@", ":", "[", "sip:", "\xff\xfe", " \t" }
            bytes = bytes:sub(1, at) .. pieces[random(1, #pieces)] .. bytes:sub(at + 1)
        else
            bytes = bytes:sub(1, at)
        end
        if #bytes == 0 then
            return text
        end
    end
    return bytes
end

test("10,000 random mutations over UDP, 1,000 over TCP", function(t)
    local open, s = start(t)
    local finish = call_in_progress(open)
    local seed = tonumber(os.getenv "REFLOW_SEED") or 5626
    print("# seed " .. seed .. " (REFLOW_SEED)")
    math.randomseed(seed)
    local flow, maker, victim = open("victim", "udp"), open("victim"), open("victim")
    victim:register { instance = ua.instance(7), reg_id = 1 }
    victim:serve { INVITE = 486, MESSAGE = 200, OPTIONS = 200, INFO = 481, ACK = function() end }
    local texts = twenty(maker)
    for index = 1, 10000 do
        flow:send_raw(mutate(texts[math.random(1, #texts)], math.random))
        if index % 32 == 0 then
            ua.wait.pause(1)
            flow.inbox, flow.odd = {}, {}
            t:ok(s:alive(), "died after mutation " .. index)
        end
    end
    for index = 1, 1000 do
        local stream = open("mutant")
        stream:send_raw(mutate(texts[math.random(1, #texts)], math.random))
        if index % 3 == 0 then
            ua.wait.pause(1)
        end
        stream:close()
    end
    finish()
    t:ok(s:alive())
end)

tap.done()
