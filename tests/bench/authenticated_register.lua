-- SPDX-License-Identifier: BSD-2-Clause
--[[ CPU time of the server per registration with digest (SHA-256), ours with a users file against Kamailio with HA1 and
     usrloc in memory (kamailio-auth.cfg), runs of the two taking turns. A registration is REGISTER 401 REGISTER 200.
     BENCH_RATE (registrations a second), BENCH_COUNT (each run), BENCH_PAIRS, REFLOW_BIN. ]]
package.path = "tests/bench/?.lua;tests/e2e/support/?.lua;" .. package.path
local client = require "authenticated"
local process = require "process"
local server = require "server"
local wait = require "wait"

local rate = tonumber(os.getenv "BENCH_RATE") or 300
local count = tonumber(os.getenv "BENCH_COUNT") or rate * 10
local pairs_wanted = tonumber(os.getenv "BENCH_PAIRS") or 3
local target, users = 0.7, 100
local binary = os.getenv "REFLOW_BIN" or "build/reflow"
local scratch = server.temporary()
assert(os.execute("mkdir -p " .. scratch))
client.users(binary, scratch .. "/users", users)

local function configuration()
    local lines = {}
    for index = 1, users do
        lines[index] = ('    $sht(ha1=>u%d) = "%s";'):format(index, client.ha1("u" .. index))
    end
    local file <close> = assert(io.open "tests/bench/kamailio-auth.cfg")
    local text = file:read("a"):gsub("    import_file HA1_FILE", table.concat(lines, "\n"))
    server.write(scratch .. "/kamailio.cfg", text)
    return scratch .. "/kamailio.cfg"
end

local commands = {}

function commands.kamailio(port)
    local program = io.open "/usr/sbin/kamailio" and "/usr/sbin/kamailio" or "kamailio"
    return { program, "-DD", "-E", "-f", configuration(), "-l", "udp:127.0.0.1:" .. port, "-m", "256", "-M", "8", "-w",
        scratch, "-Y", scratch, "-P", scratch .. "/kamailio.pid" }
end

function commands.reflow(port)
    return { binary, "serve", "examples/registrar.lua", "--listen", "udp:127.0.0.1:" .. port, "--domain",
        client.domain, "--users", scratch .. "/users", "--trust", "127.0.0.1/32" }
end

-- One run; returns user and system microseconds per registration.
local function measure(name)
    local port = server.free_port()
    local log = scratch .. "/" .. name .. ".log"
    local under_test = process.start(commands[name](port), log)
    wait.pause(2000)
    assert(not under_test.status, log)
    local phones = client.open(port)
    local function register(index, done)
        phones:register("u" .. (index - 1) % users + 1, done)
    end
    client.run(rate, users, register)
    local user, system = process.cpu(under_test.pid)
    client.run(rate, count, register)
    local user_after, system_after = process.cpu(under_test.pid)
    phones:close()
    under_test:stop()
    return (user_after - user) / count, (system_after - system) / count
end

local function median(list)
    table.sort(list)
    return list[(#list + 1) // 2]
end

local totals, ratios = { reflow = {}, kamailio = {} }, {}
for pair = 1, pairs_wanted do
    local last = {}
    -- Who goes first alternates.
    for _, name in ipairs(pair % 2 == 1 and { "kamailio", "reflow" } or { "reflow", "kamailio" }) do
        local user, system = measure(name)
        io.stderr:write(("  pair %d %-8s %6.1f us user %6.1f us system\n"):format(pair, name, user, system))
        last[name] = user + system
        table.insert(totals[name], last[name])
    end
    ratios[pair] = last.reflow / last.kamailio
end
os.execute("rm -rf " .. scratch)
local ratio = median(ratios)
print(("CPU per registration with digest (SHA-256, 401 included) at %d a second, against Kamailio with HA1 in memory" ..
    "\t%.0f us\t%.0f us\t%.2f\t%.2f\t%s"):format(rate, median(totals.reflow), median(totals.kamailio), ratio, target,
    ratio <= target and "reached" or "missed"))
-- Closing the state with the loop in it would not end well.
os.exit(0)
