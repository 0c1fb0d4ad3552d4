-- SPDX-License-Identifier: BSD-2-Clause
-- A trunk whose name has two addresses, on two hosts, of which the first one dies in mid-traffic.
local dns = require "dns"
local lab = require "lab"
local tap = require "tap"
local ua = require "ua"

local answers = { INVITE = 200, OPTIONS = 200, ACK = function() end }
local number <const> = "sip:+15550100@example.test"

local function policy(parameter)
    return ([[
sip_on_request("INVITE", function(request, call)
  local number = call.aor:match("^sip:(%%+?%%d+)@")
  return number and sip_relay("sip:" .. number .. "@trunk.example.net%s")
end)]]):format(parameter)
end

-- T1 is 20 ms, so that 1.3 s without an answer are silence.
local function start(t, net, transport)
    local first, second = net.trunk, net.public
    net.names:within(dns.open, t, { address = net.names.address, port = 53,
        records = { ["trunk.example.net"] = { first.address, second.address } } })
    local s = net:serve { source = policy(transport == "tcp" and ";transport=tcp" or ""), status = true,
        args = { "--dns", net.names.address .. ":53", "--t1", "20", "--connect-time", "1" } }
    local trunks = {}
    for index, host in ipairs { first, second } do
        trunks[index] = host:within(ua.open, { host = s.host, port = 5060, transport = "udp", local_port = 5060,
            local_host = host.address, user = "trunk" .. index })
        trunks[index]:serve(answers)
        t:defer(function()
            trunks[index]:close()
        end)
    end
    local alice = net.desk:open { user = "alice" }
    alice:register { supported = false }
    return s, alice
end

-- Makes so many calls at the same time, which must all be answered. Returns the address that answered the last one.
local function calls(alice, count)
    local begun, answer = {}, nil
    for index = 1, count do
        begun[index] = alice:invite(number)
    end
    for _, call in ipairs(begun) do
        answer = alice:expect_final(call, 200)
    end
    return answer:get("Contact"):match "@([%d.]+)"
end

local function wait_until_none_has_failed(t, s)
    t:ok(ua.wait.until_true(ua.patience, function()
        return s:number "failed_addresses" == 0 or ua.wait.pause(50)
    end), "no probe was answered")
end

lab.test("3263-4.3.b a trunk loses its first address in mid-traffic: no call fails, and later ones do not try it",
    function(t, net)
        local s, alice = start(t, net, "udp")
        local first = calls(alice, 3)
        local dead = first == net.trunk.address and net.trunk or net.public
        dead:lose(100)
        local second = calls(alice, 5)
        t:ok(second ~= first, "the other address takes the calls")
        t:equal(s:number "failed_addresses", 1)
        local branches, silences = s:number "branches", s:number "silences"
        for _ = 1, 10 do
            t:equal(calls(alice, 1), second)
        end
        t:equal(s:number "branches" - branches, 10)
        t:equal(s:number "silences", silences)
        t:ok(ua.wait.until_true(ua.patience, function()
            return s:number "address_probes" >= 2 or ua.wait.pause(50)
        end), "the dead address is probed")
        t:equal(calls(alice, 1), second)
        dead:lose(0)
        wait_until_none_has_failed(t, s)
        t:equal(calls(alice, 1), first)
    end)

tap.done()
