-- SPDX-License-Identifier: BSD-2-Clause
-- Policies in Kamailio: every process has the same one; reloads, trials and ways back reach all of them or none.
local kamailio = require "kamailio"
local server = require "server"
local tap = require "tap"
local uv = require "luv"
local ua = require "ua"
local wait = require "wait"

local test = tap.test
local one = ua.instance(1)

local function answering(phrase, more)
    return ('sip_on_register(function() return sip_reply(403, "%s") end)\n%s\n'):format(phrase, more or "")
end

-- A Kamailio with this policy; s.write(text) changes the file.
local function start(t, source, options)
    options = options or {}
    local path = server.temporary ".lua"
    server.write(path, source)
    options.params = options.params or {}
    table.insert(options.params, { "reflow", "policy", path })
    table.insert(options.params, { "usrloc", "use_domain", 1 })
    t:defer(function()
        os.remove(path)
    end)
    local s = kamailio.start(t, options)
    -- It answers while some of its processes still start: those join with whatever version is in use then.
    t:ok(options.expect_end or options.up or wait.until_true(ua.patience, function()
        local _, joined = (s:rpc "reflow.status" or ""):gsub("pid: ", "")
        return joined == #s:processes() - 2 -- the main process and TCP's run no routes
    end), "not all processes have the policy")
    s.path = path
    function s.write(text)
        server.write(path, text)
    end
    function s.other(text)
        local other = server.temporary ".lua"
        server.write(other, text)
        t:defer(function()
            os.remove(other)
        end)
        return other
    end
    return s
end

local function open(s, user, transport)
    return ua.open { port = s.port, user = user, domain = s.domain, transport = transport or "udp" }
end

-- The phrase of the answer to a REGISTER.
local function answer(flow, options)
    options = options or {}
    options.expect = false
    return flow:register(options).phrase
end

-- The phrases that many flows get, over UDP and TCP: whichever process takes them. phrase -> how often.
local function answers(s, count)
    local phrases = {}
    for index = 1, count or 24 do
        local flow = open(s, "u" .. index, index % 2 == 0 and "tcp" or "udp")
        local phrase = answer(flow)
        phrases[phrase] = (phrases[phrase] or 0) + 1
        flow:close()
    end
    return phrases
end

local function only(t, s, phrase, count)
    for got in pairs(answers(s, count)) do
        t:equal(got, phrase)
    end
end

