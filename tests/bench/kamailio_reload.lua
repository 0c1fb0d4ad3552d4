-- SPDX-License-Identifier: BSD-2-Clause
--[[ Policies reloaded in Kamailio while calls run over many workers: BENCH_RELOADS (200) over BENCH_SECONDS (40) at
     BENCH_RATE (150) calls a second with BENCH_CHILDREN (16) workers. A call is INVITE 180 200 ACK BYE 200, by SIPp.

     tm writes a response under the lock of its transaction, and sends it after releasing the lock. So a worker that
     loses its processor in between may send the 180 after another worker has sent the 200. A caller ignores such a
     response (RFC 3261 section 17.1.1.2); SIPp by default counts the call as failed. Here SIPp goes on, and the late
     responses are counted: with the module and reloads, with the module alone, and with Kamailio's own registrar
     while other programs use the processors as the reloads do. ]]
package.path = "tests/bench/?.lua;tests/e2e/support/?.lua;" .. package.path
local uv = require "luv"
local kamailio = require "kamailio"
local process = require "process"
local server = require "server"
local stand = require "kamailio_stand"
local wait = require "wait"

local seconds = tonumber(os.getenv "BENCH_SECONDS") or 40
local reloads = tonumber(os.getenv "BENCH_RELOADS") or 200
local rate = tonumber(os.getenv "BENCH_RATE") or 150
local children = tonumber(os.getenv "BENCH_CHILDREN") or 16
local calls = rate * seconds

local stock = [[
request_route {
    if (has_totag()) {
        if (!loose_route()) exit;
        t_relay();
        exit;
    }
    t_check_trans();
    if (is_method("REGISTER")) { save("location"); exit; }
    if (is_method("INVITE")) record_route();
    if (!lookup("location")) { sl_send_reply("404", "Not Found"); exit; }
    t_relay();
}
]]

local policy_path = stand.folder .. "/policy.lua"

local function write_policy(number)
    server.write(policy_path, ([[
sip_on_response("4xx", function() end)
sip_on_request("INVITE", function() end)
version = %d
]]):format(number))
end

local function read(path)
    local file <close> = io.open(path)
    return file and file:read "a" or ""
end

-- Kamailio with these routes, and SIPp's phones on it. `beside` runs during the calls. Returns the number of calls that
-- failed, and of provisional responses that came after the final one.
local function measure(options, beside)
    local host = stand.start(options)
    local called_port, errors = server.free_port(), stand.folder .. "/late.log"
    os.remove(errors)
    stand.run_sipp(host.port, "register.xml", called_port, { "-m", 1, "-key", "reg_id", 1 }, 20000)
    local answered = stand.answer(host.port, "uas.xml", called_port)
    local caller = process.start(stand.sipp(host.port, "uac.xml", server.free_port(), { "-r", rate, "-m", calls,
        "-default_behaviors", "all,-abortunexp", "-trace_err", "-error_file", errors }), stand.folder .. "/uac.log")
    beside(host)
    local ended = caller:wait(60000)
    local log, late = read(stand.folder .. "/uac.log"), 0
    if not ended then
        caller:stop()
    end
    local failed = 0
    for count in log:gmatch "Failed call%s*|%s*%d+%s*|%s*(%d+)" do
        failed = tonumber(count)
    end
    for _ in read(errors):gmatch "received 'SIP/2.0 1%d%d" do
        late = late + 1
    end
    answered()
    stand.finish()
    return ended and failed or calls, late
end

local function reload_all(host)
    local begun = uv.hrtime()
    for number = 1, reloads do
        write_policy(number)
        local answer, why = host:rpc "reflow.reload"
        if not answer then
            error(why)
        end
        local left = (begun + number * seconds * 1000000000 // reloads - uv.hrtime()) // 1000000
        if left > 0 then
            wait.pause(left)
        end
    end
end

local function stand_by()
    wait.pause(seconds * 1000)
end

-- As many processes as a reload has, each of which computes for a moment at the same time.
local function compute()
    local busy = {}
    local line = ([[
for _ = 1, %d do
    local ending = os.clock() + 0.004
    while os.clock() < ending do end
    os.execute "sleep %.3f"
end]]):format(reloads, seconds / reloads - 0.01)
    for number = 1, children do
        busy[number] = process.start({ "lua5.4", "-e", line }, stand.folder .. "/busy.log")
    end
    wait.pause(seconds * 1000)
    for _, each in ipairs(busy) do
        each:stop()
    end
end

local function modules(last)
    local list = table.move(kamailio.modules, 1, #kamailio.modules - 1, 1, {})
    list[#list + 1] = last
    return list
end

stand.run(function()
    write_policy(0)
    local ours = { children = children, memory = 512, domain = stand.domain,
        params = { { "reflow", "policy", policy_path }, { "tm", "wt_timer", 1000 } } }
    local theirs = { children = children, memory = 512, domain = stand.domain, config = stock,
        modules = modules "registrar", params = { { "tm", "wt_timer", 1000 } } }
    local failed, late = measure(ours, reload_all)
    local failed_quiet, late_quiet = measure(ours, stand_by)
    local failed_stock, late_stock = measure(theirs, compute)
    local function row(what, value, baseline, target, verdict)
        print(table.concat({ what, value, baseline, "-", target, verdict }, "\t"))
    end
    row(("Kamailio: calls lost in %d reloads of the policy over %d s, %d workers, %d calls/s"):format(reloads, seconds,
        children, rate), failed, ("%d calls; without reloads: %d, stock's registrar: %d"):format(calls, failed_quiet,
        failed_stock), "0", failed == 0 and "reached" or "missed")
    row("... 180s that the 200 of another worker had overtaken", late, ("without reloads: %d, stock's registrar: %d")
        :format(late_quiet, late_stock), "-", "-")
end)
