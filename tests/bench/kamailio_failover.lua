-- SPDX-License-Identifier: BSD-2-Clause
-- In Kamailio with the module: from a TCP flow's death, seen from its user agent, while it has an INVITE, to the INVITE
-- on the instance's other flow: median of many calls. BENCH_ROUNDS.
package.path = "tests/bench/?.lua;tests/e2e/support/?.lua;" .. package.path
local uv = require "luv"
local stand = require "kamailio_stand"
local ua = require "ua"

local rounds = tonumber(os.getenv "BENCH_ROUNDS") or 200
local target_ms = 20

stand.run(function()
    local under_test = stand.start()
    local function open(user)
        return ua.open { port = under_test.port, user = user, transport = "tcp" }
    end
    local alice = open "alice"
    local times, plain = {}, {}
    for round = 1, rounds do
        local user = "bob" .. round
        local flows = { open(user), open(user) }
        for reg_id, flow in ipairs(flows) do
            flow:register { instance = ua.instance(1), reg_id = reg_id }
        end
        local call = alice:invite(flows[1].aor)
        -- Which of the two is tried first is the server's to say.
        local got, first
        ua.wait.until_true(ua.patience, function()
            for index, flow in ipairs(flows) do
                got = got or flow:receive("INVITE", 0)
                first = first or got and index
            end
            return got
        end)
        assert(got, "no INVITE")
        plain[round] = (got.at - call.sent_at) / 1e6
        local other = flows[3 - first]
        local closed_at = uv.hrtime()
        flows[first].socket:close()
        local moved = other:expect("INVITE", 40000)
        times[round] = (moved.at - closed_at) / 1e6
        other:reply(moved, 486)
        alice:expect_final(call, 486)
        alice.inbox = {}
        other:close()
    end
    table.sort(times)
    local median, baseline = stand.median(times), stand.median(plain)
    print(("Kamailio: dead TCP flow to INVITE on the other flow, median (baseline: a call's INVITE through it)\t" ..
        "%.2f ms\t%.2f ms\t%.2f\t%d ms\t%s"):format(median, baseline, median / baseline, target_ms,
        median <= target_ms and "reached" or "missed"))
    io.stderr:write(("  failover: 95th percentile %.2f ms, worst %.2f ms of %d\n"):format(times[rounds * 95 // 100],
        times[rounds], rounds))
end)
