-- SPDX-License-Identifier: BSD-2-Clause
--[[ What user agents of others can do through the server, over each transport that they have: two of a kind register,
     call each other, hold, resume, send a message and hang up; then the connection of one is cut, and the server is
     killed and started again. Then agents of different kinds call each other. The results are printed as tables at the
     end: "-" is what an agent cannot do, or what needs something that failed; "488" or "480" is a call that the other
     agent has to refuse, because WebRTC encrypts media by DTLS and plain telephones do not. The exit status is 1 if
     something failed. `make test-peers` installs the agents. `REFLOW_TEST_ONLY="baresip over tcp"` runs one line. ]]
local directory = arg[0]:match "^(.*)/" or "."
for _, folder in ipairs { "/../support", "/../../support", "/../../bench" } do
    package.path = ("%s%s/?.lua;"):format(directory, folder) .. package.path
end
local baresip = require "baresip"
local certificates = require "certificates"
local linphone = require "linphone"
local node_phone = require "node_phone"
local process = require "process"
local relay = require "relay"
local server = require "server"
local tap = require "tap"
local ua = require "ua"

local domain <const> = "example.test"
local columns <const> = { "register", "call", "hold", "resume", "hang up", "is called", "MESSAGE", "cut", "restart" }
local pair_columns <const> = { table.unpack(columns, 1, 7) }

-- --- the agents ---

--[[ An agent has start(t, place, user) with place = { host, port, transport, authority }, which returns an object with
     call(aor), established(), hold(), resume(), message(aor), hang_up() and ended(); what it cannot do is nil. ]]
local agents = {}

local Baresip = {}
Baresip.__index = Baresip

function Baresip.call(self, aor) self.agent:command("dial", aor) end
function Baresip.established(self) self.agent:expect "CALL_ESTABLISHED" end
function Baresip.hold(self) self.agent:command "hold" end
function Baresip.resume(self) self.agent:command "resume" end
function Baresip.hang_up(self) self.agent:command "hangup" end
function Baresip.ended(self) self.agent:expect "CALL_CLOSED" end
function Baresip.message(self) self.agent:command("message", "hello") end

agents[#agents + 1] = { name = "baresip", transports = { "udp", "tcp", "tls" }, start = function(t, place, user)
    return setmetatable({ agent = baresip.start(t, { user = user, plain = true, domain = domain,
        contact = ("sip:%s@%s"):format(user == "bob" and "carol" or "bob", domain), transport = place.transport,
        config = place.authority and "sip_cafile " .. place.authority .. "\n",
        proxies = { ("sip:%s:%d;transport=%s"):format(place.host, place.port, place.transport) } }) }, Baresip)
end, missing = function()
    return not io.open(baresip.program) and "no baresip" or nil
end }

local Linphone = {}
Linphone.__index = Linphone

function Linphone.call(self, aor) self.agent:command("call " .. aor) end
function Linphone.established(self) self.agent:expect "Call %d+ with %S+ connected" end
function Linphone.hold(self) self.agent:command "pause" end
function Linphone.resume(self) self.agent:command "resume" end
function Linphone.hang_up(self) self.agent:command "terminate all" end
function Linphone.ended(self) self.agent:expect "Call %d+ with %S+ ended" end
function Linphone.message(self, aor) self.agent:command("chat " .. aor .. " hello") end

-- It does not verify the server, because it does not accept an address among the names of a certificate. Over TCP it
-- comes without a relay: if the Via of a request names another address than the one that it came from, it answers over
-- a new connection, whose port it names in its Contact, and a relay hides that port from the server.
agents[#agents + 1] = { name = "Linphone", transports = { "udp", "tcp", "tls" }, direct = "tcp",
    start = function(t, place, user)
    return setmetatable({ agent = linphone.start(t, { user = user, domain = domain, host = place.host,
        port = place.port, transport = place.transport }) }, Linphone)
end, missing = linphone.missing }

local Script = {}
Script.__index = Script

