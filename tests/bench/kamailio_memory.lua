-- SPDX-License-Identifier: BSD-2-Clause
--[[ Shared memory that the module adds to a binding: the same registrations over UDP, two flows for each instance, into
     a Kamailio by itself and into one with the module; what each binding took, the allocator's part counted.
     BENCH_BINDINGS. ]]
package.path = "tests/bench/?.lua;tests/e2e/support/?.lua;" .. package.path
local server = require "server"
local stand = require "kamailio_stand"

local bindings = tonumber(os.getenv "BENCH_BINDINGS") or 20000
local target = 160

local function used(under_test)
    local text = assert(under_test:rpc "core.shmmem")
    return assert(tonumber(text:match "real_used: (%d+)"), text)
end

-- Bytes per binding with that configuration.
local function measure(text)
    local under_test = stand.start_text(text)
    local rows = { {}, {} }
    for number = 1, bindings // 2 do
        for reg_id = 1, 2 do
            rows[reg_id][number] = { "u" .. number, ("%012d"):format(number), reg_id }
        end
    end
    local before = used(under_test)
    for _, flows in ipairs(rows) do
        stand.register(under_test.port, server.free_port(), flows)
    end
    local after = used(under_test)
    stand.finish()
    return (after - before) / bindings
end

stand.run(function()
    local alone, beside, ours = measure(stand.sample()), measure(stand.beside()), measure(stand.ours())
    local function tell(what, added)
        print(("Kamailio: shared memory that %s (baseline: a whole binding by save() without the module)\t%.0f bytes" ..
            "\t%.0f bytes\t%.2f\t%d bytes\t%s"):format(what, added, alone, added / alone, target,
            added <= target and "reached" or "missed"))
    end
    tell(("the module adds to each of %d bindings made by save()"):format(bindings), beside - alone)
    -- The index of flows, and what sip_save() has usrloc keep more than save() for the same REGISTER.
    tell("a binding by sip_save(), whose Contact names its source, takes more than by save()", ours - alone)
end)
