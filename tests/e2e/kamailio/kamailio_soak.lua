-- SPDX-License-Identifier: BSD-2-Clause
--[[ Calls through Kamailio as fast as this machine makes them, for SOAK_SECONDS (600), beside strangers who attack
     (attackers.lua). Flows close, are reset, answer
     430, register again, at random; policies are reloaded every second, a broken one among them. Then: every call that
     had a living flow from its beginning to its end was answered, soon, and by one flow of an instance at a time; no
     process has died, and memory is flat: at rest, after the first minute and at the end. REFLOW_SEED repeats a run.
   SOAK_CONFIG=provider: the same with examples/kamailio/provider.cfg, its passwords, voicemail and accounting
   (soak_provider.lua); then each call has one record, and each answered one a record of its end. Its transactions are
   kept for 32 s after their end, so that the calls of a second are limited: they must fit into the shared memory. ]]
local directory = arg[0]:match "^(.*)/" or "."
package.path = directory .. "/../support/?.lua;" .. package.path
local uv = require "luv"
local kamailio = require "kamailio"
local persistent = require "persistent"
local provider = os.getenv "SOAK_CONFIG" == "provider" and require "soak_provider"
local server = require "server"
local strangers = require "strangers"
local ua = require "ua"

local seconds = tonumber(os.getenv "SOAK_SECONDS") or 600
local seed = tonumber(os.getenv "REFLOW_SEED") or os.time()
math.randomseed(seed)
print(("soak: Kamailio, %d s, seed %d"):format(seconds, seed))

local USERS, CALLERS, AT_ONCE = 60, 8, 8 -- calls at once: of each caller
local RING_MS, AWAY_LEAST_MS, AWAY_MS, HUNG_MS = 30, 50, 400, provider and 60000 or 20000
local CALLS_A_SECOND = provider and 400 or math.huge
-- It has waited for a timer (5 s; 25 s in provider.cfg), and not for a busy machine.
local LATE_MS = provider and 20000 or 3000

local calls = {} -- by Call-ID, those that have no final response yet
local rings = {} -- INVITEs that have had 180, by Call-ID and instance
local figures = { calls = 0, answered = 0, busy = 0, unreachable = 0, late = 0, longest_ms = 0, closed = 0, reset = 0,
    flow_failed = 0, registered = 0, reloaded = 0, refused = 0, dialogs = 0, mailed = 0 }
local statuses = {} -- of calls that were not answered, and had no flow that lived all the time
local faults = {}
local calling = true