function Script.call(self, aor) self.agent:command("call " .. aor) end
function Script.established(self) self.agent:expect "confirmed" end
function Script.hold(self) self.agent:command "hold" end
function Script.resume(self) self.agent:command "resume" end
function Script.hang_up(self) self.agent:command "end" end
function Script.ended(self) self.agent:expect "ended" end
function Script.message(self, aor) self.agent:command("message " .. aor) end

local function url(place)
    return ("%s://%s:%d/"):format(place.transport, place.host, place.port)
end

-- It has no media, and offers those of a plain telephone to another kind of agent (place.plain).
agents[#agents + 1] = { name = "JsSIP (Node.js)", transports = { "ws" }, start = function(t, place, user)
    local instance = user == "bob" and ua.instance(1) or ua.instance(2)
    return setmetatable({ agent = node_phone.start(t, "jssip", { url(place), user, domain,
        (instance:gsub("^urn:", "")), place.plain and "RTP/AVP" }) }, Script)
end, missing = function()
    return node_phone.missing "jssip"
end }

for library, name in pairs { jssip = "JsSIP (Chromium)", sipjs = "SIP.js (Chromium)" } do
    agents[#agents + 1] = { name = name, transports = { "ws", "wss" }, start = function(t, place, user)
        return setmetatable({ agent = node_phone.start(t, "browser", { library, url(place), user, domain }) }, Script)
    end, missing = function()
        return not os.execute "command -v chromium >/dev/null" and "no chromium" or node_phone.missing "browser"
    end }
end

-- --- the server ---

