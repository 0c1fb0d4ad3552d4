-- SPDX-License-Identifier: BSD-2-Clause
--[[ CPU time of Kamailio per REGISTER and per call with examples/kamailio/provider.cfg and children=16, against the
     same file with save() and lookup() (tests/e2e/support/provider_stock.lua). A REGISTER is measured with its
     challenge. A call is one of somebody without a password to a user: INVITE 100 180 200 ACK BYE 200, with its records
     of accounting in a file. The runs of a pair follow one another, and who goes first alternates. The figure is the
     median of the ratios of BENCH_PAIRS (7) pairs; least and greatest are in its name.
     BENCH_RATE (calls a second), BENCH_CALLS (each run), BENCH_USERS. ]]
package.path = "tests/bench/?.lua;tests/e2e/support/?.lua;" .. package.path
local uv = require "luv"
local digest = require "digest"
local provider = require "provider"
local provider_stock = require "provider_stock"
local server = require "server"
local stand = require "kamailio_stand"
local wait = require "wait"

local rate = tonumber(os.getenv "BENCH_RATE") or 150
local calls = tonumber(os.getenv "BENCH_CALLS") or rate * 10
local users = tonumber(os.getenv "BENCH_USERS") or 300
local pairs_wanted = tonumber(os.getenv "BENCH_PAIRS") or 7
local any_order = { "-default_behaviors", "all,-abortunexp" } -- sixteen processes
stand.domain = provider.domain

-- --- the server ---

local function add_users(path)
    local rows = {}
    for number = 1, users do
        local user = "u" .. number
        rows[number] = ("('%s', '%s', '%s')"):format(user, provider.domain,
            digest.hash("MD5", user, provider.domain, "secret"))
    end
    provider.query(path, "insert into subscriber (username, domain, ha1) values " .. table.concat(rows, ", "))
end

-- The records of calls are in files, because SQLite would refuse some of them.
local function start(name)
    local folder, config = stand.folder .. "/records", stand.folder .. "/provider.cfg"
    assert(uv.fs_mkdir(folder, 448))
    stand.measurement:defer(function()
        os.execute(("rm -rf '%s'"):format(folder))
    end)
    local text = name == "stock" and provider_stock.text(provider.config) or stand.read(provider.config)
    server.write(config, text .. 'loadmodule "db_flatstore.so"\ndebug=0\n')
    return provider.start(stand.measurement, { config = config, memory = 512, trunks = 1, prepare = add_users,
        defines = { ('ACCOUNTING="flatstore:%s"'):format(folder), "CHILDREN=16" } })
end

-- --- one run ---

-- The caller of uac_each.xml, from another domain.
local function caller_scenario()
    local source = stand.read "tests/bench/sipp/uac_each.xml"
    local text, count = source:gsub("<sip:caller@%[domain%]>;tag", "<sip:caller@example.net>;tag")
    assert(count == 3)
    local path = stand.folder .. "/caller.xml"
    server.write(path, text)
    return path
end

local function register_all(port, own_port, file, number)
    stand.run_sipp(port, "register_password.xml", own_port, { "-inf", file, "-m", users, "-r", rate, "-l", 300,
        "-cid_str", "u%u@bench", "-key", "number", number, "-key", "again", number + 1, any_order[1], any_order[2] },
        users / rate * 1000 + 60000)
end

-- Microseconds of CPU per REGISTER, and per call.
local function measure_once(name)
    local under_test = start(name)
    local phone, rows, names = server.free_port(), {}, {}
    for number = 1, users do
        rows[number] = { "u" .. number, ("[authentication username=u%d password=secret]"):format(number) }
        names[number] = { "u" .. number }
    end
    local passwords = stand.fields("passwords", rows)
    register_all(under_test.port, phone, passwords, 1)
    wait.pause(500)
    local before = stand.cpu(under_test.pid)
    for number = 3, 7, 2 do
        register_all(under_test.port, phone, passwords, number)
    end
    wait.pause(200)
    local registered = stand.cpu(under_test.pid)
    stand.answer(under_test.port, "uas.xml", phone, any_order)
    wait.pause(500)
    local begun = stand.cpu(under_test.pid)
    local command = { "-inf", stand.fields("users", names), "-r", rate, "-m", calls, any_order[1], any_order[2] }
    stand.run_sipp(under_test.port, caller_scenario(), server.free_port(), command, calls / rate * 1000 + 60000)
    local used = stand.cpu(under_test.pid) - begun
    stand.finish()
    return { REGISTER = (registered - before) / users / 3 / 1000, call = used / calls / 1000 }
end

stand.run(function()
    stand.compare(measure_once, { pairs = pairs_wanted, targets = { REGISTER = 1.05, call = 1.0 },
        where = "with provider.cfg, children=16, with the module against save() and lookup()" })
end)
