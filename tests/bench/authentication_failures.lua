-- SPDX-License-Identifier: BSD-2-Clause
--[[ Calls of others while 1,000 strangers (guessers.lua) send 10,000 REGISTERs a second with bad credentials, in turns
     with the same calls without them, and with the same calls while the guessers send to a socket that nobody reads:
     once with the limits of sources as they are by default, and once without limits.
     BENCH_CALLS (each turn), BENCH_ROUNDS, BENCH_RATE (attempts a second), REFLOW_BIN. ]]
package.path = "tests/bench/?.lua;tests/e2e/support/?.lua;" .. package.path
local client = require "authenticated"
local crowd = require "flow_crowd"
local digest = require "digest"
local process = require "process"
local server = require "server"
local ua = require "ua"
local uv = require "luv"

local calls = tonumber(os.getenv "BENCH_CALLS") or 300
local rounds = tonumber(os.getenv "BENCH_ROUNDS") or 3
local rate = tonumber(os.getenv "BENCH_RATE") or 10000
local sources = 1000
local binary = os.getenv "REFLOW_BIN" or "build/reflow"
local users = server.temporary ".users"
client.users(binary, users, 1)

-- Takes the datagrams of the guessers, and drops them: what their own work costs the machine.
local sink = uv.new_udp()
assert(sink:bind("127.0.0.1", 0))
local sink_port = sink:getsockname().port

-- Returns a function that ends them and returns what they printed.
local function start_guessers(port)
    local input, output, said, ended = uv.new_pipe(false), uv.new_pipe(false), "", false
    uv.spawn("lua5.4", { args = { "tests/bench/guessers.lua", tostring(port), tostring(sources), tostring(rate) },
        stdio = { input, output, 2 } }, function()
        ended = true
    end)
    output:read_start(function(_, chunk)
        said = said .. (chunk or "")
    end)
    return function()
        input:close()
        assert(ua.wait.until_true(60000, function()
            return ended and said:find "\n"
        end), "the guessers did not end")
        local sent, answered, seconds = said:match "(%d+)\t(%d+)\t([%d.]+)"
        return tonumber(sent), tonumber(answered), tonumber(seconds)
    end
end

-- The caller is from elsewhere, so that nothing but the call itself is measured.
local function open_callers(port)
    local alice = ua.open { port = port, user = "alice", domain = "elsewhere.test" }
    local phone = ua.open { port = port, user = "u1" }
    local uri = "sip:" .. client.domain
    local answer = phone:expect_final(phone:request("REGISTER", { uri = uri, to = phone.aor }), 401)
    phone:expect_final(phone:request("REGISTER", { uri = uri, to = phone.aor, cseq = 2, headers = {
        digest.header(digest.challenges(answer)[1], { user = "u1", password = client.password, method = "REGISTER",
            uri = uri }) } }), 200)
    return alice, phone
end

-- What a datagram needs that a full socket buffer lost: the caller sends the INVITE again, as RFC 3261 17.1.1.2 says.
local function expect_invite(alice, phone, asked)
    local interval = 500
    for _ = 1, 7 do
        local invite = phone:receive("INVITE", interval)
        if invite then
            return invite
        end
        alice:send_raw(asked.text)
        interval = 2 * interval
    end
    error "the INVITE does not arrive"
end

local function call(alice, phone, times)
    local asked = alice:invite(phone.aor)
    phone:reply(expect_invite(alice, phone, asked), 486)
    local answer = alice:expect_final(asked, 486, 30000)
    times[#times + 1] = (answer.at - asked.sent_at) / 1e6
    phone:receive("ACK", 1000)
    alice.inbox, phone.inbox, alice.seen, phone.seen = {}, {}, {}, {}
    ua.wait.pause(10)
end

local function measure(what, more)
    local port = server.free_port()
    local under_test = process.start({ binary, "serve", "examples/registrar.lua", "--listen", "udp:127.0.0.1:" .. port,
        "--domain", client.domain, "--users", users, "--trust", "127.0.0.1/32", table.unpack(more) },
        os.getenv "BENCH_LOG")
    ua.wait.pause(1500)
    local alice, phone = open_callers(port)
    local quiet, beside, attacked = {}, {}, {}
    local sent, answered, seconds, spent = 0, 0, 0, 0
    local function make_calls(times)
        for _ = 1, calls do
            call(alice, phone, times)
        end
    end
    for _ = 1, rounds do
        make_calls(quiet)
        local stop = start_guessers(sink_port)
        ua.wait.pause(500)
        make_calls(beside)
        stop()
        local user, system = process.cpu(under_test.pid)
        stop = start_guessers(port)
        ua.wait.pause(500)
        make_calls(attacked)
        local one_sent, one_answered, took = stop()
        local user_after, system_after = process.cpu(under_test.pid)
        spent = spent + user_after - user + system_after - system
        sent, answered, seconds = sent + one_sent, answered + one_answered, seconds + took
    end
    under_test:stop()
    io.stderr:write(("  %s: median %.2f ms, quiet %.2f ms, guessers elsewhere %.2f ms\n"):format(what,
        crowd.percentile(attacked, 0.5), crowd.percentile(quiet, 0.5), crowd.percentile(beside, 0.5)))
    io.stderr:write(("  %.0f attempts a second, %.0f of them answered, %.1f us of the server for each\n"):format(
        sent / seconds, answered / seconds, spent / sent))
    local p99 = crowd.percentile(attacked, 0.99)
    local function figure(name, times)
        local baseline = crowd.percentile(times, 0.99)
        crowd.figure(name, "%.2f ms", p99, baseline, "2.00", p99 <= 2 * baseline)
    end
    figure(("%.0f authentications fail each second, from %d sources%s: a call beside them, p99 of %d"):format(
        sent / seconds, sources, what, #attacked), quiet)
    figure("the same (baseline: the same datagrams go to a socket that nobody reads)", beside)
end

measure("", {})
measure(", all computed and answered (no limits)", { "--limit-failures", "0", "--limit-requests", "0" })
os.remove(users)
-- Closing the state with the loop in it would not end well.
os.exit(0)
