-- SPDX-License-Identifier: BSD-2-Clause
-- The language of specs for policies, as `reflow test` runs them:
--
--     local bob = phone { aor = "sip:bob@example.com", flows = 2 }      -- registers two flows, bob/1 and bob/2
--     local voicemail = server("127.0.0.1:5094", { name = "voicemail" }) -- is somewhere else
--
--     test("busy goes to voicemail", function()
--         bob:answers(180, { 486, after = 5 })
--         voicemail:answers(200)
--         local call = invite "sip:bob@example.com"
--         advance(5)                                                     -- seconds; nobody waits for them
--         expect(call):hears(200)
--         expect(call):tried { "bob/1", "voicemail" }
--         expect(call):decided { code = 486, verdict = "relay" }
--     end)
--
-- policy(path), domain(name)      before anything else: what is tested (else what belongs to the spec), one more domain
-- trunk(cidr)                     likewise: addresses of a trunk, for call.trunk of requests with a source there
-- edge()                          likewise: the server is an edge proxy, without domain and bindings
-- user(aor, password)             likewise: a user, "bob@example.com"; the server then asks for credentials
-- phone { aor, flows = 1, transport = "tcp", name, instance, q, headers, expires, unregistered, reacts, password }
--                                 flows = 0: a plain contact over UDP; edges = { "edge 1", ... }: a flow through each
--                                 of these edge proxies, which answer for the phone, for example with 430, and whose
--                                 Path has the parameters `path` ("lr;ob"); reacts: as below, for its REGISTER;
--                                 contact = "198.51.100.1:5060": it can be called there, besides over its flow
--   :flow(n)                      one flow; a phone and a flow both have
--   :answers(step, ...)           what every request gets: 486, { 486, after = s, headers = {}, phrase, body },
--                                 "is silent", "dies"; without a word of this: 200 at once
--   :then_answers(step, ...)      what every request gets after the next one
--   :answer(step)                 what the request that waits there gets now
--   :dies() :falls_silent() :comes_back() :registers()
--   :refreshes()                  a REGISTER over the same flow
--   :closes()                     the connection closes, and its peer can be reached over a new one
--   :is_unreachable(quotes)       an ICMP error, which quotes the request that waits there, or nothing
-- server(address, { name, transport })  the same, but for flow() and registers(); two with one name are its addresses
--   :notifies(headers)            a NOTIFY for the SUBSCRIBE that came there
--   :sends_back(uri)              each request comes back from there with this Request-URI, as from a proxy
--   :forges(phone, step)          the response to the request that waits at the phone, sent from here
-- invite(uri or { to, from, uri, contact, headers, body, source, over, call_id, reacts, user, password, retries })
-- request(method, uri or { ... })
--                                 over: the phone or server that sends it
--                                 reacts = true: the caller does with final responses what the core decides for a
--                                 user agent: it retries with credentials (user, password), after 422, 423 or 491, and
--                                 calls the Contact of a 3xx. A wait that is random takes the middle of its range.
--                                 uri: the Request-URI, if it is not `to`; contact: the value of Contact; retries: the
--                                 header fields that a retry has instead, where only a user can change the request, as
--                                 after 424 or 428
--   :cancel() :bye() :inside(method, headers) .final .elapsed .responses
-- advance(seconds)
-- expect(call):hears(code)        the final response; hears { 180, 486 }: all above 100; hears(): none but 100
--   :header(name, value)          of the last response; nil: it has none
--   :tried { "bob/1", ... }       where the request went, in this order; :never_tried(name)
--   :decided { code, action, rule, verdict, refused, status, origin, flows_left, role }  one decision is like that
-- expect(phone):registered(), expect(phone):refused(code)
-- credentials(user, realm, algorithm)  what sip.on_credentials knows: HA1, nil for no such user, nil and "failed"
-- expect_log(pattern), expect_no_log(pattern), equal(got, wanted)
--
-- Each test has a server, a policy and a spec of its own: the file is run anew for it. A hook that fails, or a verdict
-- that a guardrail refuses, fails the test where no expect_log or decided { refused } asks for it.
local actors = require "reflow.spec_actors"
local load = load -- specs run without it: see module/cli/test/policy_test_run.c

local function show(value)
    if type(value) == "string" then return ("%q"):format(value) end
    return tostring(value)
end

local function list(values)
    local words = {}
    for index, value in ipairs(values) do words[index] = tostring(value) end
    return #words > 0 and table.concat(words, "  ") or "nothing"
end