local function fault(...)
    faults[#faults + 1] = string.format(...)
    if #faults <= 20 then
        print("soak: " .. faults[#faults])
    end
end

local function now_ms()
    return uv.hrtime() / 1e6
end

local ending = {}
local t = {
    defer = function(_, f)
        ending[#ending + 1] = f
    end,
    skip = function(_, why)
        print(why)
        os.exit(1)
    end,
}

-- Over UDP, a busy machine loses datagrams.
local function open(options)
    return options.transport == "udp" and persistent.open(t, ua.open, options) or ua.open(options)
end

local function after(ms, f)
    local timer = uv.new_timer()
    timer:start(ms, 0, function()
        timer:close()
        f()
    end)
end

-- Whatever comes is given to `take`, out of the loop.
local function listen(flow, take)
    local taken = 0
    flow.inbox = setmetatable({}, { __newindex = function(_, _, received)
        taken = taken + 1
        if taken % 1000 == 0 then
            flow.seen, flow.odd = {}, {}
        end
        if received.headers then
            take(received)
        end
    end })
end

-- --- phones ---

local away = {} -- phones whose flow is to be made anew, and when

local function leave(phone, how)
    phone.lives, phone.generation = false, phone.generation + 1
    if how then
        local socket = phone.flow.socket
        figures[how] = figures[how] + 1
        if how == "reset" then
            socket:close_reset()
        else
            socket:close()
        end
        phone.flow = nil
    end
    if not phone.away then
        phone.away = true
        away[#away + 1] = { phone = phone, at = now_ms() + AWAY_LEAST_MS + math.random(AWAY_MS) }
    end
end

-- A phone that rings when its flow dies answers over another one of it: its INVITE is not sent twice.
local function answer(phone, flow, invite)
    local over = phone.flow == flow and flow or phone.steady.flow
    over:reply(invite, calls[invite:get "Call-ID"] and 200 or 487)
end

local function ring(phone, flow, invite)
    local key = invite:get "Call-ID" .. phone.instance
    rings[key] = invite
    flow:reply(invite, 180)
    after(math.random(RING_MS), function()
        if rings[key] then
            rings[key] = nil
            answer(phone, flow, invite)
        end
    end)
end

-- What became of a call so far, for whoever has to find out why.
local function note(call, ...)
    call.story[#call.story + 1] = ("%.0f ms: "):format(now_ms() - call.began) .. string.format(...)
end

-- A flow that does not keep, and a phone that may be busy.
local function answer_somehow(phone, flow, call, invite)
    local chance = math.random(100)
    note(call, "%s flow %d of %s, port %d, %d", phone.transport, phone.reg_id, phone.instance:sub(-1), flow.local_port,
        chance)
    if chance <= 12 then
        figures.flow_failed = figures.flow_failed + 1
        flow:reply(invite, 430)
        leave(phone)
    elseif chance <= 24 and flow.transport == "tcp" and phone.flow == flow then
        leave(phone, chance <= 18 and "closed" or "reset")
    elseif chance <= 26 then
        call.busy = true
        flow:reply(invite, 486)
    elseif chance <= 60 and phone.steady then
        ring(phone, flow, invite)
    else
        flow:reply(invite, 200)
    end
end

local function on_invite(phone, flow, invite)
    local call = calls[invite:get "Call-ID"]
    if not call then
        flow:reply(invite, 486)
        return
    end
    local other = call.tried[phone.instance]
    if other and other.phone ~= phone and other.phone.lives and other.phone.generation == other.generation then
        fault("%s: another flow of an instance whose first lives (5626-7.a, 7.c)", call.id)
    end
    call.tried[phone.instance] = { phone = phone, generation = phone.generation }
    if not phone.unsteady then
        note(call, "%s flow of %s", phone.transport, phone.instance:sub(-1))
        flow:reply(invite, 200)
    else
        answer_somehow(phone, flow, call, invite)
    end
end

local function on_cancel(phone, flow, cancel)
    local key = cancel:get "Call-ID" .. phone.instance
    local invite = rings[key]
    rings[key] = nil
    flow:reply(cancel, 200)
    if invite then
        flow:reply(invite, 487)
    end
end

local waiting = {} -- phones that have sent a REGISTER, by that
local register

local function on_registered(phone, received)
    local registering = phone.registering
    if not registering or registering.id ~= received:get "Call-ID" or registering.cseq ~= received:cseq() then
        return
    end
    phone.registering, waiting[registering] = nil, nil
    if provider and received.status == 401 and not phone.challenged and phone.flow then
        phone.challenged = true
        provider.challenged(received)
        register(phone.host, phone)
        return
    end
    phone.challenged = false
    figures.registered = figures.registered + 1
    if received.status ~= 200 then
        fault("REGISTER of %s: %d", phone.user, received.status)
    elseif phone.generation == registering.generation then -- it has not left meanwhile
        phone.lives = true
    end
end

local function take_message(phone, flow, received)
    if received.method == "INVITE" then
        on_invite(phone, flow, received)
    elseif received.method == "CANCEL" then
        on_cancel(phone, flow, received)
    elseif received.method == "BYE" then
        flow:reply(received, 200)
    elseif received.status and select(2, received:cseq()) == "REGISTER" then
        on_registered(phone, received)
    end
end

function register(host, phone)
    local flow = phone.flow
    phone.host, phone.cseq = host, phone.cseq + 1
    phone.call_id = phone.call_id or ("%s-%d-%x"):format(phone.user, phone.reg_id, uv.hrtime())
    phone.registering = { id = phone.call_id, cseq = phone.cseq, generation = phone.generation, at = now_ms(),
        phone = phone }
    waiting[phone.registering] = true
    flow:request("REGISTER", { uri = "sip:" .. host.domain, to = flow.aor, from = flow.aor, cseq = phone.cseq,
        call_id = phone.call_id, headers = { { "Expires", seconds + 3600 }, { "Supported", "path, outbound" },
            provider and provider.credentials(phone.user) or nil },
        contact = flow:contact { instance = phone.instance, reg_id = phone.reg_id, q = phone.q } })
end

-- What no answer can come to any more, or should have come to.
local function end_registering()
    for each in pairs(waiting) do
        local phone = each.phone
        if phone.generation ~= each.generation then
            waiting[each] = nil
        elseif now_ms() - each.at > HUNG_MS then
            waiting[each] = nil
            fault("REGISTER of %s over %s: no answer (%s) %s", phone.user, phone.transport,
                phone.flow and phone.flow.closed_by_peer or "open", phone.registering == each)
        end
    end
end

local function come_back(host, phone)
    phone.away = false
    if not phone.flow then
        phone.flow = open { port = host.port, user = phone.user, domain = host.domain, transport = phone.transport }
        local flow = phone.flow
        listen(flow, function(received)
            if phone.flow == flow then
                take_message(phone, flow, received)
            end
        end)
    end
    if math.random(4) == 1 then
        phone.call_id, phone.cseq = nil, 0 -- it has started anew
    end
    register(host, phone)
end

local function new_phone(user, instance, reg_id, unsteady, steady)
    return { user = user, instance = ua.instance(instance), reg_id = reg_id, unsteady = unsteady, steady = steady,
        transport = math.random(3) == 1 and "udp" or "tcp", q = ({ "1.0", "0.5" })[math.random(2)], cseq = 0,
        generation = 0, lives = false }
end

-- Of three kinds of users: one that always has a flow that lives, one that may have none, one with two such instances.
local function new_user(number)
    local name, phones = "bob" .. number, {}
    for instance = 1, number % 3 == 2 and 2 or 1 do
        local steady = number % 3 ~= 1 and new_phone(name, instance, 1, false) or nil
        phones[#phones + 1] = steady
        phones[#phones + 1] = new_phone(name, instance, 2, true, steady)
        phones[#phones + 1] = new_phone(name, instance, 3, true, steady)
    end
    return { aor = ("sip:%s@example.test"):format(name), phones = phones }
end

-- --- callers ---

local function living(user)
    local list = {}
    for _, phone in ipairs(user.phones) do
        if phone.lives then
            list[#list + 1] = { phone = phone, generation = phone.generation }
        end
    end
    return list
end

local function has_kept_one(call)
    for _, each in ipairs(call.living) do
        if each.phone.lives and each.phone.generation == each.generation then
            return true
        end
    end
end

local function judge(call, status)
    local ms = now_ms() - call.began
    figures.longest_ms = math.max(figures.longest_ms, ms)
    if ms > LATE_MS then
        figures.late = figures.late + 1
        if has_kept_one(call) then
            fault("%s: %s after %.0f ms (%s)", call.id, status, ms, table.concat(call.story, "; "))
        end
    end
    if call.mailed then -- voicemail answers for who is busy, and for who cannot be reached
        figures.mailed = figures.mailed + 1
        status = call.busy and 486 or 480
    end
    if status == 200 then
        figures.answered = figures.answered + 1
    elseif status == 486 and call.busy then
        figures.busy = figures.busy + 1
    elseif has_kept_one(call) then
        fault("%s to %s: %s, and a flow lived all the time (%s)", call.id, call.user.aor, status,
            table.concat(call.story, "; "))
    else
        figures.unreachable = figures.unreachable + 1
        statuses[status] = (statuses[status] or 0) + 1
    end
end

local function start_call(caller, user)
    local request = caller.flow:invite(user.aor)
    local id = request:get "Call-ID"
    if provider then
        provider.begun[id] = true
    end
    calls[id] = { id = id, request = request, caller = caller, user = user, began = now_ms(), living = living(user),
        tried = {},
        story = {} }
    caller.open = caller.open + 1
    figures.calls = figures.calls + 1
end

local function end_call(call, received)
    calls[call.id] = nil
    call.caller.open = call.caller.open - 1
    judge(call, received and received.status or "no answer")
    local flow = call.caller.flow
    if not received then
        return
    elseif received.status >= 300 then
        flow:same_transaction("ACK", call.request, received)
    else
        flow:within("ACK", call.request, received)
        flow:within("BYE", call.request, received)
        if provider then
            provider.answered[call.id] = true
        end
        figures.dialogs = figures.dialogs + 1
    end
end

local may_begin = CALLS_A_SECOND -- calls

local function new_caller(host, number, users)
    local caller = { open = 0, flow = open { port = host.port, user = "alice" .. number,
        domain = provider and "example.net" or host.domain, -- a From of the domain itself is challenged
        transport = number % 4 == 0 and "tcp" or "udp" } }
    function caller.fill()
        while calling and caller.open < AT_ONCE and may_begin >= 1 do
            may_begin = may_begin - 1
            start_call(caller, users[math.random(#users)])
        end
    end
    listen(caller.flow, function(received)
        local call = calls[received:get "Call-ID"]
        if call and received.status and received.status >= 200 and select(2, received:cseq()) == "INVITE" then
            end_call(call, received)
            caller.fill()
        end
    end)
    return caller
end

-- A caller whose calls were lost gets no answer that lets it begin others.
local function fill_callers(stage, ms)
    if provider then
        may_begin = math.min(may_begin + ms * CALLS_A_SECOND / 1000, CALLS_A_SECOND)
    end
    for _, caller in ipairs(stage.callers) do
        caller.fill()
    end
end

local function end_hung_calls()
    for _, call in pairs(calls) do
        if now_ms() - call.began > HUNG_MS then
            end_call(call)
        end
    end
end

-- --- policies ---

local policies = {
    [[sip_on_flow_failed(function(reply, call, decision) return nil end)
sip_on_response(486, function(reply, call) local agent = call:header("User-Agent") return nil end)
sip_on_flow_down(function(flow) end)]],
    [[local seen = 0
sip_on_response("4xx", function(reply, call, decision) seen = seen + decision.flows_left return nil end)
sip_on_exhausted(function(call) return nil end)
sip_on_request("INVITE", function(request, call) return nil end)]],
    "sip_on_response(486, function(", -- broken
}

local function reload(host, path, turn)
    local which = turn % 7 == 0 and 3 or turn % 2 + 1
    server.write(path, policies[which] .. "\n-- " .. turn .. "\n")
    local fine, why = host:rpc "reflow.reload"
    if which == 3 then
        figures.refused = figures.refused + 1
    else
        figures.reloaded = figures.reloaded + 1
    end
    if (fine ~= nil) ~= (which ~= 3) then
        fault("reload %d: %s", turn, fine or why)
    end
end

-- --- the log ---

local told = {} -- lines by what they say, without their numbers

local function read_log(host)
    local taken = 0
    for line in host.log:gmatch "[^\n]*\n" do
        taken = taken + #line
        local level, text = line:match "(%u+): (.*)"
        if level == "ERROR" or level == "CRITICAL" or level == "BUG" or level == "WARNING"
            or line:find "exited by a signal" then
            text = ((level or "") .. ": " .. (text or line)):gsub("0x%x+", "N"):gsub("%d+", "N"):sub(1, 150)
            if not told[text] and (level == "CRITICAL" or level == "BUG" or text:find "exited by a signal"
                or level == "ERROR" and text:find("reflow", 1, true) and not text:find("syntax|expected")) then
                print("soak: in the log: " .. line)
            end
            told[text] = (told[text] or 0) + 1
        end
    end
    host.log = host.log:sub(taken + 1)
end

-- --- memory ---

local transactions = kamailio.transactions

local function private_kib(pid)
    local file = io.open(("/proc/%d/status"):format(pid))
    local text = file and file:read "a" or ""
    if file then
        file:close()
    end
    return tonumber(text:match "RssAnon:%s+(%d+)") or 0
end

local function measure(host)
    local sum, most, used = 0, 0, 0
    for _, process in ipairs(host:processes()) do
        local kib = private_kib(process.pid)
        sum, most = sum + kib, math.max(most, kib)
    end
    for bytes in (host:rpc "pkg.stats" or ""):gmatch "\tused: (%d+)" do
        used = used + tonumber(bytes)
    end
    return { shared = host:statistic "shmem:used_size", private_kib = sum, most_kib = most, private_used = used,
        contacts = host:statistic "usrloc:location_contacts" }
end

-- --- the course of it ---

local function return_phones(host, all)
    local list = away
    away = {}
    for _, each in ipairs(list) do
        if all or now_ms() >= each.at then
            come_back(host, each.phone)
        else
            away[#away + 1] = each
        end
    end
end

local function disturb(host, phones)
    local phone = phones[math.random(#phones)]
    if not phone.lives then
        return
    elseif phone.unsteady and phone.transport == "tcp" and math.random(2) == 1 then
        leave(phone, math.random(2) == 1 and "closed" or "reset")
    elseif not phone.registering then
        register(host, phone)
    end
end

-- No call, no transaction, every phone registered: what memory is used then is used for good.
local function rest(host, phones)
    calling = false
    assert(ua.wait.until_true(2 * HUNG_MS, function()
        end_hung_calls()
        return next(calls) == nil
    end))
    ua.wait.pause(AWAY_LEAST_MS)
    while #away > 0 or next(waiting) do
        return_phones(host, true)
        ua.wait.pause(5)
        end_registering()
    end
    -- The pings of dispatcher leave some in provider.cfg, where a transaction is kept for 32 s after its end.
    assert(ua.wait.until_true(provider and 180000 or 60000, function()
        return transactions(host) <= (provider and 4 or 0) or ua.wait.pause(20)
    end), "transactions stay")
    local found
    ua.wait.until_true(5000, function()
        found = measure(host)
        return found.contacts == #phones
    end)
    if found.contacts ~= #phones then
        fault("%d bindings of %d flows", found.contacts, #phones)
    end
    read_log(host)
    return found
end

local function every_second(host, path, turn, samples)
    reload(host, path, turn)
    end_hung_calls()
    end_registering()
    read_log(host)
    samples[turn] = { at = now_ms(), calls = figures.calls, shared = host:statistic "shmem:used_size" }
end

local function load_for(host, stage, ms, samples)
    local deadline, next_second, filled_at = now_ms() + ms, 0, now_ms()
    calling = true
    while now_ms() < deadline and host:alive() do
        fill_callers(stage, now_ms() - filled_at)
        filled_at = now_ms()
        ua.wait.until_true(5, function() end)
        return_phones(host)
        disturb(host, stage.phones)
        if now_ms() >= next_second then
            next_second = now_ms() + 1000
            stage.turn = stage.turn + 1
            every_second(host, stage.path, stage.turn, samples)
        end
    end
end

-- As route[FLOOD] of the examples.
local limits = [[
route[BEFORE] {
    if ($si == "127.0.0.1") return;
    if (proto == UDP) {
        if ($shtinc(rate=>$si:$Ts) > 500) exit;
        return;
    }
    if (!pike_check_req()) exit;
}
]]

local function start(path)
    if provider then
        return provider.start(t, path, USERS)
    end
    local modules = table.move(kamailio.modules, 1, #kamailio.modules, 3, { "htable", "pike" })
    return kamailio.start(t, { memory = 1024, private_memory = 16, config = kamailio.routing .. limits,
        modules = modules, params = { { "htable", "htable", "rate=>size=10;autoexpire=2;updateexpire=0;initval=0" },
            { "tm", "fr_timer", 5000 }, { "tm", "fr_inv_timer", 8000 }, { "usrloc", "use_domain", 1 },
            { "reflow", "policy", path } } })
end

local function set_out(path)
    server.write(path, policies[1])
    local host = start(path)
    if provider then
        provider.voicemail(t, host, function(id)
            if calls[id] then
                calls[id].mailed = true
            end
        end)
    end
    local stage = { path = path, turn = 0, users = {}, phones = {}, callers = {} }
    for number = 1, USERS do
        stage.users[number] = new_user(number)
        for _, phone in ipairs(stage.users[number].phones) do
            stage.phones[#stage.phones + 1] = phone
            come_back(host, phone)
        end
    end
    for number = 1, CALLERS do
        stage.callers[number] = new_caller(host, number, stage.users)
    end
    return host, stage
end

-- --- what it came to ---

-- Between two seconds: shared memory, calls a second.
local function mean(samples, from, to)
    local sum = 0
    for turn = from, to do
        sum = sum + samples[turn].shared
    end
    return sum / (to - from + 1), (samples[to].calls - samples[from].calls) * 1000 / (samples[to].at - samples[from].at)
end

local function print_load(samples, first, last)
    local half = first // 2
    local early, early_rate = mean(samples, half, first)
    local late, late_rate = mean(samples, last - half, last)
    print(("soak: shared memory under load %.0f at %.0f calls a second, in the end %.0f at %.0f"):format(early,
        early_rate, late, late_rate))
end

local function compare(what, before, after_all, most, slack)
    local ratio = after_all / before
    print(("soak: %s %.0f, at the end %.0f: %.4f"):format(what, before, after_all, ratio))
    if after_all > before * most + (slack or 0) then
        fault("%s grows", what)
    end
end

local function print_figures(stage)
    local list = {}
    for status, number in pairs(statuses) do
        list[#list + 1] = ("%d with %s"):format(number, status)
    end
    print(("soak: %d calls, %.0f a second; %d answered, %d busy, %d of users without a flow (%s)"):format(figures.calls,
        figures.calls / seconds, figures.answered, figures.busy, figures.unreachable, table.concat(list, ", ")))
    print(("soak: the longest took %.0f ms, %d more than %d ms"):format(figures.longest_ms, figures.late, LATE_MS))
    print(("soak: %d flows closed, %d reset, %d said 430; %d REGISTERs of %d flows; %d reloads, %d refused"):format(
        figures.closed, figures.reset, figures.flow_failed, figures.registered, #stage.phones, figures.reloaded,
        figures.refused))
    for text, number in pairs(told) do
        print(("soak: %d times in the log: %s"):format(number, text))
    end
end

-- What they have registered would stay for an hour.
local function load_beside_strangers(host, stage, ms, samples)
    local stop = strangers.start(host.port, seed)
    load_for(host, stage, ms, samples)
    io.write((stop()))
    for _, name in ipairs { "mallory", "craig", "trudy" } do
        host:rpc("ul.rm", "location", name .. "@example.test")
    end
end

local function play()
    local path = server.temporary ".lua"
    t:defer(function()
        os.remove(path)
    end)
    local host, stage = set_out(path)
    local minute, samples = math.min(60, seconds // 3), {}
    load_beside_strangers(host, stage, minute * 1000, samples)
    local first_turn = stage.turn
    local early = rest(host, stage.phones)
    load_beside_strangers(host, stage, (seconds - minute) * 1000, samples)
    local late = rest(host, stage.phones)
    print_figures(stage)
    print_load(samples, first_turn, stage.turn)
    compare("shared memory at rest", early.shared, late.shared, 1.02)
    compare("private memory of all processes, KiB", early.private_kib, late.private_kib, 1.05, 1024)
    compare("... what Kamailio uses of it, bytes", early.private_used, late.private_used, 1.02)
    for _, name in ipairs { "flows_down", "bindings_dropped", "branches_failed", "failovers",
        "bindings_skipped", "shared_memory_full" } do
        local fine, value = pcall(host.statistic, host, "reflow:" .. name)
        print(("soak: reflow:%s %s"):format(name, fine and value or "?"))
    end
    assert(host:alive(), "Kamailio has ended")
    if provider then
        print(("soak: %d calls went to voicemail"):format(figures.mailed))
        provider.compare_records(fault)
    end
    assert(#faults == 0, #faults .. " faults")
end

local fine, why = xpcall(play, debug.traceback)
for index = #ending, 1, -1 do
    local ended, problem = pcall(ending[index])
    fine, why = fine and ended, why or problem
end
print(fine and "1 passed, 0 failed" or tostring(why) .. "\n0 passed, 1 failed")
os.exit(fine and 0 or 1)
