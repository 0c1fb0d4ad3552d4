-- SPDX-License-Identifier: BSD-2-Clause
-- What happens when a flow dies: bob registers two TCP flows, alice calls, the flow that rings is cut, the call gets
-- through. Real sockets, a server of its own; every message and every decision with its rule as it comes.
local directory = arg[0]:match "^(.*)/" or "."
package.path = directory .. "/support/?.lua;" .. package.path
local uv = require "luv"
local ladder = require "ladder"
local server = require "server"
local ua = require "ua"

ladder.run(function(t)
    local s = server.start(t, { args = { "--log-decisions" } })
    local steps = ladder.new({ alice = 11, reflow = 44, first = 69, second = 94 }, 99)
    steps:follow("reflow", s)
    local function open(user, lane)
        return ua.open { port = s.port, user = user, transport = "tcp", trace = steps:tracer(lane, "reflow") }
    end
    steps:head { alice = "alice", reflow = "reflow", first = "bob, flow 1", second = "flow 2" }

    local alice, first, second = open("alice", "alice"), open("bob", "first"), open("bob", "second")
    steps:say "One user agent, one instance-id, two TCP connections: reg-id 1 and 2."
    first:register { instance = ua.instance(1), reg_id = 1, q = "1.0" }
    second:register { instance = ua.instance(1), reg_id = 2, q = "0.5" }

    steps:say "alice calls bob. The call goes over one of his flows, never over both."
    local call = alice:invite(first.aor)
    first:expect "INVITE"
    ua.wait.pause(300)

    steps:say "That flow is cut while the call waits on it."
    steps.gone.first = true
    local cut = uv.hrtime()
    first:close()
    local moved = second:expect "INVITE"
    local took = (moved.at - cut) / 1e6
    second:reply(moved, 180, { phrase = "Ringing" })
    alice:expect(180)
    ua.wait.pause(300)
    second:reply(moved, 200, { phrase = "OK" })
    alice:expect_final(call, 200)
    second:expect "ACK"
    steps:say(("The call got through, %.1f ms after the cut. bob hangs up."):format(took))
    second:within_called("BYE", moved)
    alice:reply(alice:expect "BYE", 200, { phrase = "OK" })
    second:expect(200)

    steps:say "The next call knows: the dead flow's binding is gone, the living one rings at once."
    call = alice:invite(first.aor)
    moved = second:expect "INVITE"
    second:reply(moved, 486, { phrase = "Busy Here" })
    alice:expect_final(call, 486)
    second:expect "ACK"

    steps:say "The other flow is cut as well. A caller hears so at once."
    second:close()
    ua.wait.pause(50)
    alice:expect_final(alice:invite(first.aor), 480)
    ua.wait.pause(50)
    s.on_output = nil
end)
