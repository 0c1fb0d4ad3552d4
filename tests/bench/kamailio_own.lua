-- SPDX-License-Identifier: BSD-2-Clause
--[[ CPU time of Kamailio per REGISTER and per call in Debian's own kamailio.cfg with children=16: after the steps 1 to
     4 of module/kamailio/OWN.md, against the unchanged file, with the same phones without outbound. Each run starts a
     new server, registers all users, registers them again (measured), and calls each of them (measured; INVITE 100 180
     200 ACK BYE 200). The runs of a pair follow one another, and who goes first alternates. The figure is the median of
     the ratios of BENCH_PAIRS (7) pairs; least and greatest are in its name.
     BENCH_RATE (calls a second), BENCH_CALLS (each run), BENCH_REGISTERS (of each user). ]]
package.path = "tests/bench/?.lua;tests/e2e/support/?.lua;" .. package.path
local uv = require "luv"
local kamailio = require "kamailio"
local manual = require "manual"
local server = require "server"
local stand = require "kamailio_stand"
local wait = require "wait"

local rate = tonumber(os.getenv "BENCH_RATE") or 300
local calls = tonumber(os.getenv "BENCH_CALLS") or rate * 10
local registers = tonumber(os.getenv "BENCH_REGISTERS") or 3
local pairs_wanted = tonumber(os.getenv "BENCH_PAIRS") or 7

-- --- the two configurations ---

local folder = stand.folder .. "/own"

local function make_folder()
    assert(manual.stock_is_unchanged(), manual.stock .. " is not as the package has installed it")
    assert(uv.fs_mkdir(folder, 448))
    server.write(folder .. "/kamailio.cfg", stand.read(manual.stock))
    for number, step in ipairs(manual.steps()) do
        for _, block in ipairs(number <= 4 and manual.blocks(step.text, "sh") or {}) do
            manual.run(block, folder)
        end
    end
end

local function remove_folder()
    os.execute(("rm -rf '%s'"):format(folder))
end

local function text_of(name)
    local text = stand.read(name == "reflow" and folder .. "/kamailio.cfg" or manual.stock)
    text = text:gsub("\nchildren=%d+", "\nchildren=16")
    text = text:gsub("reflow%.so", (uv.fs_realpath(kamailio.module)))
    return (text:gsub("(#+ Global Parameters #+\n)", ('%%1alias="%s"\n'):format(stand.domain)))
end

-- --- one run ---

-- What arrives in another order than it was sent, because sixteen processes handle it, is no fault.
local any_order = { "-default_behaviors", "all,-abortunexp" }

local function register_all(port, own_port, file, number)
    stand.run_sipp(port, "register_plain.xml", own_port, { "-inf", file, "-m", calls, "-r", rate * 3, "-l", 500,
        "-cid_str", "u%u@bench", "-key", "number", number, any_order[1], any_order[2] }, calls / rate * 1000 + 60000)
end

-- Microseconds of CPU per REGISTER, and per call.
local function measure_once(name)
    local under_test = stand.start_text(text_of(name), { memory = 512 })
    local phone, order = server.free_port(), {}
    for number = 1, calls do
        order[number] = { "u" .. number }
    end
    local file = stand.fields("users", order)
    register_all(under_test.port, phone, file, 1)
    wait.pause(500)
    local before = stand.cpu(under_test.pid)
    for number = 1, registers do
        register_all(under_test.port, phone, file, number + 1)
    end
    wait.pause(200)
    local registered = stand.cpu(under_test.pid)
    stand.answer(under_test.port, "uas.xml", phone, any_order)
    wait.pause(500)
    local begun = stand.cpu(under_test.pid)
    local command = { "-inf", file, "-r", rate, "-m", calls, any_order[1], any_order[2] }
    stand.run_sipp(under_test.port, "uac_each.xml", server.free_port(), command, calls / rate * 1000 + 60000)
    local used = stand.cpu(under_test.pid) - begun
    stand.finish()
    return { REGISTER = (registered - before) / calls / registers / 1000, call = used / calls / 1000 }
end

stand.run(function()
    make_folder()
    stand.compare(measure_once, { pairs = pairs_wanted, targets = { REGISTER = 1.05, call = 1.0 },
        where = "in its own kamailio.cfg, children=16, with the module against without" })
    remove_folder()
end)