local function status(s)
    local text = assert(s:rpc "reflow.status")
    local processes, hashes = {}, {}
    for pid, name, hash, state in text:gmatch "pid: (%d+)%s+name: ([^\n]+)%s+hash: (%x+)%s+state: ([^\n]+)" do
        processes[#processes + 1] = { pid = tonumber(pid), name = name, hash = hash, state = state }
        hashes[hash] = true
    end
    return { text = text, version = tonumber(text:match "version: (%d+)"), hash = text:match "hash: (%x+)",
        processes = processes, hashes = hashes, history = text:match "history: .*" }
end

-- All processes that run routes have the version that the status names, and no other.
local function agreed(t, s)
    local now = status(s)
    for _, process in ipairs(now.processes) do
        t:equal(process.state, "in use", process.name)
        t:equal(process.hash, now.hash, process.name)
    end
    return now
end

local function reload(t, s)
    local text, why = s:rpc "reflow.reload"
    t:ok(text, why)
    return text
end

-- The same while the test goes on: .status is set when it has ended. Close .handle.
local function reload_beside(s)
    local self = {}
    self.handle = assert(uv.spawn(kamailio.commander, { args = { "-s", "unix:" .. s.folder .. "/kamailio_ctl",
        "reflow.reload" } }, function(code)
        self.status = code
        self.handle:close()
    end))
    return self
end

test("a policy decides on REGISTER, with Lua 5.4's words", function(t)
    local s = start(t, [[
local half <const> = 7 // 2
sip_on_register(function(request) return sip_reply(403, "No " .. half) end)
]])
    only(t, s, "No 3")
end)

test("a policy decides on a response: 486 goes to the voicemail", function(t)
    local s = start(t, "")
    local voicemail = open(s, "voicemail")
    s.write(('sip_on_response(486, function() return sip_relay("%s") end)'):format(voicemail.contact_uri))
    reload(t, s)
    local bob, alice = open(s, "bob"), open(s, "alice")
    bob:register { instance = one, reg_id = 1 }
    local call = alice:invite(bob.aor)
    bob:reply(bob:expect "INVITE", 486)
    voicemail:reply(voicemail:expect "INVITE", 200)
    alice:expect_final(call, 200)
end)

test("a call keeps the version it began with, whatever process hears of it", function(t)
    local s = start(t, "sip_on_response(486, function() return sip_fail(480) end)", { children = 4 })
    local bob, alice = open(s, "bob"), open(s, "alice")
    bob:register { instance = one, reg_id = 1 }
    local calls = {}
    for index = 1, 6 do
        local call = alice:invite(bob.aor)
        calls[index] = { sent = call, got = bob:expect "INVITE" }
    end
    s.write "sip_on_response(486, function() return sip_fail(404) end)"
    reload(t, s)
    for _, call in ipairs(calls) do
        bob:reply(call.got, 486)
        t:equal(alice:expect_final(call.sent).status, 480)
    end
    local later = alice:invite(bob.aor)
    bob:reply(bob:expect "INVITE", 486)
    t:equal(alice:expect_final(later).status, 404)
end)

test("a broken policy at start: one line that names file, line and reason, and Kamailio ends", function(t)
    local s = start(t, "\nsip_on_register(function( return end)\n", { expect_end = true })
    t:ok(s:wait(), "it went on")
    t:ok(s.status ~= 0)
    local lines = s:log_lines "the policy is broken"
    t:equal(#lines, 1)
    t:match(lines[1], "the policy is broken: " .. s.path:gsub("%p", "%%%0") .. ":2: ")
end)

test("on_credentials is refused with the modules that do this in Kamailio", function(t)
    local s = start(t, "\nsip_on_credentials(function(user) return nil end)\n", { expect_end = true })
    t:ok(s:wait(), "it went on")
    t:ok(s.status ~= 0)
    t:match(s.log, ":2: sip_on_credentials%(%): only reflow serve calls it; in Kamailio, the modules auth, auth_db")
end)

test("a policy that is missing, a layer without a policy: one line each", function(t)
    local s = kamailio.start(t, { expect_end = true, params = { { "reflow", "policy", "/nowhere/policy.lua" } } })
    t:ok(s:wait())
    t:match(s.log, "a path in modparam policy, layer or tenant names nothing: /nowhere/policy.lua: No such file")
    s = kamailio.start(t, { expect_end = true, params = { { "reflow", "layer", "site:10=/nowhere" } } })
    t:ok(s:wait())
    t:match(s.log, "modparam layer, tenant: they need modparam policy, which is missing")
end)

test("the last good policy serves if the one at start is broken, with a log line", function(t)
    local good = server.temporary ".good"
    t:defer(function()
        os.remove(good)
    end)
    local params = { { "reflow", "policy_last_good", good } }
    local s = start(t, answering "one", { params = params })
    s.write(answering "two")
    reload(t, s)
    s:stop()
    s = start(t, "error('half written", { params = { params[1] } })
    s:wait_for_log "THE POLICY IS BROKEN, serving with the last good version of it: .*:1: "
    only(t, s, "two", 8)
    local lost = kamailio.start(t, { expect_end = true, params = { { "reflow", "policy", "/nowhere/policy.lua" },
        params[1] } })
    t:ok(lost:wait())
    t:match(lost.log, "names nothing: /nowhere/policy%.lua: No such file or directory")
    os.remove(good)
    server.write(good, "not a policy")
    s = start(t, "error('half written", { params = { params[1] }, expect_end = true })
    t:ok(s:wait())
    t:match(s.log, "the policy is broken")
end)

test("the last good policy cannot be kept: a log line, and calls continue", function(t)
    local s = start(t, answering "one", { params = { { "reflow", "policy_last_good", "/nowhere/good" } } })
    s:wait_for_log "the last good policy could not be kept in /nowhere/good"
    s.write(answering "two")
    reload(t, s)
    only(t, s, "two", 8)
end)

test("a reload takes effect in all processes", function(t)
    local s = start(t, answering "one", { children = 4, tcp_children = 3 })
    local before = agreed(t, s)
    t:equal(before.version, 1)
    only(t, s, "one")
    s.write(answering "two")
    t:match(reload(t, s), "version: 2.*result: version 2 %(%x+%) is in use in %d+ processes")
    only(t, s, "two")
    local after = agreed(t, s)
    t:equal(after.version, 2)
    t:equal(#after.processes, #before.processes)
    t:ok(#after.processes >= 4 + 3 + 2, "too few processes: " .. #after.processes)
    t:ok(after.hash ~= before.hash)
    t:match(after.history, "state: active.*version: 1.*state: previous")
    local text = s:rpc "reflow.reload"
    t:match(text, "result: unchanged%s+why: these bytes are in use, as version 2")
    t:equal(s:statistic "reflow:policy_reloads", 1)
    t:equal(s:statistic "reflow:policy_reloads_unchanged", 1)
    t:equal(s:statistic "reflow:policy_reloads_failed", 0)
end)

test("a reload of unchanged bytes succeeds, also after a rollback", function(t)
    local s = start(t, answering "one")
    t:match(s:rpc "reflow.reload" or "", "result: unchanged")
    s.write(answering "two")
    reload(t, s)
    assert(s:rpc "reflow.rollback")
    s.write(answering "one")
    t:match(s:rpc "reflow.reload" or "", "result: unchanged")
    only(t, s, "one", 8)
    t:equal(s:statistic "reflow:policy_reloads_failed", 0)
    t:equal(#s:log_lines "ERROR", 0)
end)

test("a reload from another path", function(t)
    local s = start(t, answering "one")
    t:ok(s:rpc("reflow.reload", s.other(answering "elsewhere")))
    only(t, s, "elsewhere", 8)
    local text, why = s:rpc("reflow.reload", "/nowhere/at.lua")
    t:ok(not text)
    t:match(why, "404.*/nowhere/at.lua: No such file")
    only(t, s, "elsewhere", 8)
end)

test("a broken reload changes nothing anywhere, and is not tried twice", function(t)
    local s = start(t, answering "one", { children = 4 })
    local before = agreed(t, s)
    s.write(answering("half", "error('last line')"))
    local text, why = s:rpc "reflow.reload"
    t:ok(not text)
    t:match(why, "500.*:2: last line")
    only(t, s, "one")
    t:equal(agreed(t, s).hash, before.hash)
    why = select(2, s:rpc "reflow.reload")
    t:match(why, "failed before, as version 2: .*last line")
    t:equal(#s:log_lines "policy not reloaded, the active one stays in use", 2)
    s.write("error('" .. ("long"):rep(200) .. "')")
    why = select(2, s:rpc "reflow.reload")
    t:match(why, "500.*:1: longlong.*%.%.%.")
    s.write(answering "mended")
    reload(t, s)
    only(t, s, "mended")
end)

test("what fails in some processes is taken by none, and they say why", function(t)
    local s = start(t, answering "one", { children = 4 })
    local before = agreed(t, s)
    s.write(answering("some", [[
local sip = require "reflow"
if sip.store.add("loads", 1) > 5 then error("not in this process") end
]]))
    local text, why = s:rpc "reflow.reload"
    t:ok(not text)
    t:match(why, "500.*:3: not in this process.* %[process %d+, ")
    only(t, s, "one")
    t:equal(agreed(t, s).hash, before.hash)
    t:match(status(s).history, "state: failed")
    s.write(answering "two")
    reload(t, s)
    only(t, s, "two")
    agreed(t, s)
end)

test("what one process cannot take over from the version before is taken by none", function(t)
    local keeping = 'local sip = require "reflow"\nsip.save(function() return { n = 1 }, 1 end)\n'
    local s = start(t, keeping .. answering "one", { children = 3 })
    s.write(keeping .. [[
sip.restore(function() return sip.store.add("restored", 1) ~= 4 end)
]] .. answering "two")
    local text, why = s:rpc "reflow.reload"
    t:ok(not text)
    -- Any of them may be the fourth, also the one that took the command, which does not name itself.
    t:match(why, "sip%.restore%(%): refused")
    only(t, s, "one")
    agreed(t, s)
    s.write(keeping .. [[
local kept = 0
sip.restore(function(data) kept = data.n return true end)
sip_on_register(function() return sip_reply(403, "kept " .. kept) end)
]])
    reload(t, s)
    only(t, s, "kept 1")
end)

test("a policy that takes too long to load is taken by none, and nobody waits for it", function(t)
    local s = start(t, answering "one", { params = { { "reflow", "policy_load_time", 2000 } } })
    local flow = open(s, "alice")
    s.write "while true do end"
    local began, under_way, slowest, asked = uv.hrtime(), reload_beside(s), 0, 0
    -- The time of a load is CPU time: on a busy machine it takes many times as long.
    while not under_way.status and uv.hrtime() - began < 10 * ua.patience * 1e6 do
        local at = uv.hrtime()
        t:equal(answer(flow), "one")
        slowest, asked = math.max(slowest, uv.hrtime() - at), asked + 1
    end
    t:ok(under_way.status)
    t:ok(asked > 10, "too little traffic: " .. asked)
    -- A request that waited for it would have waited for nearly all of it.
    t:at_most(slowest / 1e6, (uv.hrtime() - began) / 2e6)
    local why
    wait.until_true(ua.patience, function() -- 491: a process is not yet through with it
        why = select(2, s:rpc "reflow.reload")
        return not why:find "error: 491"
    end)
    t:match(why, "failed before, as version 2: .*ran past its time")
    t:equal(agreed(t, s).version, 1)
end)

test("a runaway hook is stopped, and the request goes on by default", function(t)
    local s = start(t, [[
sip_on_register(function(request)
    if request.from:find "loop" then while true do end end
    if request.from:find "caught" then while true do pcall(function() while true do end end) end end
end)
]], { params = { { "reflow", "policy_time", 20 } } })
    for _, user in ipairs { "loop", "caught", "plain" } do
        open(s, user):register { instance = one, reg_id = 1 }
    end
    t:match(s.log, "ran past its time")
end)

test("a hook at its memory cap: the request goes on by default, and the policy serves again", function(t)
    local s = start(t, [[
sip_on_register(function(request)
    if request.from:find "greedy" then
        local kept = {}
        for i = 1, 1e9 do kept[i] = ("%d"):format(i) end
    end
    return sip_reply(403, "fine")
end)
]], { params = { { "reflow", "policy_memory", 512 }, { "reflow", "policy_time", 1000 } }, children = 1 })
    local flow, greedy = open(s, "alice"), open(s, "greedy")
    t:equal(answer(flow), "fine")
    greedy:register { instance = one, reg_id = 1 }
    t:ok(wait.until_true(ua.patience, function()
        return answer(flow) == "fine"
    end), "the policy does not serve again")
    s:wait_for_log "ran out of memory and was built anew"
end)

test("rollback goes back in all processes, once", function(t)
    local s = start(t, answering "one", { children = 4 })
    local first = agreed(t, s).hash
    s.write(answering "two")
    reload(t, s)
    t:match(assert(s:rpc "reflow.rollback"), "version: 1")
    only(t, s, "one")
    t:equal(agreed(t, s).hash, first)
    local text, why = s:rpc "reflow.rollback"
    t:ok(not text)
    t:match(why, "404.*no previous version")
    reload(t, s)
    only(t, s, "two", 8)
end)

test("a version that fails too often in one process goes in all of them", function(t)
    local s = start(t, answering "one", { children = 4 })
    local first = agreed(t, s).hash
    s.write "sip_on_register(function() error('always') end)"
    reload(t, s)
    -- One connection stays with one process: only that one sees failures.
    local flow = open(s, "alice", "tcp")
    local back = wait.until_true(ua.patience, function()
        return answer(flow) == "one"
    end)
    t:ok(back, "it did not go back")
    t:ok(wait.until_true(ua.patience, function()
        return s:rpc "reflow.status":match "hash: (%x+)" == first
    end))
    agreed(t, s)
    only(t, s, "one")
    local text, why = s:rpc "reflow.reload"
    t:ok(not text)
    t:match(why, "412.*failed before, as version 2: %d+ of %d+ entries failed")
    t:equal(#s:log_lines "policy version 2 taken back", 1)
end)

test("a canary has its share of the calls in whatever process, and is promoted", function(t)
    local s = start(t, answering "one", { children = 3 })
    local other = s.other(answering "canary")
    t:ok(s:rpc("reflow.canary", other, 30))
    t:match(status(s).text, "canary: .*percent: 30")
    local flows = { open(s, "a"), open(s, "b", "tcp"), open(s, "c") }
    local taken, by_call = 0, {}
    for index = 1, 300 do
        local id = "canary" .. index
        by_call[id] = answer(flows[index % 3 + 1], { call_id = id })
        taken = taken + (by_call[id] == "canary" and 1 or 0)
    end
    t:ok(taken > 50 and taken < 130, "30 % of 300: " .. taken)
    for index = 1, 300, 7 do
        local id = "canary" .. index
        t:equal(answer(flows[(index + 1) % 3 + 1], { call_id = id }), by_call[id], "the same call elsewhere")
    end
    t:match(assert(s:rpc("reflow.canary", "promote")), "version: 2")
    only(t, s, "canary")
    agreed(t, s)
    local _, why = s:rpc("reflow.canary", "promote")
    t:match(why, "404.*there is no canary")
    t:ok(s:rpc("reflow.rollback"))
    only(t, s, "one")
    t:ok(s:rpc("reflow.canary", other, "0.1"))
    t:ok(s:rpc("reflow.canary", "off"))
    t:match(s:rpc("reflow.canary", "off"), "result: unchanged%s+why: there is no canary")
    t:ok(not status(s).text:find "canary:")
end)

test("a canary that fails too often ends in all processes, and the others' calls never saw it", function(t)
    local s = start(t, answering "one", { children = 3 })
    local failing = s.other "sip_on_register(function() error('always') end)"
    t:ok(s:rpc("reflow.shadow", failing))
    t:ok(s:rpc("reflow.canary", failing, 100))
    local flow = open(s, "alice", "tcp")
    t:ok(wait.until_true(ua.patience, function()
        return answer(flow) == "one"
    end))
    t:ok(wait.until_true(ua.patience, function()
        return not s:rpc "reflow.status":find "canary: {"
    end))
    only(t, s, "one")
    t:ok(not status(s).text:find "shadow: {", "the same bytes are still the shadow")
    local _, why = s:rpc("reflow.canary", failing, 100)
    t:match(why, "412.*failed before")
end)

test("a shadow decides without effect, and is compared", function(t)
    local s = start(t, answering "one", { children = 2 })
    t:ok(s:rpc("reflow.shadow", s.other 'sip_on_register(function() return sip_reply(404, "shadow") end)'))
    only(t, s, "one", 10)
    local text = status(s).text
    t:match(text, "shadow: .*agreements: 0%s+differences: 10")
    t:match(text, "hook: register%s+code: 0%s+active: reply 403%s+shadow: reply 404%s+call_id: reg")
    t:ok(s:rpc("reflow.shadow", "off"))
    only(t, s, "one", 4)
    t:match(s:rpc("reflow.shadow", "off"), "result: unchanged%s+why: there is no shadow")
    local _, why = s:rpc("reflow.shadow", s.other "sip_on_register(1)")
    t:match(why, "500.*:1: ")
end)

test("sip.store is one for all processes", function(t)
    local s = start(t, [[
local sip = require "reflow"
sip_on_register(function() return sip_reply(403, "n " .. sip.store.add("n", 1)) end)
]], { children = 4 })
    local seen = answers(s, 20)
    for index = 1, 20 do
        t:equal(seen["n " .. index], 1, "n " .. index)
    end
    s.write "-- changed\n"
    reload(t, s)
    s.write [[
local sip = require "reflow"
sip_on_register(function() return sip_reply(403, "kept " .. sip.store.count("n")) end)
]]
    reload(t, s)
    only(t, s, "kept 20", 6)
end)

test("explain: the hooks that a response goes through", function(t)
    local s = start(t, [[
sip_on_response("4xx", function() end)
sip_on_response(486, function() end, { on_error = 503 })
]])
    local text = assert(s:rpc("reflow.explain", 486))
    t:match(text, "code: 486%s+phrase: Busy Here")
    t:match(text, ":2%s+selector: 486.-on_error: 503.-:1%s+selector: 4xx.-on_error: core")
    t:match(text, "the first that returns a verdict decides")
    t:match(assert(s:rpc("reflow.explain", 200, "sip:bob@example.test")), "no hook is asked")
end)

test("wrong parameters of each command: one clear line, nothing done", function(t)
    local s = start(t, answering "one")
    local before = agreed(t, s)
    local cases = {
        { "reflow.reload", "a", "b", "takes one path, or nothing" },
        { "reflow.rollback", "now", "takes no parameter" },
        { "reflow.status", "all", "takes no parameter" },
        { "reflow.shadow", "takes the path of a policy, or off" },
        { "reflow.shadow", "a", "b", "takes the path of a policy, or off" },
        { "reflow.canary", "takes the path of a policy and a share" },
        { "reflow.canary", s.path, "a share of the calls" },
        { "reflow.canary", s.path, 0, "0.1 to 100" },
        { "reflow.canary", s.path, 101, "0.1 to 100" },
        { "reflow.canary", s.path, "many", "0.1 to 100" },
        { "reflow.canary", "promote", 5, "or promote; or off" },
        { "reflow.explain", "a response code from 100 to 699" },
        { "reflow.explain", 99, "a response code from 100 to 699" },
        { "reflow.explain", 700, "a response code from 100 to 699" },
        { "reflow.explain", "busy", "a response code from 100 to 699" },
        { "reflow.explain", 486, "bob", "as sip:user@domain" },
        { "reflow.explain", 486, "sip:bob@example.test", "more", "as sip:user@domain" },
    }
    for _, case in ipairs(cases) do
        local text, why = s:rpc(table.unpack(case, 1, #case - 1))
        t:ok(not text, table.concat(case, " "))
        t:match(why, "400 %- reflow%.%w+ takes")
        t:ok(why:find(case[#case], 1, true), why)
    end
    t:equal(agreed(t, s).version, before.version)
    s = kamailio.start(t)
    for _, command in ipairs { "reload", "rollback", "status", "shadow", "canary", "explain" } do
        local text, why = s:rpc("reflow." .. command)
        t:ok(not text)
        t:match(why, "404.*there is no policy: modparam")
    end
end)

test("layers and tenants: the tenant's hook for its domain alone, then the layer of the higher priority", function(t)
    local function file(text)
        local path = server.temporary ".lua"
        server.write(path, text)
        t:defer(function()
            os.remove(path)
        end)
        return path
    end
    local site, tenant = file "-- nothing yet", file(answering "tenant")
    local s = start(t, answering "base", { params = { { "reflow", "layer", "site:10=" .. site },
        { "reflow", "tenant", "example.test=" .. tenant } } })
    local ours = open(s, "alice")
    local other = ua.open { port = s.port, user = "bob", domain = "other.test" }
    t:equal(answer(ours), "tenant")
    t:equal(answer(other), "base")
    server.write(site, answering "site")
    reload(t, s)
    t:equal(answer(ours), "tenant")
    t:equal(answer(other), "site")
    server.write(tenant, "error 'broken'")
    local text, why = s:rpc "reflow.reload"
    t:ok(not text)
    t:match(why, "500.*broken")
    t:equal(answer(ours), "tenant")
    server.write(tenant, "sip_on_response(486, function() end)")
    reload(t, s)
    t:match(assert(s:rpc("reflow.explain", 486, "sip:alice@example.test")), "layer: example.test")
    t:match(assert(s:rpc("reflow.explain", 486, "sip:alice@other.test")), "no hook is asked")
end)

-- Two tenants, example.test and other.test; returns the server and the paths of their policies.
local function start_tenants(t, ours, others)
    local paths = {}
    for index, text in ipairs { ours, others } do
        paths[index] = server.temporary ".lua"
        server.write(paths[index], text)
    end
    t:defer(function()
        for _, path in ipairs(paths) do os.remove(path) end
    end)
    local s = start(t, answering "base", { children = 4, params = {
        { "reflow", "tenant", "example.test=" .. paths[1] }, { "reflow", "tenant", "other.test=" .. paths[2] },
        { "reflow", "tenant_memory", 1024 }, { "reflow", "tenant_store", 100 } } })
    return s, paths
end

test("tenants have stores of their own, each the same in all processes", function(t)
    local source = [[
        local store = require "reflow".store
        sip_on_register(function()
            for i = 1, FILL do store.put("x" .. i, 1) end
            store.insert("calls", tostring(store.size "calls"))
            return sip_reply(403, ("%s %d"):format(tostring(store.get "x1"), store.size "calls"))
        end)
    ]]
    local s = start_tenants(t, source:gsub("FILL", "0"), source:gsub("FILL", "500"))
    local ours, flows = open(s, "alice"), {}
    for index = 1, 8 do
        flows[index] = ua.open { port = s.port, user = "eve", domain = "other.test",
            transport = index % 2 == 0 and "tcp" or "udp" }
    end
    for count = 1, 12 do
        for _, flow in ipairs(flows) do
            t:equal(answer(flow), "1 0") -- it has filled its store before the set
        end
        t:equal(answer(count % 2 == 0 and ours or open(s, "alice", "tcp")), "nil " .. count)
    end
end)

test("a tenant that fails too often in one process goes back alone, in all of them", function(t)
    local s, paths = start_tenants(t, answering "ours 1", answering "others 1")
    server.write(paths[1], answering "ours 2")
    server.write(paths[2], "sip_on_register(function() error('always') end)")
    reload(t, s)
    local eve = ua.open { port = s.port, user = "eve", domain = "other.test", transport = "tcp" }
    t:ok(wait.until_true(ua.patience, function()
        return answer(eve) == "others 1"
    end), "it did not go back")
    local function all_went_back()
        for index = 1, 16 do
            local flow = ua.open { port = s.port, user = "u" .. index, domain = "other.test",
                transport = index % 2 == 0 and "tcp" or "udp" }
            local phrase = answer(flow)
            flow:close()
            if phrase ~= "others 1" then return false end
        end
        return true
    end
    -- Fewer requests than would make the other processes go back by themselves.
    t:ok(wait.until_true(ua.patience, function()
        return #s:log_lines "tenant other.test: its policy in version 2 is taken back" >= 1
    end))
    t:ok(wait.until_true(ua.patience, all_went_back))
    only(t, s, "ours 2")
    t:equal(agreed(t, s).version, 2)
    server.write(paths[1], answering "ours 3")
    reload(t, s)
    only(t, s, "ours 3")
    t:ok(all_went_back(), "bytes that failed are not tried again")
end)

test("the commands as JSON, from inside a worker", function(t)
    local modules = { table.unpack(kamailio.modules) }
    table.insert(modules, #modules, "jsonrpcs")
    local s = start(t, answering "one", { modules = modules, children = 2, extra = [[
route[BEFORE] {
    if (is_method("MESSAGE")) {
        jsonrpc_exec("$rb");
        sl_send_reply("200", "$jsonrpl(body)");
        exit;
    }
}
]] })
    local alice = open(s, "alice")
    local function ask(method, parameters)
        local body = ('{"jsonrpc":"2.0","method":"%s","params":[%s],"id":1}'):format(method, parameters or "")
        local request = alice:request("MESSAGE", { uri = "sip:example.test", contact = false, body = body,
            headers = { { "Content-Type", "application/json" } } })
        return alice:expect_final(request).phrase:gsub("%s+", " ")
    end
    t:match(ask "reflow.status", '"version": ?1,.*"processes": ?%[.*"history": ?%[')
    s.write(answering "two")
    t:match(ask "reflow.reload", '"version": ?2,')
    only(t, s, "two", 8)
    agreed(t, s)
    t:match(ask("reflow.canary", ('"%s", 12.5'):format(s.other(answering "three"))), '"version": ?3,')
    t:match(ask "reflow.status", '"canary": ?{.*"percent": ?12.5')
    t:match(ask("reflow.canary", '"off"'), '"result"')
    t:match(ask("reflow.canary", ('"%s", "many"'):format(s.path)), '"error".*0.1 to 100')
    t:match(ask("reflow.explain", "486"), '"phrase": ?"Busy Here"')
end)

test("reloads every 100 ms under traffic: no process dies, every answer is of one version or another", function(t)
    local s = start(t, answering "v0", { children = 3 })
    local flows = {}
    for index = 1, 6 do
        flows[index] = open(s, "f" .. index, index % 2 == 0 and "tcp" or "udp")
    end
    local asked, turned, version = 0, 0, 0
    while version < 30 or asked < 500 do
        version = version + 1
        s.write(answering("v" .. version))
        local before, after, under_way = "v" .. version - 1, "v" .. version, reload_beside(s)
        local next_at, news = uv.hrtime() + 100e6, false
        while not under_way.status or uv.hrtime() < next_at do
            local phrase = answer(flows[asked % #flows + 1])
            t:ok(phrase == before or phrase == after, phrase)
            -- The first that has it is not the last: but none has the old one again in its process.
            news = news or phrase == after
            asked = asked + 1
        end
        turned = turned + (news and 1 or 0)
        for _, flow in ipairs(flows) do
            t:equal(answer(flow), after)
        end
    end
    t:ok(turned > 0, ("%d reloads, none seen under way"):format(version))
    t:equal(agreed(t, s).version, version + 1)
end)

test("one reload at a time: another one is refused", function(t)
    local modules = { table.unpack(kamailio.modules) }
    table.insert(modules, #modules, "jsonrpcs")
    local s = start(t, answering "one", { modules = modules, children = 2, params = {
        { "reflow", "policy_load_time", 5000 } }, extra = [[
route[BEFORE] {
    if (is_method("MESSAGE")) {
        jsonrpc_exec('{"jsonrpc":"2.0","method":"reflow.rollback","id":1}');
        sl_send_reply("200", "$jsonrpl(body)");
        exit;
    }
}
]] })
    local alice = open(s, "alice")
    s.write("local n = 0 for i = 1, 3e7 do n = n + i end\n" .. answering "two")
    local under_way = reload_beside(s)
    local refused
    while not under_way.status do
        local request = alice:request("MESSAGE", { uri = "sip:example.test", contact = false })
        local phrase = alice:expect_final(request).phrase
        refused = refused or phrase:match "another reload is under way"
    end
    t:equal(under_way.status, 0)
    t:ok(refused)
    agreed(t, s)
end)

test("processes that start after a reload have what the others have: the version, the one before, canary, shadow",
    function(t)
        local s = start(t, answering "one", { tcp_children = 3, core = "fork_delay=250000",
            up = "io_listen_loop[():]+ +using" })
        s.write(answering "two")
        reload(t, s)
        local began_with = #status(s).processes
        t:ok(s:rpc("reflow.canary", s.other(answering "canary"), 50))
        t:ok(s:rpc("reflow.shadow", s.other(answering "shadow")))
        t:ok(wait.until_true(ua.patience, function()
            return #status(s).processes >= began_with + 3
        end), "the others do not join")
        t:equal(agreed(t, s).version, 2)
        local flow, seen = open(s, "alice", "tcp"), {}
        for index = 1, 40 do
            seen[answer(flow, { call_id = "late" .. index })] = true
        end
        t:ok(seen.two and seen.canary)
        t:match(status(s).text, "shadow: .*agreements: [1-9]")
        t:ok(s:rpc("reflow.canary", "off"))
        t:ok(s:rpc "reflow.rollback")
        agreed(t, s)
        t:equal(answer(flow), "one")
    end)

test("a process that stands still is waited for, then none has the new version", function(t)
    local s = start(t, answering "one", { children = 2, params = { { "reflow", "policy_load_time", 50 } } })
    local stopped = s:workers()[1]
    s.write(answering "two")
    uv.kill(stopped, "sigstop")
    local text, why = s:rpc "reflow.reload"
    t:match(status(s).text, ("pid: %d%%s+name: udp receiver[^\n]+%%s+hash: %%x+%%s+state: does not answer")
        :format(stopped))
    uv.kill(stopped, "sigcont")
    t:equal(text, nil)
    t:match(why, "500.*it does not answer %[process " .. stopped .. ", udp receiver")
    t:ok(wait.until_true(ua.patience, function()
        return not s:rpc "reflow.status":find "state: does not answer"
    end))
    only(t, s, "one")
    agreed(t, s)
    reload(t, s)
    only(t, s, "two")
    agreed(t, s)
end)

test("no shared memory for a new version: an error, and the one in use stays", function(t)
    local s = start(t, answering "one", { memory = 8 })
    local before = agreed(t, s)
    local folder = assert(uv.fs_mkdtemp((os.getenv "TMPDIR" or "/tmp") .. "/large-XXXXXX"))
    t:defer(function()
        for index = 1, 7 do
            os.remove(("%s/%d.lua"):format(folder, index))
        end
        uv.fs_rmdir(folder)
    end)
    for index = 1, 7 do
        server.write(("%s/%d.lua"):format(folder, index), "--" .. ("x"):rep(1000000) .. "\n" .. answering "large")
    end
    local text, why = s:rpc("reflow.reload", folder)
    t:ok(not text)
    t:match(why, "500.*no shared memory for the policy")
    only(t, s, "one", 8)
    t:equal(agreed(t, s).hash, before.hash)
    s.write(answering "two")
    reload(t, s)
    only(t, s, "two", 8)
end)

local function resident(s)
    local total = 0
    for _, process in ipairs(status(s).processes) do
        local file = assert(io.open(("/proc/%d/smaps_rollup"):format(process.pid)))
        total = total + tonumber(file:read("a"):match "Private_Dirty:%s+(%d+)")
        file:close()
    end
    return total
end

test("reloads leave the memory of processes, and the shared, flat", function(t)
    local rounds = tonumber(os.getenv "REFLOW_TEST_RELOADS") or 200
    -- What was freed is given back at once, not kept by the sanitizer.
    local s = start(t, answering "v0", { environment = { ASAN_OPTIONS = "quarantine_size_mb=0" } })
    local shared, private
    for version = 1, rounds do
        s.write(answering("v" .. version % 7, "-- " .. version))
        reload(t, s)
        if version == rounds // 2 then
            shared, private = s:statistic "shmem:used_size", resident(s)
        end
    end
    local shared_growth, private_growth = s:statistic "shmem:used_size" - shared, resident(s) - private
    t:at_most(shared_growth, 4096, "bytes of shared memory")
    t:at_most(private_growth, 1024 + #status(s).processes * rounds // 2 // 4, "KiB of all processes")
    print(("# %d reloads: shared memory %+d bytes, private %+d KiB"):format(rounds - rounds // 2, shared_growth,
        private_growth))
end)

local lua51 = [[
function ksr_request_route()
    if KSR.is_method("REGISTER") then
        local version = _VERSION
        if math.pow == nil or unpack == nil then KSR.sl.send_reply(500, "not Lua 5.1") return 1 end
        KSR.hdr.append("X-Route: " .. version .. "\r\n")
        KSR.reflow.save("location")
        return 1
    end
    KSR.sl.send_reply(404, "Not Here")
    return 1
end
]]

for _, order in ipairs { "before", "after" } do
    test("app_lua's Lua 5.1 routes and a Lua 5.4 policy decides, app_lua loaded " .. order, function(t)
        if not uv.fs_stat(kamailio.module_path():match "[^:]+" .. "/app_lua.so") then
            t:skip "no app_lua.so"
        end
        local route = server.temporary ".lua"
        server.write(route, lua51)
        t:defer(function()
            os.remove(route)
        end)
        local modules = { table.unpack(kamailio.modules) }
        table.remove(modules) -- reflow
        for _, name in ipairs(order == "before" and { "app_lua", "reflow" } or { "reflow", "app_lua" }) do
            modules[#modules + 1] = name
        end
        local s = start(t, [[
local half <const> = 7 // 2
sip_on_register(function() return sip_reply(403, "Lua 5.4 " .. half .. " " .. (5 & 4)) end)
]], { modules = modules, config = 'cfgengine "lua"\n', params = { { "app_lua", "load", route },
            { "usrloc", "preload", "location" } } })
        only(t, s, "Lua 5.4 3 4", 8)
        s.write [[sip_on_register(function() return sip_reply(403, "again " .. 9 // 2) end)]]
        reload(t, s)
        only(t, s, "again 4", 8)
        s.write "x = = 1"
        t:ok(not s:rpc "reflow.reload")
        only(t, s, "again 4", 4)
    end)
end

tap.done()
