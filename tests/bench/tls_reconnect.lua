-- SPDX-License-Identifier: BSD-2-Clause
-- 10,000 TLS flows end at once and come back at once, all with whole handshakes: how long until all are registered
-- again, and what the calls of others notice.
package.path = "tests/bench/?.lua;tests/e2e/support/?.lua;" .. package.path
local certificates = require "certificates"
local crowd = require "flow_crowd"
local server = require "server"

local count = math.min(tonumber(os.getenv "BENCH_FLOWS") or 10000, crowd.descriptors() - 200)
local authority = certificates.new()
local files = authority:sign("default", { names = "DNS:example.test" })
local tls_port = server.free_port()
local under_test, port = crowd.serve(("--listen tls:127.0.0.1:%d --tls-cert %s --tls-key %s"):format(tls_port,
    files.certificate, files.key))
local call, times = crowd.caller(port)
for _ = 1, 300 do
    call()
end
local alone = crowd.percentile(times, 0.99)
local flows = crowd.new("tls", tls_port, count)
local before = crowd.resident(under_test.pid)
local opened, took = flows:tell("open", 300000)
print(("# %d registered at first in %.1f s, %.1f KiB each"):format(opened, took / 1000,
    (crowd.resident(under_test.pid) - before) / count))
flows:tell("close", 60000)
for index = #times, 1, -1 do
    times[index] = nil
end
local again, ms = flows:tell("open", 300000, call)
local p99 = crowd.percentile(times, 0.99)
flows:stop()
under_test:stop()
os.execute("rm -r " .. authority.folder)
crowd.figure(("TLS flows that come back at once, registered again, of %d"):format(count), "%d", again, nil,
    tostring(count), again == count)
crowd.figure(("until all of %d are registered again"):format(count), "%.1f s", ms / 1000, nil, "",
    again == count)
crowd.figure(("a call beside them, p99 of %d"):format(#times), "%.1f ms", p99, alone, "200 ms", p99 <= 200)
-- Closing the state with the loop in it would not end well.
os.exit(0)
