-- SPDX-License-Identifier: BSD-2-Clause
-- Shared memory that runs out under load: requests are refused, lost or go on without a record, and nothing crashes;
-- when it is free again, all is as before. Kamailio is run with the allocator that looks for overruns and double frees.
local kamailio = require "kamailio"
local server = require "server"
local tap = require "tap"
local ua = require "ua"

local test = tap.test
local one, two = ua.instance(1), ua.instance(2)

-- debug below the level of errors: there are thousands of them, and each costs.
local function start(t, options)
    options = options or {}
    -- No call ends by itself before the memory is full, on however slow a machine; and nothing is refused before.
    options.params = { { "reflow", "shm_reserve", 0 }, { "tm", "fr_timer", 60000 }, { "tm", "fr_inv_timer", 60000 },
        { "tm", "wt_timer", 100 }, { "usrloc", "use_domain", 1 }, table.unpack(options.params or {}) }
    options.args, options.debug, options.private_memory = { "-x", "qm", "-X", "qm" }, options.debug or -2, 16
    local host = kamailio.start(t, options)
    return host, function(user, transport)
        local flow = ua.open { port = host.port, user = user, domain = host.domain, transport = transport or "tcp" }
        t:defer(function()
            flow:close()
        end)
        return flow
    end
end

-- What the allocator finds is logged as CRITICAL or BUG, which no level of ours hides; then it ends the process.
local function harmed(host)
    return table.concat(host:log_lines "BUG:", "\n") .. table.concat(host:log_lines "qm_free", "\n")
        .. table.concat(host:log_lines "qm_debug_check", "\n")
end

-- Next to nothing is left, or a request was refused because something did not fit into what is left.
local function is_full(host, caller)
    local text = host:rpc "core.shmmem"
    local total, free = tonumber(text:match "total: (%d+)"), tonumber(text:match "free: (%d+)")
    return free < total // 50 or caller:receive(500, 0) ~= nil, text
end

local transactions = kamailio.transactions

-- INVITEs that are not answered, until all memory is in use. Their Call-IDs.
local function fill(t, host, caller, aor)
    local calls, full, text = {}, false, nil
    while caller:receive(500, 0) do end -- of the time before
    ua.wait.until_true(kamailio.patience, function()
        for _ = 1, 100 do
            calls[caller:invite(aor):get "Call-ID"] = true
        end
        full, text = is_full(host, caller)
        return full
    end)
    t:ok(full, "shared memory was never full: " .. text)
    return calls
end

-- The final response of a call that waits for one.
local function take_final(caller, calls)
    local final = caller:receive("final", 0)
    if final then
        calls[final:get "Call-ID"] = nil
    end
end

-- One call after the other, so that memory comes back: the first flow refuses it; the second one takes it, where there
-- was memory to try it. On a fast machine all calls may have ended before there is any.
local function move(caller, calls, first, second)
    local invite = first:receive("INVITE", 0)
    while invite do
        local id = invite:get "Call-ID"
        first:reply(invite, 430)
        ua.wait.until_true(1000, function() -- where there was no memory for an answer, none comes
            local moved = second:receive("INVITE", 0)
            if moved then
                second:reply(moved, 200)
            end
            take_final(caller, calls)
            return not calls[id]
        end)
        invite = first:receive("INVITE", 0)
    end
end

-- Memory comes back with the transactions that end.
local function register_again(t, flow, options)
    options.instance, options.expect = one, false
    t:ok(ua.wait.until_true(kamailio.patience, function()
        return flow:register(options).status == 200
    end), "memory does not come back for a REGISTER")
end

-- tm may keep transactions that ran out of memory half way. Their number is printed; the test only checks that the next
-- call succeeds.
local function works(t, host, open)
    ua.wait.until_true(20000, function()
        return transactions(host) == 0
    end)
    local left = transactions(host)
    if left ~= 0 then
        print(("# %s transactions stay"):format(left))
    end
    local bob, alice = open "later", open("alice", "udp")
    register_again(t, bob, { reg_id = 1 })
    alice:call(bob)
end

test("shared memory runs out under calls: none crashes it, and the next ones come through", function(t)
    local host, open = start(t, { memory = 6 })
    local first, second, alice = open("bob", "udp"), open("bob", "udp"), open("alice", "udp")
    first:register { instance = one, reg_id = 1, q = "1.0" }
    second:register { instance = one, reg_id = 2, q = "0.5" }
    for _ = 1, 3 do
        move(alice, fill(t, host, alice, first.aor), first, second)
        t:ok(host:alive())
        register_again(t, first, { reg_id = 1, q = "1.0" }) -- the 430s have removed its flow
    end
    works(t, host, open)
    t:equal(harmed(host), "")
end)

