-- SPDX-License-Identifier: BSD-2-Clause
-- What an idle, registered TCP flow costs, whether its keep-alives are answered, and whether calls notice. As many of
-- 50,000 flows as the descriptors of one process allow.
package.path = "tests/bench/?.lua;tests/e2e/support/?.lua;" .. package.path
local crowd = require "flow_crowd"

local wanted = tonumber(os.getenv "BENCH_FLOWS") or 50000
local count = math.min(wanted, crowd.descriptors() - 400)
if count < wanted then
    print(("# %d flows: a process may have %d descriptors here"):format(count, crowd.descriptors()))
end
local under_test, port = crowd.serve()
local call, times = crowd.caller(port)
for _ = 1, 300 do
    call()
end
local alone = crowd.percentile(times, 0.99)
local flows = crowd.new("tcp", port, count)
local before = crowd.resident(under_test.pid)
local opened, took = flows:tell("open", 300000)
local each = (crowd.resident(under_test.pid) - before) / count
print(("# %d registered in %.1f s"):format(opened, took / 1000))
for index = #times, 1, -1 do
    times[index] = nil
end
local ponged = flows:tell("ping", 60000, call)
local beside = crowd.percentile(times, 0.99)
flows:stop()
under_test:stop()
crowd.figure(("idle TCP flow, registered, %d of them, resident"):format(count), "%.1f KiB", each, nil, "6 KiB",
    opened == count and each <= 6)
crowd.figure(("keep-alives answered, of %d in ten seconds"):format(count), "%d", ponged, nil, tostring(count),
    ponged == count)
crowd.figure("a call refused, beside these flows, p99", "%.1f ms", beside, alone, "20 ms", beside <= 20)
-- Closing the state with the loop in it would not end well.
os.exit(0)