-- Two lists, one below the other, and a mark where they part.
local function differ(what, got, wanted)
    local first = 1
    while got[first] ~= nil and got[first] == wanted[first] do first = first + 1 end
    local before = {}
    for index = 1, first - 1 do before[index] = tostring(wanted[index]) end
    local indent = #table.concat(before, "  ") + (first > 1 and 2 or 0)
    return ("%-9s %s\n%-9s %s\n%s^"):format("expected", list(wanted), what, list(got), (" "):rep(10 + indent))
end

local function same(a, b)
    if #a ~= #b then return false end
    for index = 1, #a do
        if a[index] ~= b[index] then return false end
    end
    return true
end

-- What a spec says lies two levels above: this function, the expectation, the spec.
local function fail(text)
    error((text:find "\n" and "\n" or "") .. text, 3)
end

local decision_keys = { code = true, action = true, rule = true, verdict = true, refused = true, status = true,
    origin = true, flows_left = true, role = true }

local function describe(decision)
    local words = {}
    for _, key in ipairs { "code", "action", "rule", "verdict", "refused", "status", "origin", "flows_left", "role" } do
        if decision[key] ~= nil then words[#words + 1] = ("%s=%s"):format(key, tostring(decision[key])) end
    end
    return table.concat(words, " ")
end

local function expectations(world)
    local of_call, of_phone = {}, {}

    local function heard(call)
        local codes = {}
        for _, response in ipairs(call.responses) do
            if response.code > 100 then codes[#codes + 1] = response.code end
        end
        return codes
    end

    function of_call:hears(wanted)
        local call = self.subject
        if type(wanted) == "table" then
            if not same(heard(call), wanted) then fail(differ("heard", heard(call), wanted)) end
        elseif wanted == nil then
            if #heard(call) > 0 then fail(differ("heard", heard(call), {})) end
        elseif not call.final or call.final.code ~= wanted then
            fail(("expected  %s in the end\nheard     %s%s"):format(wanted, list(heard(call)),
                call.final and "" or ", and nothing final"))
        end
        return self
    end

    function of_call:header(name, wanted)
        local response = self.subject.responses[#self.subject.responses]
        local got = response and response:header(name)
        if got ~= wanted then
            fail(("expected  %s: %s\nheard     %s: %s"):format(name, show(wanted), name, show(got)))
        end
        return self
    end

    function of_call:tried(wanted)
        local got = self.subject.tried
        if type(wanted) ~= "table" then fail "tried takes a list, { \"bob/1\", \"bob/2\" }" end
        if not same(got, wanted) then fail(differ("tried", got, wanted)) end
        return self
    end

    function of_call:never_tried(name)
        for _, each in ipairs(self.subject.tried) do
            if each == name then fail(("expected  %s never to be tried\ntried     %s"):format(name,
                list(self.subject.tried))) end
        end
        return self
    end

    function of_call:decided(wanted)
        local made = {}
        if type(wanted) ~= "table" then fail "decided takes a table, { code = 486, verdict = \"relay\" }" end
        for key in pairs(wanted) do
            if not decision_keys[key] then fail(("a decision has no '%s'"):format(tostring(key))) end
        end
        for _, decision in ipairs(world.decisions) do
            if decision.call_id == self.subject.call_id then
                local alike = true
                for key, value in pairs(wanted) do alike = alike and decision[key] == value end
                if alike then
                    world.refusals_wanted = world.refusals_wanted or wanted.refused ~= nil
                    return self
                end
                made[#made + 1] = describe(decision)
            end
        end
        fail(("expected  %s\ndecided   %s"):format(describe(wanted), table.concat(made, "\n          ")))
    end

    local function each_flow(phone, check)
        for _, flow in ipairs(phone.flows or { phone }) do
            local last = flow.responses[#flow.responses]
            check(flow, last and last.code)
        end
    end

    function of_phone:registered()
        each_flow(self.subject, function(flow, code)
            if code ~= 200 then error(("%s is not registered: %s"):format(flow.name, code or "no answer"), 4) end
        end)
        return self
    end

    function of_phone:refused(wanted)
        each_flow(self.subject, function(flow, code)
            if code ~= wanted then
                error(("\nexpected  %s for the REGISTER of %s\nheard     %s"):format(wanted, flow.name,
                    code or "nothing"), 4)
            end
        end)
        return self
    end

    local function strict(functions, what)
        return { __index = function(_, key)
            return functions[key] or error(("of a %s nothing like '%s' is expected"):format(what, tostring(key)), 2)
        end }
    end
    local call_metatable, phone_metatable = strict(of_call, "call"), strict(of_phone, "phone")

    return function(subject)
        if type(subject) ~= "table" or not (subject.responses or subject.flows) then
            error("expect takes a call or a phone", 2)
        end
        return setmetatable({ subject = subject }, rawget(subject, "tried") and call_metatable or phone_metatable)
    end
end

local function log_expectations(world)
    local function find(pattern)
        for _, event in ipairs(world.logged) do
            if event.text:find(pattern) then return event end
        end
    end

    local function lines()
        local texts = {}
        for index, event in ipairs(world.logged) do texts[index] = event.text end
        return #texts > 0 and table.concat(texts, "\n          ") or "nothing"
    end

    local function expect_log(pattern)
        if not find(pattern) then
            error(("\nexpected  a line like %s\nlogged    %s"):format(show(pattern), lines()), 2)
        end
        for _, event in ipairs(world.logged) do
            if event.text:find(pattern) then event.wanted = true end
        end
    end

    local function expect_no_log(pattern)
        local event = find(pattern)
        if event then error(("\nexpected  no line like %s\nlogged    %s"):format(show(pattern), event.text), 2) end
    end

    return expect_log, expect_no_log
end

-- What no test may pass over: hooks that failed, verdicts that were refused.
local function unexpected(world)
    for _, event in ipairs(world.logged) do
        local refused = event.level == "warning" and event.text:find "^verdict .* refused"
        if event.level == "error" and not event.wanted then
            local place = event.text:match ": ([^:\n]+:%d+: )" or ""
            return place .. "a hook failed: " .. event.text
        end
        if refused and not event.wanted and not world.refusals_wanted then return event.text end
    end
end

local function environment(world, tests, net, chosen, only)
    local sip = require "reflow"
    local env = { sip = sip }
    for _, name in ipairs { "assert", "error", "getmetatable", "ipairs", "math", "next", "pairs", "pcall", "print",
        "rawequal", "rawget", "rawlen", "rawset", "require", "select", "setmetatable", "string", "table", "tonumber",
        "tostring", "type", "utf8", "xpcall", "_VERSION" } do
        env[name] = _G[name]
    end
    function env.policy(path)
        local _, where = pcall(error, "", 3)
        chosen.path, chosen.where = path, where
    end
    function env.domain(name) net.domain(name) end
    function env.trunk(cidr) net.trunk(cidr) end
    function env.edge() net.edge() end
    function env.user(aor, password) net.user(aor, password) end
    function env.credentials(user, realm, algorithm)
        world.open()
        local ha1, why = net.credentials(user, realm, algorithm)
        world.settle()
        return ha1, why
    end
    env.phone, env.server, env.request, env.advance = world.phone, world.server, world.request, world.advance
    function env.invite(options, more) return world.request("INVITE", options, more) end
    function env.test(name, body)
        if type(name) ~= "string" or type(body) ~= "function" then
            error("test takes a name and a function", 2)
        end
        if world.running then error("a test cannot be inside of another one: it would never run", 2) end
        tests.count = tests.count + 1
        if not only or name:find(only, 1, true) then tests[#tests + 1] = { name = name, body = body } end
    end
    env.expect = expectations(world)
    env.expect_log, env.expect_no_log = log_expectations(world)
    function env.equal(got, wanted)
        if got ~= wanted then error(("\nexpected  %s\ngot       %s"):format(show(wanted), show(got)), 2) end
    end
    env._G = env
    return setmetatable(env, { __index = function(_, name)
        error(("'%s' is not there for specs"):format(tostring(name)), 2)
    end })
end

local function run_one(world, each, trace, language)
    local ok, message = xpcall(each.body, trace)
    local why = ok and unexpected(world) or not ok and tostring(message) or nil
    local picture
    if language then
        local record = actors.record(world, each.name)
        record.failure = why
        picture = require "reflow.ladder".file(record, language)
    end
    return why, why and actors.text(world), picture
end

-- Run a file, and the test of that index among those that have `only` in their name (nil: all). Returns how many tests
-- the file has, how many are selected, and of the one that ran why it failed (nil: it passed), what happened, and a
-- picture of it with labels in the language (nil: no picture is wanted).
return function(net, source, path, index, trace, only, language)
    local tests, chosen = { count = 0 }, {}
    local world = actors.new(net)
    local opened = false
    function world.open()
        if opened then return end
        opened = true
        local ok, why = net.open(chosen.path)
        if ok then return end
        local placed = why:find "^[^:\n]+:%d+: "
        error({ policy = placed and why or (chosen.where or path .. ":1: ") .. why })
    end
    local chunk, wrong = load(source, "@" .. path, "t", environment(world, tests, net, chosen, only))
    if not chunk then error(wrong, 0) end
    world.pictured = language ~= nil
    world.quiet = true
    chunk()
    world.quiet, world.setup = false, false
    world.open()
    local each = tests[index]
    if not each then return tests.count, #tests end
    world.logged, world.decisions = {}, {}
    world.running = true
    net.begin(each.name)
    return tests.count, #tests, run_one(world, each, trace, language)
end
