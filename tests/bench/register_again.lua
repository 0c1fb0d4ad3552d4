-- SPDX-License-Identifier: BSD-2-Clause
-- 20,000 phones register again within 120 s, evenly, over UDP and over TLS: what the calls of others notice. Over TLS
-- all connections have ended at once, and each phone makes a whole handshake. The baseline is the same calls before any
-- phone is there. The bindings are kept on disk. As many phones as the descriptors of the server allow.
package.path = "tests/bench/?.lua;tests/e2e/support/?.lua;" .. package.path
local certificates = require "certificates"
local crowd = require "flow_crowd"
local server = require "server"

local wanted = tonumber(os.getenv "BENCH_FLOWS") or 20000

-- Removes the milliseconds of the calls so far, and returns their 99th percentile.
local function take_p99(times)
    local p99 = crowd.percentile(times, 0.99)
    for index = #times, 1, -1 do
        times[index] = nil
    end
    return p99
end

local function measure(transport, count, arguments, own_port)
    local state, status = server.temporary ".db", server.temporary ".status"
    local under_test, port = crowd.serve(("--state %s --status %s %s"):format(state, status, arguments))
    local call, times = crowd.caller(port)
    for _ = 1, 1000 do
        call()
    end
    local alone = take_p99(times)
    local phones = crowd.new(transport, own_port or port, count)
    -- All handshakes at once take longer than the server waits for a message on a busy machine.
    local opened, took = phones:tell(transport == "udp" and "open" or "again", 600000)
    print(("# %d phones registered over %s at first in %.1f s"):format(opened, transport, took / 1000))
    assert(opened == count, "not all phones are registered")
    if transport ~= "udp" then
        phones:tell("close", 60000)
    end
    local again, ms, repeated = phones:tell("again", 300000, call)
    local calls, beside = #times, take_p99(times)
    print(("# registered again over %s: %d in %.1f s, %d attempts repeated"):format(transport, again, ms / 1000,
        repeated))
    local bindings = server.number({ status_path = status, status_text = server.status_text }, "bindings")
    phones:stop()
    under_test:stop()
    os.execute(("rm -f %s* %s"):format(state, status))
    crowd.figure(("%d phones register again within 120 s over %s: a call beside them, p99 of %d"):format(count,
        transport:upper(), calls), "%.1f ms", beside, alone, "1000 ms", beside <= 1000)
    crowd.figure(("the same: REGISTERs lost, and attempts repeated, of %d"):format(count), "%d", count - again
        + repeated, nil, "0", again == count and repeated == 0 and bindings == count + 1)
end

measure("udp", wanted, "")
local authority = certificates.new()
local files = authority:sign("default", { names = "DNS:example.test" })
local tls_port = server.free_port()
measure("tls", math.min(wanted, crowd.descriptors() - 200), ("--listen tls:127.0.0.1:%d --tls-cert %s --tls-key %s")
    :format(tls_port, files.certificate, files.key), tls_port)
os.execute("rm -r " .. authority.folder)
-- Closing the state with the loop in it would not end well.
os.exit(0)
