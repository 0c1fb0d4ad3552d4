-- SPDX-License-Identifier: BSD-2-Clause
--[[ What user agents of others make of digest authentication (RFC 3261 22, RFC 8760): with each algorithm alone, with
     the default, and with MD5 first. An agent that can answer registers, registers again with a nonce that has
     expired, and makes a call whose re-INVITE and BYE are not challenged. The table at the end has what each agent
     did. `make test-peers` installs the agents and prints the table. ]]
package.path = "tests/bench/?.lua;" .. package.path
local baresip = require "baresip"
local digest = require "digest"
local linphone = require "linphone"
local node_phone = require "node_phone"
local process = require "process"
local server = require "server"
local tap = require "tap"
local ua = require "ua"

local domain <const> = "example.test"
local password <const> = "correct horse"
local NONCE_S <const> = 5 -- where a nonce is to expire; a busy machine must still let its first use come in time
local offers <const> = { "md5", "sha256", "sha512-256", "sha256,md5", "md5,sha256" }

local function answer_of(protocol)
    return { headers = { { "Content-Type", "application/sdp" } }, body = table.concat({ "v=0",
        "o=alice 1 1 IN IP4 127.0.0.1", "s=-", "c=IN IP4 127.0.0.1", "t=0 0", "m=audio 40000 " .. protocol .. " 0",
        "a=rtpmap:0 PCMU/8000", "" }, "\r\n") }
end

-- --- the agents ---

--[[ An agent has missing() and start(t, s, password), which returns an object with registered(): true, or false if it
     has given up; refresh(), call(aor), established(), hold(), hang_up(), ended() and trace(): its messages so far.
     expected: what it takes of each offer. keeps_nonce: it uses a nonce for the next registration
     too. attempts: how often it tries a wrong password before it gives up, at most. ]]
local agents = {}

-- Waits for an outcome of the registration.
local function settled(success, failure)
    local outcome
    assert(ua.wait.until_true(ua.patience, function()
        outcome = success() and "yes" or failure() and "no"
        return outcome or ua.wait.pause(50)
    end), "the registration neither succeeds nor fails")
    return outcome == "yes"
end

local function is_registered(s)
    return s.err:find("REGISTER accepted: aor=sip:bob@example%.test contacts=1 ") ~= nil
end

local Baresip = {}
Baresip.__index = Baresip

function Baresip.registered(self)
    return settled(function() return is_registered(self.s) end, function()
        for _, event in ipairs(self.agent.events) do
            if event:find('"type":"REGISTER_FAIL"', 1, true) then
                return true
            end
        end
    end)
end
function Baresip.refresh() end -- by itself: its regint is 100 s, of which ten last one of ours
function Baresip.call(self, aor) self.agent:command("dial", aor) end
function Baresip.established(self) self.agent:expect "CALL_ESTABLISHED" end
function Baresip.hold(self) self.agent:command "hold" end
function Baresip.hang_up(self) self.agent:command "hangup" end
function Baresip.ended(self) self.agent:expect "CALL_CLOSED" end
function Baresip.trace(self) return self.agent.out end

agents[#agents + 1] = { name = "baresip", missing = function()
    return not io.open(baresip.program) and "no baresip" or nil
end, expected = { md5 = "MD5" }, attempts = 16, start = function(t, s, word)
    return setmetatable({ s = s, agent = baresip.start(t, { plain = true, domain = domain, transport = "udp",
        password = '"' .. word .. '"', proxies = { ("sip:127.0.0.1:%d;transport=udp"):format(s.port) } }) }, Baresip)
end }

local Linphone = {}
Linphone.__index = Linphone

function Linphone.registered(self)
    return settled(function() return is_registered(self.s) end, function()
        return self.agent:trace():find "Authentication is failing constantly"
    end)
