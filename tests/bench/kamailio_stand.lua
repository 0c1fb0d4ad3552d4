-- SPDX-License-Identifier: BSD-2-Clause
-- What the measurements of the Kamailio module share: Kamailio's own outbound sample, and the same with the module in
-- place of its fail-over script; user agents with two flows each, by SIPp; CPU time of all processes.
package.path = "tests/bench/?.lua;tests/e2e/support/?.lua;" .. package.path
local uv = require "luv"
local kamailio = require "kamailio"
local process = require "process"
local server = require "server"

local stand = {}

local sample = (os.getenv "BUILD" or "build") .. "/kamailio/source/misc/examples/outbound/registrar.cfg"
stand.domain = "example.com" -- the sample's alias
stand.folder = server.temporary()
assert(uv.fs_mkdir(stand.folder, 448))

-- In place of a test: what must happen at the end.
local deferred = {}
local measurement = {}
function measurement.defer(_, f)
    deferred[#deferred + 1] = f
end
function measurement.skip(_, why)
    error(why, 0)
end
stand.measurement = measurement

local function finish()
    for index = #deferred, 1, -1 do
        deferred[index]()
        deferred[index] = nil
    end
end

local function remove_folder()
    for name in uv.fs_scandir_next, uv.fs_scandir(stand.folder) do
        os.remove(stand.folder .. "/" .. name)
    end
    uv.fs_rmdir(stand.folder)
end

-- Runs f, ends what it started, and the program: closing the state with the loop in it would not end well.
function stand.run(f)
    local ok, why = xpcall(f, debug.traceback)
    local clean, how = xpcall(finish, debug.traceback)
    remove_folder()
    if not ok or not clean then
        io.stderr:write(tostring(not ok and why or how), "\n")
    end
    os.exit(ok and clean and 0 or 1)
end

-- What measure_once(name) returns. SIPp may fail for another reason than the server: up to three attempts.
local function measure(measure_once, name)
    for _ = 1, 3 do
        local ok, used = pcall(measure_once, name)
        if ok then
            return used
        end
        io.stderr:write("  taken again: ", name, ": ", tostring(used):match "^[^\n]*", "\n")
        finish()
    end
    error(name .. ": calls failed three times")
end

local function report(what, found, options)
    local ratios, ours, stock = {}, {}, {}
    for pair, each in ipairs(found) do
        ours[pair], stock[pair] = each.reflow[what], each.stock[what]
        ratios[pair] = ours[pair] / stock[pair]
    end
    local ratio, target = stand.median(ratios), options.targets[what]
    print(("Kamailio's CPU per %s %s, %d pairs (%.2f to %.2f)\t%.0f us\t%.0f us\t%.2f\t%.2f\t%s"):format(what,
        options.where, #found, math.min(table.unpack(ratios)), math.max(table.unpack(ratios)), stand.median(ours),
        stand.median(stock), ratio, target, ratio <= target and "reached" or "missed"))
end

--[[ Measures "reflow" and "stock" in turns, and prints the figures per REGISTER and per call. measure_once(name)
     returns the microseconds of both. options: pairs, targets (of the ratios), where (for the name of the figure). ]]
function stand.compare(measure_once, options)
    local found = {}
    for pair = 1, options.pairs do
        local names, used = pair % 2 == 1 and { "stock", "reflow" } or { "reflow", "stock" }, {}
        for _, name in ipairs(names) do
            used[name] = measure(measure_once, name)
        end
        found[pair] = used
        io.stderr:write(("  pair %d: REGISTER %.1f and %.1f us, call %.1f and %.1f us\n"):format(pair,
            used.reflow.REGISTER, used.stock.REGISTER, used.reflow.call, used.stock.call))
    end
    report("REGISTER", found, options)
    report("call", found, options)
end

function stand.start(options)
    return kamailio.start(measurement, options)
end

function stand.finish()
    finish()
end

function stand.median(list)
    local sorted = table.move(list, 1, #list, 1, {})
    table.sort(sorted)
    local middle = (#sorted + 1) // 2
    return #sorted % 2 == 1 and sorted[middle] or (sorted[middle] + sorted[middle + 1]) / 2
end

function stand.read(path)
    local file <close> = assert(io.open(path, "rb"))
    return file:read "a"
end

local function replace(text, what, by)
    local out, count = text:gsub(what, function()
        return by
    end)
    assert(count > 0, "the sample has changed: no " .. what)
    return out
end

-- As it comes, but for what Debian has not (mi_*), its place, and one worker a socket: of two, one may overtake the
-- other with the next message of a call, which SIPp takes for a fault.
function stand.sample()
    local text = stand.read(sample)
    text = replace(text, "[^\n]*mi_[^\n]*\n", "")
    text = replace(text, 'mpath="[^"\n]*"', ('mpath="%s"'):format(kamailio.module_path()))
    return (replace(text, "children=%d+", "children=1"))
end

local routing = [[
route[LOCATION] {
	if (!sip_route_flows("location")) {
		send_reply("404", "Not Found");
		exit;
	}
	t_on_failure("calls");
	t_on_branch_failure("flows");
	route(RELAY);
	exit;
}
event_route[tm:branch-failure:flows] { sip_on_flow_failed(); }
failure_route[calls] { sip_on_failure(); }

onreply_route {
	if (!t_check_trans()) {
		drop;
	}
}
]]

-- The same with the module: registrar and tm's contacts have nothing left to do, all else stays.
function stand.ours()
    local text = stand.sample()
    text = replace(text, 'loadmodule "registrar.so"', ('loadmodule "%s"'):format(uv.fs_realpath(kamailio.module)))
    text = replace(text, 'modparam%("registrar"[^\n]*\n', "")
    text = replace(text, 'modparam%("tm", "contact[^\n]*\n', "")
    text = replace(text, 'save%("location"%)', 'sip_save("location")')
    return (replace(text, "route%[LOCATION%].*$", routing))
end

-- The sample as it comes, with the module loaded beside it and none of its functions used.
function stand.beside()
    return (replace(stand.sample(), 'loadmodule "registrar.so"', ('loadmodule "registrar.so"\nloadmodule "%s"'):format(
        uv.fs_realpath(kamailio.module))))
end

-- Starts Kamailio with such a text, over UDP and TCP.
function stand.start_text(text, options)
    options = options or {}
    local path = stand.folder .. "/kamailio.cfg"
    server.write(path, text)
    local port = server.free_port()
    local arguments = { "-l", "udp:127.0.0.1:" .. port, "-l", "tcp:127.0.0.1:" .. port }
    return stand.start { config = path, port = port, args = arguments, memory = options.memory or 256 }
end

-- Nanoseconds of CPU that all its processes, and their threads, have had.
function stand.cpu(pid)
    local total = 0
    for _, each in ipairs(process.tree(pid)) do
        local folder = ("/proc/%d/task"):format(each)
        for name in uv.fs_scandir_next, uv.fs_scandir(folder) do
            local file = io.open(("%s/%s/schedstat"):format(folder, name))
            total = total + (file and tonumber(file:read("a"):match "^%d+") or 0)
            if file then
                file:close()
            end
        end
    end
    return total
end

function stand.sipp(port, scenario, own_port, more)
    local path = scenario:find "/" and scenario or "tests/bench/sipp/" .. scenario
    local command = { "sipp", "127.0.0.1:" .. port, "-sf", path, "-i", "127.0.0.1", "-p", tostring(own_port),
        "-nostdin", "-key", "domain", stand.domain, "-key", "user", "called" }
    for _, word in ipairs(more or {}) do
        command[#command + 1] = tostring(word)
    end
    return command
end

-- Runs a SIPp scenario to its end; raises where one of its calls failed.
function stand.run_sipp(port, scenario, own_port, more, ms)
    local log, errors = stand.folder .. "/sipp.log", stand.folder .. "/errors.log"
    local command = stand.sipp(port, scenario, own_port, more)
    table.move({ "-trace_err", "-error_file", errors }, 1, 3, #command + 1, command)
    local status = process.run(command, log, ms)
    if status ~= 0 then
        local seen = uv.fs_stat(errors) and stand.read(errors) or stand.read(log)
        error(("SIPp %s: status %s\n%s"):format(scenario, tostring(status), seen:sub(1, 2500)), 2)
    end
end

-- A SIPp that answers calls, with further arguments if there are any, and, once it has been ended by called(), how many
-- it has had.
function stand.answer(port, scenario, own_port, more)
    local log = ("%s/answer%d.log"):format(stand.folder, own_port)
    local answering = process.start(stand.sipp(port, scenario, own_port, more), log)
    measurement:defer(function()
        answering:stop()
    end)
    return function()
        uv.kill(answering.pid, "sigusr1")
        if not answering:wait(10000) then
            answering:stop()
        end
        return tonumber(stand.read(log):match "Successful call%s*|%s*%d+%s*|%s*(%d+)") or 0
    end
end

-- A file of fields for SIPp: rows are lists.
function stand.fields(name, rows)
    local lines = { "SEQUENTIAL" }
    for _, row in ipairs(rows) do
        lines[#lines + 1] = table.concat(row, ";")
    end
    local path = ("%s/%s.csv"):format(stand.folder, name)
    server.write(path, table.concat(lines, "\n") .. "\n")
    return path
end

-- Registers each row { user, instance, reg-id } as a flow from own_port.
function stand.register(port, own_port, rows)
    if #rows > 0 then
        local file = stand.fields("register", rows)
        stand.run_sipp(port, "register_each.xml", own_port, { "-inf", file, "-m", #rows, "-r", 2000, "-l", 200 },
            #rows + 30000)
    end
end

return stand
