-- SPDX-License-Identifier: BSD-2-Clause
--[[ What a decision costs inside Kamailio: a reply route calls sip_decide() for the reply at hand many times, ten times
     in each turn of a loop, by Kamailio's own clock; an equal loop without it is taken off. No policy is loaded.
     BENCH_LOOPS. ]]
package.path = "tests/bench/?.lua;tests/e2e/support/?.lua;" .. package.path
local stand = require "kamailio_stand"
local kamailio = require "kamailio"
local ua = require "ua"

local loops = tonumber(os.getenv "BENCH_LOOPS") or 20000
local calls = 10 -- in a turn
local rounds = 9
local target_us = 1

-- $TV(Sn) is the clock at that very instant.
local routes = ([[
route[CALL] { t_on_reply("measured"); }
onreply_route[measured] {
    if (status != "486") return;
    $var(i) = 0;
    $var(from) = $TV(Sn);
    while ($var(i) < LOOPS) { $var(i) = $var(i) + 1; }
    $var(middle) = $TV(Sn);
    $var(i) = 0;
    while ($var(i) < LOOPS) { DECIDE$var(i) = $var(i) + 1; }
    xlog("L_ERR", "measured $var(from) $var(middle) $TV(Sn) $reflow(rule)\n");
}
]]):gsub("LOOPS", loops):gsub("DECIDE", ("sip_decide(); "):rep(calls))

stand.run(function()
    local under_test = stand.start { config = kamailio.routing, extra = routes,
        core = ("max_while_loops=%d"):format(loops + 1) }
    local alice = ua.open { port = under_test.port, user = "alice" }
    local bob = ua.open { port = under_test.port, user = "bob" }
    local second = ua.open { port = under_test.port, user = "bob" }
    for reg_id, flow in ipairs { second, bob } do
        flow:register { instance = ua.instance(1), reg_id = reg_id, q = "0." .. reg_id }
    end
    local each, empty = {}, {}
    for round = 1, rounds do
        local seen = #under_test.log
        local call = alice:invite(bob.aor)
        bob:reply(bob:expect "INVITE", 486)
        alice:expect_final(call, 486)
        local _, _, from, middle, to = under_test:wait_for_log("measured ([%d.]+) ([%d.]+) ([%d.]+) 5626%-7.c", 20000,
            seen)
        empty[round] = (middle - from) / loops * 1e6
        each[round] = ((to - middle) / loops * 1e6 - empty[round]) / calls
    end
    local median, baseline = stand.median(each), stand.median(empty)
    print(("Kamailio: sip_decide() in a reply route, no policy (baseline: the loop around it)\t%.2f us\t%.2f us\t" ..
        "%.2f\t%d us\t%s"):format(median, baseline, median / baseline, target_us, median <= target_us and "reached" or
        "missed"))
end)