end
function Linphone.refresh(self) self.agent:command "unregister" end
function Linphone.call(self, aor) self.agent:command("call " .. aor) end
function Linphone.established(self) self.agent:expect "Call %d+ with %S+ connected" end
function Linphone.hold(self) self.agent:command "pause" end
function Linphone.hang_up(self) self.agent:command "terminate all" end
function Linphone.ended(self) self.agent:expect "Call %d+ with %S+ ended" end
function Linphone.trace(self) return self.agent:trace() end

agents[#agents + 1] = { name = "Linphone", missing = linphone.missing,
    expected = { md5 = "MD5", sha256 = "SHA-256", ["sha256,md5"] = "SHA-256", ["md5,sha256"] = "MD5" },
    keeps_nonce = true, attempts = 2, start = function(t, s, word)
    return setmetatable({ s = s, agent = linphone.start(t, { domain = domain, host = "127.0.0.1", port = s.port,
        transport = "udp", password = word }) }, Linphone)
end }

local Script = {}
Script.__index = Script

function Script.registered(self)
    return settled(function() return is_registered(self.s) end, function()
        return self.agent.said:find "registrationFailed"
    end)
end
function Script.refresh(self) self.agent:command "register" end
function Script.call(self, aor) self.agent:command("call " .. aor) end
function Script.established(self) self.agent:expect "confirmed" end
function Script.hold(self) self.agent:command "hold" end
function Script.hang_up(self) self.agent:command "end" end
function Script.ended(self) self.agent:expect "ended" end
function Script.trace(self) return self.agent.said end

agents[#agents + 1] = { name = "JsSIP", protocol = "UDP/TLS/RTP/SAVPF", missing = function()
    return node_phone.missing "jssip"
end, expected = { md5 = "MD5", ["sha256,md5"] = "MD5" }, attempts = 1, start = function(t, s, word)
    return setmetatable({ s = s, agent = node_phone.start(t, "jssip", { ("ws://127.0.0.1:%d/"):format(s.ws), "bob",
        domain, (ua.instance(1):gsub("^urn:", "")), "UDP/TLS/RTP/SAVPF", word }) }, Script)
end }

-- Its media are real, which our phone has not: it sends a message in place of a call.
local Browser = setmetatable({}, { __index = Script })
Browser.__index = Browser

function Browser.message(self, aor) self.agent:command("message " .. aor) end
function Browser.delivered(self) self.agent:expect "delivered" end

agents[#agents + 1] = { name = "SIP.js", missing = function()
    return not os.execute "command -v chromium >/dev/null" and "no chromium" or node_phone.missing "browser"
end, expected = { md5 = "MD5", ["sha256,md5"] = "MD5" }, keeps_nonce = true, attempts = 1, start = function(t, s, word)
    return setmetatable({ s = s, agent = node_phone.start(t, "browser", { "sipjs",
        ("ws://127.0.0.1:%d/"):format(s.ws), "bob", domain, word }) }, Browser)
end }

local Sipp = {}
Sipp.__index = Sipp

local function start_scenario(t, s, name, uri, word)
    local self = { messages = server.temporary ".messages" }
    self.process = process.start { "sipp", "127.0.0.1:" .. s.port, "-sf",
        ("tests/e2e/peers/sipp/digest_%s.xml"):format(name), "-i", "127.0.0.1", "-p", tostring(server.free_port()),
        "-nostdin", "-m", "1", "-au", "bob", "-ap", word, "-auth_uri", uri, "-d", tostring((NONCE_S + 1) * 1000),
        "-key", "user", "bob", "-key", "callee", "alice", "-key", "domain", domain, "-trace_msg", "-message_file",
        self.messages }
    t:defer(function()
        self.process:stop()
        os.remove(self.messages)
    end)
    return self
end

-- Its registration is repeated by itself, after the end of the nonce; the call is a scenario of its own.
function Sipp.registered(self)
    return settled(function() return is_registered(self.s) end, function() return self.register.process.status end)
