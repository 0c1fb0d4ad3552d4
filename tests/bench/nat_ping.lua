-- SPDX-License-Identifier: BSD-2-Clause
-- What it costs to keep 20,000 phones behind NAT alive that register over UDP without reg-id: an OPTIONS to each every
-- 30 s, and its answer. The baseline is the same server with the same bindings and without pings. As many of them as
-- the descriptors of the processes allow.
package.path = "tests/bench/?.lua;tests/e2e/support/?.lua;" .. package.path
local crowd = require "flow_crowd"
local process = require "process"
local server = require "server"
local ua = require "ua"

local count = tonumber(os.getenv "BENCH_FLOWS") or 20000
local interval <const>, intervals <const> = 30, 2

-- The share of one core in percent while the phones are idle, and the counters of the pings.
local function measure(seconds)
    local path = server.temporary ".status"
    local under_test, port = crowd.serve(("--nat-ping %d --status %s"):format(seconds, path))
    local function number(name)
        return server.number({ status_path = path, status_text = server.status_text }, name)
    end
    local phones = crowd.new("udp", port, count)
    local opened = phones:tell("open", 300000)
    assert(opened == count, ("only %d of %d phones registered"):format(opened, count))
    ua.wait.pause(interval * 1000) -- from now on each phone is pinged
    local before, sent = process.cpu(under_test.pid), number "nat_pings"
    local system = select(2, process.cpu(under_test.pid))
    ua.wait.pause(interval * intervals * 1000)
    local user_after, system_after = process.cpu(under_test.pid)
    local share = (user_after - before + system_after - system) / (interval * intervals * 1e4)
    local result = { share = share, sent = number "nat_pings" - sent, lost = number "nat_pings_lost",
        bindings = number "bindings" }
    phones:stop()
    under_test:stop()
    os.remove(path)
    return result
end

local without = measure(0)
local with = measure(interval)
print(("# %d pings in %d s, %d of all were not answered; %d bindings at the end"):format(with.sent,
    interval * intervals, with.lost, with.bindings))
local all = with.bindings == count and with.sent >= count * intervals * 0.95
crowd.figure(("%d phones behind NAT over UDP, each pinged every %d s, of one core"):format(count, interval), "%.2f %%",
    with.share, without.share, "5 %", all and with.share <= 5)
os.exit(0)