test("shared memory runs out under REGISTERs: 500 or 200, as it is stored or not", function(t)
    local host, open = start(t, { memory = 6 })
    local phone = open("bob", "udp")
    local statuses = {}
    for index = 1, 4000 do
        local fine, answer = pcall(phone.register, phone, { aor = ("sip:user%d@example.test"):format(index), ms = 10000,
            instance = two, reg_id = 1, call_id = "call" .. index, expect = false })
        local status = fine and answer.status or "none"
        statuses[status] = (statuses[status] or 0) + 1
        if status ~= 200 and statuses[status] > (status == "none" and 3 or 50) then
            break
        end
    end
    t:ok(statuses[200] > 100)
    t:ok((statuses[500] or 0) + (statuses[503] or 0) + (statuses.none or 0) > 0, "it never ran out")
    for status in pairs(statuses) do
        t:ok(status == 200 or status == 500 or status == 503 or status == "none", tostring(status))
    end
    -- What was not answered may have been stored or not.
    local stored = host:statistic "usrloc:location_contacts"
    t:ok(stored >= statuses[200] and stored <= statuses[200] + (statuses.none or 0), "stored: " .. stored)
    for index = 1, 500 do
        phone:register { aor = ("sip:user%d@example.test"):format(index), instance = two, reg_id = 1, expires = 0,
            call_id = "call" .. index, cseq = 100000 }
    end
    works(t, host, open)
    t:equal(harmed(host), "")
end)

test("flows that die while shared memory is full take their bindings along", function(t)
    local path = server.temporary ".lua"
    server.write(path, [[sip_on_flow_down(function(flow) end)
sip_on_flow_failed(function(reply, call, decision) return nil end)
sip_on_request("INVITE", function(request, call) return nil end)]])
    t:defer(function()
        os.remove(path)
    end)
    local host, open = start(t, { memory = 7, params = { { "reflow", "policy", path } } })
    local flows = {}
    for index = 1, 20 do
        flows[index] = open("bob", "tcp")
        local aor = ("sip:bob%d@example.test"):format(index)
        flows[index]:register { instance = ua.instance(index), reg_id = 1, aor = aor }
    end
    local stays = open("carol", "udp")
    stays:register { instance = two, reg_id = 1 }
    local alice = open("alice", "udp")
    fill(t, host, alice, stays.aor)
    for index, flow in ipairs(flows) do
        flow:close(index % 2 == 0)
    end
    local left
    ua.wait.until_true(kamailio.patience, function()
        left = host:statistic "usrloc:location_contacts"
        return left == 1
    end)
    t:equal(left, 1)
    local invite = stays:receive("INVITE", 0)
    while invite do
        stays:reply(invite, 486)
        invite = stays:receive("INVITE", 0)
    end
    works(t, host, open)
    t:equal(harmed(host), "")
end)

-- Memory is full while the call's record is made, and tm has enough of it again before the answer comes.
local filling = [[
route[FILL] {
    while ($var(count) < $var(most)) {
        $var(count) = $var(count) + 1;
        $sht(all=>$var(count)) = $var(text);
    }
}
route[CALL] {
    $var(text) = "0123456789abcdef";
    while ($(var(text){s.len}) < 32768) $var(text) = $var(text) + $var(text);
    $var(count) = 0;
    $var(most) = 0;
    while ($(var(text){s.len}) > 16) {
        $var(most) = $var(most) + 400;
        route(FILL);
        $var(half) = $(var(text){s.len}) / 2;
        $var(text) = $(var(text){s.substr,0,$var(half)});
    }
    $var(result) = sip_route_flows("location");
    sht_rm_name_re("all=>.*");
    if ($var(result) != 1) {
        sl_send_reply("500", "Result $var(result)");
        exit;
    }
    t_on_branch_failure("flows");
    t_on_failure("calls");
    t_relay();
    exit;
}]]

test("5626-11.5.a of a call that has no record, a 430 goes up as 480", function(t)
    local modules = { table.unpack(kamailio.modules) }
    table.insert(modules, #modules, "htable")
    local host, open = start(t, { modules = modules, memory = 12, core = "max_while_loops=1000", debug = -3,
        params = { { "htable", "htable", "all=>size=4;" } }, extra = filling })
    local bob, alice = open("bob", "udp"), open("alice", "udp")
    bob:register { instance = one, reg_id = 1 }
    local call = alice:invite(bob.aor)
    bob:reply(bob:expect "INVITE", 430)
    alice:expect_final(call, 480)
    t:ok(host:statistic "reflow:shared_memory_full" > 0)
end)

tap.done()
