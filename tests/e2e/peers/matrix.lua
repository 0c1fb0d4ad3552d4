-- SPDX-License-Identifier: BSD-2-Clause
--[[ What user agents of others can do through the server, over each transport that they have: two of a kind register,
     call each other, hold, resume, send a message and hang up; then the connection of one is cut, and the server is
     killed and started again. The results are printed as a table at the end: "-" is what an agent cannot do, or what
     needs something that failed. The exit status is 1 if something failed. `make test-peers` installs the agents.
     `REFLOW_TEST_ONLY="baresip over tcp"` runs one line. ]]
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

-- It does not verify the server, because it does not accept an address among the names of a certificate.
agents[#agents + 1] = { name = "Linphone", transports = { "udp", "tcp", "tls" }, start = function(t, place, user)
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

agents[#agents + 1] = { name = "JsSIP (Node.js)", transports = { "ws" }, start = function(t, place, user)
    local instance = user == "bob" and ua.instance(1) or ua.instance(2)
    return setmetatable({ agent = node_phone.start(t, "jssip", { url(place), user, domain,
        (instance:gsub("^urn:", "")) }) }, Script)
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
            return not ways.bob or count_registered(s, "bob") > 0 and count_registered(s, "carol") > 0
        end, "not registered again")
        connect(carol, bob, "bob")
        disconnect(carol, bob)
    end,
}

-- What each column needs of the others: without a call there is nothing to hold.
local needs <const> = { hold = "call", resume = "hold", ["hang up"] = "call" }

local rows = {}

-- Starts an agent. Over a stream it comes through a relay of its own, ways[USER].
local function start_agent(t, s, agent, transport, user, ways)
    local place = { host = "127.0.0.1", port = s.ports[transport], transport = transport,
        authority = transport == "tls" and s.authority or nil }
    if transport ~= "udp" then
        ways[user] = relay.open(t, place.port, true)
        place.host = ways[user].host
    end
    return agent.start(t, place, user)
end

local function run(t, agent, transport, row)
    local s, ways = start_server(t), {}
    local bob = start_agent(t, s, agent, transport, "bob", ways)
    local carol = start_agent(t, s, agent, transport, "carol", ways)
    for _, column in ipairs(columns) do
        local impossible = column == "cut" and not ways.bob or row.register == "failed"
            or needs[column] and row[needs[column]] ~= "ok"
        local fine, why = true, nil
        if not impossible then
            fine, why = pcall(steps[column], s, bob, carol, ways)
        end
        row[column] = impossible and "-" or fine and "ok" or "failed"
        if not fine then
            row.failures[#row.failures + 1] = column .. ": " .. tostring(why)
        end
    end
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

local function sipp(s, transport, scenario, port)
    return { "sipp", "127.0.0.1:" .. s.ports[transport], "-sf", scenario, "-i", "127.0.0.1", "-p", tostring(port),
        "-nostdin", "-t", transport == "tcp" and "t1" or "u1", "-m", "1", "-key", "user", "bob", "-key", "domain",
        domain, "-key", "parameter", ";transport=" .. transport }
end

local function listens(transport, port)
    local file <close> = assert(io.open("/proc/net/" .. transport))
    return file:read("a"):find((":%04X 00000000:0000"):format(port), 1, true)
end

-- Registers and calls. Returns which columns that proves.
local function sipp_call(t, s, transport)
    local port, successes = server.free_port(), count_successes(s, "INVITE")
    assert(process.run(sipp(s, transport, plain_register(t), port), nil, ua.patience) == 0, "not registered")
    local callee = process.start(sipp(s, transport, "tests/e2e/peers/sipp/whole_answer.xml", port))
    t:defer(function()
        callee:stop()
    end)
    wait_until(function()
        return listens(transport, port)
    end, "SIPp does not listen")
    local status = process.run(sipp(s, transport, "tests/e2e/peers/sipp/whole_call.xml", server.free_port()), nil,
        ua.patience)
    assert(status == 0 and callee:wait(ua.patience) == 0, "the scenario failed")
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

agents[#agents + 1] = { name = "SIPp", transports = { "udp", "tcp" }, run = run_sipp, missing = function()
    return not os.execute "command -v sipp >/dev/null" and "no sipp" or nil
end }

local function write_matrix()
    local lines, widths = {}, {}
    local function line(cells)
        local parts = {}
        for index, cell in ipairs(cells) do
            parts[index] = cell .. (" "):rep(widths[index] - utf8.len(cell))
        end
        lines[#lines + 1] = (table.concat(parts, "  "):gsub("%s+$", ""))
    end
    local head = { "agent", "transport", table.unpack(columns) }
    for index, text in ipairs(head) do
        widths[index] = math.max(#text, index == 1 and 18 or 6)
    end
    line(head)
    for _, row in ipairs(rows) do
        local cells = { row.agent, row.transport }
        for _, column in ipairs(columns) do
            cells[#cells + 1] = row[column] or row.skipped and "absent" or "-"
        end
        line(cells)
    end
    for _, text in ipairs(lines) do
        print("# " .. text)
    end
end

table.sort(agents, function(a, b)
    return a.name < b.name
end)
for _, agent in ipairs(agents) do
    for _, transport in ipairs(agent.transports) do
        tap.test(("%s over %s"):format(agent.name, transport), function(t)
            local row = { agent = agent.name, transport = transport, failures = {} }
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
write_matrix()

tap.done()