end
function Sipp.refresh(self) assert(self.register.process:wait(ua.patience) == 0, "the scenario failed") end
function Sipp.call(self)
    self.calling = start_scenario(self.t, self.s, "call", "alice@" .. domain, password)
end
function Sipp.established() end
function Sipp.hold() end
function Sipp.hang_up() end
function Sipp.ended(self) assert(self.calling.process:wait(ua.patience) == 0, "the scenario failed") end
function Sipp.trace(self)
    local text = ""
    for _, scenario in ipairs { self.register, self.calling } do
        local file <close> = io.open(scenario.messages)
        text = text .. (file and file:read "a" or "")
    end
    return text
end

-- With an algorithm that it does not know it ends at once.
agents[#agents + 1] = { name = "SIPp", missing = function()
    return not os.execute "command -v sipp >/dev/null" and "no sipp" or nil
end, expected = { md5 = "MD5", ["md5,sha256"] = "MD5" }, keeps_nonce = true, attempts = 1, start = function(t, s, word)
    return setmetatable({ t = t, s = s, register = start_scenario(t, s, "register", domain, word) }, Sipp)
end }

-- --- the server ---

local function start_server(t, offer, ...)
    local users = digest.users(t, domain, { alice = password, bob = password })
    local ws = server.free_port()
    local s = server.start(t, { status = true, args = { "--users", users, "--auth-algorithms", offer, "--verbose",
        "--listen", "ws:127.0.0.1:" .. ws, ... } })
    s.ws = ws
    return s
end

-- A phone of ours, which bob calls.
local function register_alice(s)
    local alice = ua.open { port = s.port, user = "alice", domain = domain }
    assert(ua.wait.until_true(ua.patience, function()
        local challenge = digest.challenges(alice:register { expect = 401 })[1]
        local field = digest.header(challenge, { user = "alice", password = password, method = "REGISTER",
            uri = "sip:" .. domain })
        return alice:register({ headers = { field }, expect = false }).status == 200
    end), "alice is not registered")
    return alice
end

local function count(text, pattern)
    return select(2, text:gsub(pattern, ""))
end

local function times_registered(s)
    return count(s.err, "REGISTER accepted: aor=sip:bob@example%.test ")
end

-- Waits for what his trace must have: it may follow what he has sent.
local function until_traced(bob, pattern)
    ua.wait.until_true(ua.patience, function()
        return bob:trace():find(pattern) or ua.wait.pause(50)
    end)
    return bob:trace()
end

-- The algorithm of the last credentials for a REGISTER. Without a name it is MD5 (RFC 3261 22.4).
local function algorithm_taken(bob)
    local last
    for field in until_traced(bob, "\nAuthorization: *Digest"):gmatch "\nAuthorization: *Digest([^\r\n]+)" do
        last = field:match 'algorithm="?([%w-]+)' or "MD5"
    end
    return last
end

-- --- the tests ---

-- How often a request of bob's was challenged before the one that has arrived.
local function challenges(t, bob, arrived)
    local number, method = arrived:cseq()
    local seen = count(until_traced(bob, ("\nCSeq: *%d %s"):format(number, method)), "SIP/2.0 407")
    t:ok(seen > 0, ("the %s was not challenged"):format(method))
    return seen
end

