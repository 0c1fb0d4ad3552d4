-- SPDX-License-Identifier: BSD-2-Clause
--[[ The order in which test programs are run: the longest first, so that none of them is alone at the end. How long a
     program takes is known from the last run on this machine, or from the hints below, which need not be exact.

     Unit tests and specs compute; end-to-end tests mostly wait for sockets and timers. With N jobs, N programs of the
     first kind and 2 N of the second run at a time, so that the processors are busy. With one job, one program runs. ]]
local schedule = {}
schedule.__index = schedule

local USUAL_MS <const> = 3000

-- Seconds, for programs that take ten or more.
local hints = {
    ["e2e-edge_bad_input_test"] = 60, ["e2e-kamailio_crash_test"] = 50, ["e2e-kamailio_flows_test"] = 45,
    ["e2e-kamailio_memory_test"] = 35, ["e2e-kamailio_policy_test"] = 40, ["e2e-kamailio_react_test"] = 25,
    ["e2e-limits_test"] = 28, ["e2e-matrix_test"] = 15, ["e2e-outbound_ua_test"] = 27,
    ["e2e-peers_baresip_test"] = 25, ["e2e-peers_sipp_test"] = 10, ["e2e-tls_test"] = 10, ["e2e-websocket_test"] = 25,
    ["e2e-network_loss_test"] = 35, ["e2e-network_nat_test"] = 12,
    ["e2e-datagram_test"] = 12, ["e2e-nat_test"] = 25, ["kamailio-datagram_test"] = 20, ["kamailio-nat_test"] = 35,
    ["kamailio-matrix_test"] = 16, ["kamailio-peers_baresip_test"] = 36, ["kamailio-peers_sipp_test"] = 10,
    ["kamailio-proxy_test"] = 12, ["kamailio-response_test"] = 12, ["spec-catalog_spec"] = 15,
    ["unit-test_binding_model"] = 27, ["unit-test_check"] = 18, ["unit-test_engine_limits"] = 15,
    ["unit-test_hostile"] = 33, ["e2e-browser_test"] = 45, ["e2e-site_test"] = 25, ["spec-site_spec"] = 15,
    ["unit-test_policy_test"] = 19, ["unit-test_replay_capture"] = 10, ["unit-test_script_pattern"] = 22,
    ["unit-test_simulate_run"] = 13, ["unit-test_token"] = 21,
}

local classes = { unit = "computes", spec = "computes", memcheck = "computes", e2e = "waits", kamailio = "waits" }

function schedule.new(jobs, path)
    local self = setmetatable({ path = path, count = 0, known = {}, names = {}, waiting = { computes = {}, waits = {} },
        active = { computes = {}, waits = {} }, alone = jobs == 1,
        limit = { computes = jobs, waits = jobs == 1 and 1 or 2 * jobs } }, schedule)
    local file = io.open(path)
    for line in file and file:lines() or function() end do
        local name, ms = line:match "^(%S+) (%d+)$"
        self.known[name or ""] = tonumber(ms)
    end
    if file then
        file:close()
    end
    return self
end

-- The program's name is that of its results: "unit-test_frame", "e2e-edge_test", "kamailio-edge_test".
function schedule.add(self, kind, path)
    local class = assert(classes[kind], kind)
    local name = kind .. "-" .. path:match "[^/]*$":gsub("%.lua$", "")
    assert(not self.names[name], path .. ": another program has this name, and their results would be one file")
    self.names[name] = true
    local ms = self.known[name] or (hints[name] or 0) * 1000
    table.insert(self.waiting[class], { kind = kind, path = path, name = name, class = class,
        ms = ms > 0 and ms or USUAL_MS })
    self.count = self.count + 1
end

function schedule.sort(self)
    for _, list in pairs(self.waiting) do
        table.sort(list, function(a, b)
            return a.ms > b.ms or a.ms == b.ms and a.name < b.name
        end)
    end
end

function schedule.running(self)
    local list = {}
    for _, class in ipairs { "computes", "waits" } do
        table.move(self.active[class], 1, #self.active[class], #list + 1, list)
    end
    return list
end

-- The next program to start; nil while there is no room for one, or none is left.
function schedule.next(self)
    for _, class in ipairs { "waits", "computes" } do
        local room = #self.active[class] < self.limit[class] and not (self.alone and #self:running() > 0)
        if room and self.waiting[class][1] then
            local program = table.remove(self.waiting[class], 1)
            table.insert(self.active[class], program)
            return program
        end
    end
end

function schedule.ended(self, program)
    for index, each in ipairs(self.active[program.class]) do
        if each == program then
            table.remove(self.active[program.class], index)
            return
        end
    end
end

function schedule.note(self, program, ms)
    self.known[program.name] = ms
end

-- Keeps the durations for the next run.
function schedule.save(self)
    local file = io.open(self.path, "w")
    if file then
        for name, ms in pairs(self.known) do
            file:write(name, " ", math.tointeger(ms) or 0, "\n")
        end
        file:close()
    end
end

return schedule