local function start_server(t)
    local authority = certificates.new(t)
    local names = { "DNS:example.test" }
    for _, address in ipairs(relay.addresses) do
        names[#names + 1] = ("DNS:%s,IP:%s"):format(address, address)
    end
    local pair = authority:sign("example", { names = table.concat(names, ","), common_name = "example.test" })
    local state, log = server.temporary ".db", server.temporary ".log"
    t:defer(function()
        os.execute(("rm -f %s* %s*"):format(state, log))
    end)
    local ports = { udp = server.free_port() }
    ports.tcp = ports.udp
    local arguments = { "--tls-cert", pair.certificate, "--tls-key", pair.key, "--decision-log", log, "--verbose" }
    for _, transport in ipairs { "tls", "ws", "wss" } do
        ports[transport] = server.free_port()
        table.move({ "--listen", ("%s:127.0.0.1:%d"):format(transport, ports[transport]) }, 1, 2, #arguments + 1,
            arguments)
    end
    for _, address in ipairs(relay.addresses) do
        table.move({ "--domain", address }, 1, 2, #arguments + 1, arguments)
    end
    local self = { ports = ports, log = log, authority = authority.certificate }
    function self.start()
        self.server = server.start(t, { args = arguments, state = state, port = ports.udp, status = true })
    end
    self.start()
    self.watcher = ua.open { port = ports.udp, user = "watcher" }
    return self
end

-- How many requests of this method the server has relayed and seen accepted since it was started. The decision log has
-- each retransmission of a 200 to INVITE; the log of --verbose has each INVITE once.
local function count_successes(s, method)
    if method == "INVITE" then
        return select(2, s.server.err:gsub("INVITE answered: [^\n]* status=200 ", ""))
    end
    local count = 0
    for line in io.lines(s.log) do
        if line:find(('"method":"%s"'):format(method), 1, true) and line:find '"code":20[02]' then
            count = count + 1
        end
    end
    return count
end

-- REGISTERs of this user with a Contact that the server has accepted since it was started.
local function count_registered(s, user)
    local name = ("%s@%s"):format(user, domain):gsub("%.", "%%.")
    return select(2, s.server.err:gsub("REGISTER accepted: aor=sip:" .. name .. " contacts=1 ", ""))
end

local function is_bound(s, user)
    return #s.watcher:bindings(("sip:%s@%s"):format(user, domain)) > 0
end

local function wait_until(condition, what)
    assert(ua.wait.until_true(5 * ua.patience, function() -- Linphone tries again after a minute
        return condition() or ua.wait.pause(100)
    end), what)
end

-- --- the columns ---

local function aor(user)
    return ("sip:%s@%s"):format(user, domain)
end

local function connect(from, to, user)
    from:call(aor(user))
    from:established()
    to:established()
end

local function disconnect(one, other)
    one:hang_up()
    one:ended()
    other:ended()
end

-- Something that one of them does leads to one more successful request of that method.
local function succeeds(s, method, action)
    local before = count_successes(s, method)
    action()
    wait_until(function()
        return count_successes(s, method) > before
    end, "no successful " .. method)
end

local steps = {
    register = function(s)
        wait_until(function()
            return is_bound(s, "bob") and is_bound(s, "carol")
        end, "not registered")
    end,
    call = function(_, bob, carol)
        connect(carol, bob, "bob")
    end,
    hold = function(s, _, carol)
        succeeds(s, "INVITE", function()
            carol:hold()
        end)
    end,
    resume = function(s, _, carol)
        succeeds(s, "INVITE", function()
            carol:resume()
        end)
    end,
    ["hang up"] = function(_, bob, carol)
        disconnect(carol, bob)
    end,
    ["is called"] = function(_, bob, carol)
        if bob.make_whole_call then
            bob:make_whole_call "carol"
            carol:established()
            carol:ended()
            return
        end
        connect(bob, carol, "carol")
        disconnect(carol, bob)
    end,
    MESSAGE = function(s, _, carol)
        succeeds(s, "MESSAGE", function()
            carol:message(aor "bob")
        end)
    end,
    cut = function(s, bob, carol, ways)
        local before = count_registered(s, "bob")
        ways.bob:cut()
        wait_until(function()
            return count_registered(s, "bob") > before
        end, "not registered again")
        connect(carol, bob, "bob")
        disconnect(carol, bob)
    end,
    restart = function(s, bob, carol, ways)
        s.server:kill()
        s.start()
        -- A flow over UDP outlives the server; connections do not.
        wait_until(function()
            return not ways.stream or count_registered(s, "bob") > 0 and count_registered(s, "carol") > 0
        end, "not registered again")
        connect(carol, bob, "bob")
        disconnect(carol, bob)
    end,
}

-- What each column needs of the others: without a call there is nothing to hold.
local needs <const> = { hold = "call", resume = "hold", ["hang up"] = "call" }

local rows = {}

-- Starts an agent. Over a stream it comes through a relay of its own, ways[USER], with the exception of its direct one.
local function start_agent(t, s, agent, transport, user, ways, plain)
    local place = { host = "127.0.0.1", port = s.ports[transport], transport = transport, plain = plain,
        authority = transport == "tls" and s.authority or nil, server = s }
    ways.stream = transport ~= "udp"
    if ways.stream and transport ~= agent.direct then
        ways[user] = relay.open(t, place.port, true)
        place.host = ways[user].host
    end
    return agent.start(t, place, user)
end

-- Does what these columns name, and fills the row with the results: what a step returns, or "ok".
local function take_steps(row, names, s, bob, carol, ways)
    for _, column in ipairs(names) do
        local impossible = column == "cut" and not ways.bob or row.register == "failed"
            or needs[column] and row[needs[column]] ~= "ok"
            or column == "MESSAGE" and not (carol.message and bob.message)
        local fine, result = true, nil
        if not impossible then
            fine, result = pcall((row.steps or steps)[column], s, bob, carol, ways)
        end
        row[column] = impossible and "-" or fine and (result or "ok") or "failed"
        if not fine then
            row.failures[#row.failures + 1] = column .. ": " .. tostring(result)
        end
    end
end

local function run(t, agent, transport, row)
    local s, ways = start_server(t), {}
    local bob = start_agent(t, s, agent, transport, "bob", ways)
    local carol = start_agent(t, s, agent, transport, "carol", ways)
    take_steps(row, columns, s, bob, carol, ways)
end

-- --- SIPp: its scenarios are whole calls ---

-- The scenario of tests that register two flows, for a phone that registers none.
local function plain_register(t)
    local path = server.temporary ".xml"
    t:defer(function()
        os.remove(path)
    end)
    local file <close> = assert(io.open "tests/e2e/peers/sipp/register.xml")
    local text = file:read("a"):gsub("%]>;reg%-id=[^\n]*", "][parameter]>"):gsub("<action>.*</action>", ""):gsub(
        "<Reference[^\n]*", ""):gsub("Supported: [^\n]*\n", "")
    server.write(path, text)
    return path
end

local function sipp(s, transport, scenario, port, user)
    return { "sipp", "127.0.0.1:" .. s.ports[transport], "-sf", scenario, "-i", "127.0.0.1", "-p", tostring(port),
        "-nostdin", "-t", transport == "tcp" and "t1" or "u1", "-m", "1", "-key", "user", user, "-key", "domain",
        domain, "-key", "parameter", ";transport=" .. transport }
end

local function listens(transport, port)
    local file <close> = assert(io.open("/proc/net/" .. transport))
    return file:read("a"):find((":%04X 00000000:0000"):format(port), 1, true)
end

local Sipp = {}
Sipp.__index = Sipp

-- Registers, and waits for one call.
local function start_sipp(t, place, user)
    local s, port = place.server, server.free_port()
    assert(process.run(sipp(s, place.transport, plain_register(t), port, user), nil, ua.patience) == 0,
        "not registered")
    local callee = process.start(sipp(s, place.transport, "tests/e2e/peers/sipp/whole_answer.xml", port, user))
    t:defer(function()
        callee:stop()
    end)
    wait_until(function()
        return listens(place.transport, port)
    end, "SIPp does not listen")
    return setmetatable({ callee = callee, place = place }, Sipp)
end

function Sipp.established() end
function Sipp.ended(self) assert(self.callee:wait(ua.patience) == 0, "the scenario failed") end

function Sipp.make_whole_call(self, user)
    local status = process.run(sipp(self.place.server, self.place.transport, "tests/e2e/peers/sipp/whole_call.xml",
        server.free_port(), user), nil, ua.patience)
    assert(status == 0, "the scenario failed")
end

-- Registers and calls itself.
local function sipp_call(t, s, transport)
    local successes = count_successes(s, "INVITE")
    local bob = start_sipp(t, { server = s, transport = transport }, "bob")
    bob:make_whole_call "bob"
    bob:ended()
    wait_until(function()
        return count_successes(s, "INVITE") == successes + 3
    end, "not three answered INVITEs")
end

local function run_sipp(t, _, transport, row)
    local s = start_server(t)
    for _, pair in ipairs { { "register", "call", "hold", "resume", "hang up", "is called" }, { "restart" } } do
        local fine, why = pcall(sipp_call, t, s, transport)
        for _, column in ipairs(pair) do
            row[column] = fine and "ok" or "failed"
        end
        if not fine then
            row.failures[#row.failures + 1] = pair[1] .. ": " .. tostring(why)
        end
        s.server:kill()
        s.start()
    end
end

agents[#agents + 1] = { name = "SIPp", transports = { "udp", "tcp" }, run = run_sipp, start = start_sipp,
    missing = function()
    return not os.execute "command -v sipp >/dev/null" and "no sipp" or nil
end }

-- --- agents of different kinds ---

--[[ Bob and carol of each pair: agent and transport. carol calls, holds, resumes, hangs up and writes, and bob calls
     carol. `refused`: one has WebRTC, and the other one does not, so that each refuses the call of the other one, and
     with which status. ]]
local pairs_of_kinds <const> = {
    { bob = { "Linphone", "udp" }, carol = { "baresip", "udp" } },
    { bob = { "baresip", "tls" }, carol = { "Linphone", "udp" } },
    { bob = { "Linphone", "tls" }, carol = { "baresip", "tcp" } },
    { bob = { "Linphone", "tcp" }, carol = { "baresip", "tls" } },
    { bob = { "SIPp", "udp" }, carol = { "baresip", "tls" } },
    { bob = { "SIPp", "tcp" }, carol = { "baresip", "udp" } },
    { bob = { "SIPp", "tcp" }, carol = { "Linphone", "tls" } },
    { bob = { "JsSIP (Node.js)", "ws" }, carol = { "baresip", "tls" } },
    { bob = { "baresip", "udp" }, carol = { "JsSIP (Node.js)", "ws" } },
    { bob = { "JsSIP (Chromium)", "ws" }, carol = { "SIP.js (Chromium)", "wss" } },
    { bob = { "SIP.js (Chromium)", "ws" }, carol = { "JsSIP (Chromium)", "wss" } },
    { bob = { "JsSIP (Chromium)", "wss" }, carol = { "baresip", "udp" },
        refused = { bob = 488, carol = 488 } },
    { bob = { "SIP.js (Chromium)", "wss" }, carol = { "baresip", "tls" },
        refused = { bob = 480, carol = 488 } },
}

local function count_refused(s, status)
    return select(2, s.server.err:gsub(("INVITE answered: [^\n]* status=%d "):format(status), ""))
end

local function expect_refused(s, from, user, status)
    local before = count_refused(s, status)
    from:call(aor(user))
    wait_until(function()
        return count_refused(s, status) > before
    end, "not refused with " .. status)
    return tostring(status)
end

-- With which status bob and carol refuse.
local function refused_steps(statuses)
    return { register = steps.register, MESSAGE = steps.MESSAGE, call = function(s, _, carol)
        return expect_refused(s, carol, "bob", statuses.bob)
    end, ["is called"] = function(s, bob)
        return expect_refused(s, bob, "carol", statuses.carol)
    end }
end

local pair_rows = {}

local function find_agent(name)
    for _, agent in ipairs(agents) do
        if agent.name == name then
            return agent
        end
    end
end

local function run_pair(t, pair)
    local name = ("%s over %s calls %s over %s"):format(pair.carol[1], pair.carol[2], pair.bob[1], pair.bob[2])
    local row = { name, failures = {}, steps = pair.refused and refused_steps(pair.refused) }
    pair_rows[#pair_rows + 1] = row
    local one, other = find_agent(pair.bob[1]), find_agent(pair.carol[1])
    local why = one.missing() or other.missing()
    if why then
        row.skipped = true
        t:skip(why)
    end
    local s, ways = start_server(t), {}
    local bob = start_agent(t, s, one, pair.bob[2], "bob", ways, true)
    local carol = start_agent(t, s, other, pair.carol[2], "carol", ways, true)
    take_steps(row, pair_columns, s, bob, carol, ways)
    t:equal(table.concat(row.failures, "\n"), "")
end

-- Prints a table with these columns after those that the head names.
local function write_table(head, names, list)
    local lines, widths = {}, {}
    for _, name in ipairs(names) do
        head[#head + 1] = name
    end
    local cells = { head }
    for _, row in ipairs(list) do
        local line = { table.unpack(row) }
        for _, column in ipairs(names) do
            line[#line + 1] = row[column] or row.skipped and "absent" or "-"
        end
        cells[#cells + 1] = line
    end
    for _, line in ipairs(cells) do
        for index, text in ipairs(line) do
            widths[index] = math.max(widths[index] or 6, utf8.len(text))
        end
    end
    for _, line in ipairs(cells) do
        for index, text in ipairs(line) do
            line[index] = text .. (" "):rep(widths[index] - utf8.len(text))
        end
        lines[#lines + 1] = "# " .. table.concat(line, "  "):gsub("%s+$", "")
    end
    print(table.concat(lines, "\n"))
end

table.sort(agents, function(a, b)
    return a.name < b.name
end)
for _, agent in ipairs(agents) do
    for _, transport in ipairs(agent.transports) do
        tap.test(("%s over %s"):format(agent.name, transport), function(t)
            local row = { agent.name, transport, failures = {} }
            rows[#rows + 1] = row
            local why = agent.missing()
            if why then
                row.skipped = true
                t:skip(why)
            end
            (agent.run or run)(t, agent, transport, row)
            t:equal(table.concat(row.failures, "\n"), "")
        end)
    end
end
for _, pair in ipairs(pairs_of_kinds) do
    tap.test(("%s over %s and %s over %s"):format(pair.carol[1], pair.carol[2], pair.bob[1], pair.bob[2]), function(t)
        run_pair(t, pair)
    end)
end
write_table({ "agent", "transport" }, columns, rows)
write_table({ "agents" }, pair_columns, pair_rows)

tap.done()