-- bob calls alice, puts her on hold and hangs up. Returns how often he was challenged before she answered.
local function call(t, agent, bob, alice)
    local answer = answer_of(agent.protocol or "RTP/AVP")
    bob:call(alice.aor)
    local invite = alice:expect "INVITE"
    local challenged = challenges(t, bob, invite)
    t:ok(#invite:all "Proxy-Authorization" == 0, "the credentials were relayed")
    alice:reply(invite, 200, answer)
    alice:expect "ACK"
    bob:established()
    bob:hold()
    alice:reply(alice:expect "INVITE", 200, answer)
    alice:expect "ACK"
    bob:hang_up()
    alice:reply(alice:expect "BYE", 200)
    bob:ended()
    t:equal(count(bob:trace(), "SIP/2.0 407"), challenged, "challenges within the dialog and before it")
end

-- The same with a MESSAGE, for an agent that cannot call alice.
local function message(t, bob, alice)
    bob:message(alice.aor)
    local received = alice:expect "MESSAGE"
    challenges(t, bob, received)
    t:ok(#received:all "Proxy-Authorization" == 0, "the credentials were relayed")
    alice:reply(received, 200)
    bob:delivered()
end

-- bob registers when his nonce has expired.
local function use_expired(t, agent, s, bob)
    ua.wait.pause((NONCE_S + 1) * 1000) -- the nonce must be too old; that it is older does no harm
    bob:refresh()
    assert(ua.wait.until_true(ua.patience, function()
        return times_registered(s) >= 2 or ua.wait.pause(50)
    end), "not registered again")
    local trace = agent.keeps_nonce and until_traced(bob, "stale=true") or bob:trace()
    t:equal(trace:find "stale=true" ~= nil, agent.keeps_nonce or false, "stale=true")
    t:equal(s:number "authentication_failed", 0)
end

local rows = {}

local function run(t, agent, offer, row)
    local expires = offer == "md5"
    local s = start_server(t, offer, table.unpack(expires and { "--nonce-time", tostring(NONCE_S) } or {}))
    local alice = register_alice(s)
    local bob = agent.start(t, s, password)
    local registered = bob:registered()
    row[offer] = registered and algorithm_taken(bob) or "-"
    t:equal(row[offer], agent.expected[offer] or "-", "the algorithm that it took")
    if registered then
        local before = row.call
        row.call = "failed"
        if bob.message then
            message(t, bob, alice)
        else
            call(t, agent, bob, alice)
        end
        row.call = before or bob.message and "(MESSAGE)" or "ok"
    end
    if registered and expires then
        row.expired = "failed"
        use_expired(t, agent, s, bob)
        row.expired = agent.keeps_nonce and "stale=true" or "new nonce"
    end
end

local function run_wrong(t, agent, row)
    local s = start_server(t, "md5")
    local bob = agent.start(t, s, "wrong")
    row.wrong = "failed"
    t:equal(bob:registered(), false, "registered")
    local failed = s:number "authentication_failed"
    t:ok(failed > 0 and failed <= agent.attempts, failed .. " attempts")
    s:expect_log "REGISTER refused: aor=sip:bob@example%.test status=401"
    t:equal(times_registered(s), 0)
    row.wrong = ("refused (%d)"):format(failed)
end

-- Runs the body with the row of the agent in the table.
local function test(agent, name, body)
    tap.test(("%s: %s [standalone]"):format(agent.name, name), function(t)
        local why = agent.missing()
        if why then
            t:skip(why)
        end
        rows[agent] = rows[agent] or {}
        body(t, agent, rows[agent])
    end)
end

for _, agent in ipairs(agents) do
    for _, offer in ipairs(offers) do
        test(agent, ("8760-a it %s when %s is offered"):format(agent.expected[offer] and "takes "
            .. agent.expected[offer] or "cannot log in", offer), function(t, _, row)
            run(t, agent, offer, row)
        end)
    end
    test(agent, "a wrong password is refused", run_wrong)
end

local columns <const> = { "md5", "sha256", "sha512-256", "sha256,md5", "md5,sha256", "call", "expired", "wrong" }
local line <const> = "# %-9s" .. (" %-11s"):rep(#columns)
print(line:format("agent", table.unpack(columns)))
for _, agent in ipairs(agents) do
    local cells, row = {}, rows[agent]
    for i, column in ipairs(columns) do
        cells[i] = row and (row[column] or "-") or "absent"
    end
    print((line:format(agent.name, table.unpack(cells)):gsub(" +$", "")))
end
print "# -: the agent cannot log in with what is offered; refused (N): after N attempts"

tap.done()
