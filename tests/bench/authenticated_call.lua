-- SPDX-License-Identifier: BSD-2-Clause
--[[ CPU time of the server per call with authentication (SHA-256) to a trunk that SRV records name, against the same
     call without both: nobody is asked, and the trunk is an address. Runs take turns; the trunk is SIPp. A call is
     INVITE 180 200 ACK BYE 200. Phones keep their nonce for later calls, or are challenged for each (407 and its ACK).
     BENCH_RATE (calls a second), BENCH_CALLS (each run), BENCH_ROUNDS, REFLOW_BIN. ]]
package.path = "tests/bench/?.lua;tests/e2e/support/?.lua;" .. package.path
local client = require "authenticated"
local dns = require "dns"
local process = require "process"
local server = require "server"
local wait = require "wait"

local rate = tonumber(os.getenv "BENCH_RATE") or 300
local calls = tonumber(os.getenv "BENCH_CALLS") or rate * 10
local rounds = tonumber(os.getenv "BENCH_ROUNDS") or 3
local target = 1.2
local binary = os.getenv "REFLOW_BIN" or "build/reflow"
local scratch = server.temporary()
assert(os.execute("mkdir -p " .. scratch))
client.users(binary, scratch .. "/users", 1)

local trunk_port = server.free_port()
local names = dns.open({ defer = function() end }, { records = {
    ["_sip._udp.trunk.test"] = { { priority = 1, weight = 0, port = trunk_port, target = "gateway.test" } },
    ["gateway.test"] = { "127.0.0.1" } } })

-- A script that relays calls to the trunk, and the options of what is measured.
local function relay_to(host)
    local path = scratch .. "/" .. host:gsub("%W", "_") .. ".lua"
    server.write(path, ([[sip_on_request("INVITE", function(request, call)
  local number = call.aor:match("^sip:(%%+?%%d+)@")
  return number and sip_relay("sip:" .. number .. "@%s")
end)]]):format(host))
    return path
end

local users = { "--users", scratch .. "/users" }
local by_name, by_address = relay_to "trunk.test", relay_to("127.0.0.1:" .. trunk_port)
local kinds = {
    { "plain", by_address, {}, {} },
    { "both, nonce kept", by_name, users, { authenticate = true, keep = true } },
    { "both, challenged", by_name, users, { authenticate = true } },
    { "SRV alone", by_name, {}, {} },
    { "authentication alone, nonce kept", by_address, users, { authenticate = true, keep = true } },
}

-- One run; returns microseconds per call.
local function measure(kind)
    local port = server.free_port()
    local command = { binary, "serve", kind[2], "--listen", "udp:127.0.0.1:" .. port, "--domain", client.domain,
        "--dns", "127.0.0.1:" .. names.port, "--trust", "127.0.0.1/32", table.unpack(kind[3]) }
    local under_test = process.start(command, scratch .. "/log")
    local trunk = process.start { "sipp", "127.0.0.1:" .. port, "-sf", "tests/bench/sipp/uas.xml", "-i", "127.0.0.1",
        "-p", tostring(trunk_port), "-nostdin" }
    wait.pause(2000)
    assert(not under_test.status and not trunk.status, kind[1])
    local phone = client.open(port)
    local function call(_, done)
        phone:call("u1", "sip:+15550100@" .. client.domain, kind[4], done)
    end
    client.run(20, 20, call)
    local user, system = process.cpu(under_test.pid)
    client.run(rate, calls, call)
    local user_after, system_after = process.cpu(under_test.pid)
    assert((kind[4].authenticate ~= nil) == (phone.nonce ~= nil), "was the phone challenged?")
    phone:close()
    trunk:stop()
    under_test:stop()
    local spent = (user_after - user + system_after - system) / calls
    io.stderr:write(("  %-34s %6.1f us a call, %d requests repeated\n"):format(kind[1], spent, phone.repeated))
    return spent
end

local function median(list)
    table.sort(list)
    return list[(#list + 1) // 2]
end

local spent = {}
for round = 1, rounds do
    for index = 1, #kinds do
        -- Who goes first alternates.
        local at = round % 2 == 1 and index or #kinds + 1 - index
        spent[at] = spent[at] or {}
        table.insert(spent[at], measure(kinds[at]))
    end
end
os.execute("rm -rf " .. scratch)

local plain = median(spent[1])
local function figure(what, at, limit)
    local value = median(spent[at])
    local reached = limit and (value / plain <= limit and "reached" or "missed") or "-"
    print(("%s\t%.0f us\t%.0f us\t%.2f\t%s\t%s"):format(what, value, plain, value / plain,
        limit and ("%.2f"):format(limit) or "-", reached))
end
figure(("CPU per call at %d calls/s, authenticated (SHA-256, nonce kept) and to a trunk found by SRV, " ..
    "against the same call without both"):format(rate), 2, target)
figure("the same, each call challenged (407, its ACK and a second INVITE included)", 3, target)
figure("the same, the trunk found by SRV alone", 4)
figure("the same, authentication alone (nonce kept)", 5)
-- Closing the state with the loop in it would not end well.
os.exit(0)
