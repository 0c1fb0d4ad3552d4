-- SPDX-License-Identifier: BSD-2-Clause
-- A trunk on another host, found by its name, and phones behind a NAT.
local dialog = require "dialog"
local dns = require "dns"
local lab = require "lab"
local persistent = require "persistent"
local tap = require "tap"

local policy = [[
sip_on_request("INVITE", function(request, call)
  local number = call.aor:match("^sip:(%+?%d+)@")
  return number and sip_relay("sip:" .. number .. "@trunk.example.net")
end)]]

local offered = { body = dialog.offer, answer = { body = dialog.offer } }

local function open(host, options)
    return host:open(options)
end

-- A server whose policy knows the trunk by its name, the trunk, and alice behind a NAT. options: ipv6 (the name has an
-- IPv6 address alone), service (the name has SRV records for another host and port), open (what opens a user agent:
-- open(HOST, OPTIONS)).
local function start(t, net, options)
    local address = options.ipv6 and net.trunk.address6 or net.trunk.address
    local names = net.names:within(dns.open, t, { address = net.names.address, port = 53,
        records = options.service and {
            ["_sip._udp.trunk.example.net"] = { { priority = 1, weight = 0, port = 5070, target = "gw.example.net" } },
            ["gw.example.net"] = { address } } or { ["trunk.example.net"] = { address } } })
    net:serve { source = policy, args = { "--dns", net.names.address .. ":53" } }
    local open_agent = options.open or open
    local trunk = open_agent(net.trunk, { user = "trunk", local_port = options.service and 5070 or 5060,
        ipv6 = options.ipv6 })
    local alice = open_agent(net.desk, { user = "alice" })
    alice:register { supported = false }
    return alice, trunk, names
end

local function hang_up_each_way(begin)
    for _, by in ipairs { "caller", "callee" } do
        local call = begin()
        call:ask(call:other(call[by]), "INVITE", offered)
        call:ask(call[by], "INFO")
        call:ask(call[by], "BYE")
    end
end

for _, options in ipairs { {}, { ipv6 = true }, { service = true }, { service = true, ipv6 = true } } do
    lab.test("3263-4.a a phone behind a NAT calls by a trunk's name, and is called from it" ..
        (options.service and ", by SRV records" or "") .. (options.ipv6 and " [IPv6]" or ""), function(t, net)
        local alice, trunk, names = start(t, net, options)
        hang_up_each_way(function()
            return dialog.call(alice, trunk, { body = dialog.offer, answer = { body = dialog.offer },
                aor = "sip:+15550100@example.test" })
        end)
        hang_up_each_way(function()
            return dialog.call(trunk, alice, offered)
        end)
        t:ok(names.asked[options.service and "gw.example.net" or "trunk.example.net"], "the name server was not asked")
    end)
end

lab.test("a trunk loses every third packet in both directions: calls get through", function(t, net)
    local alice, trunk = start(t, net, { open = function(host, options)
        return persistent.open(t, function(more)
            return host:open(more)
        end, options)
    end })
    net.trunk:lose_every(3)
    hang_up_each_way(function()
        local call = dialog.begin(alice, trunk, { body = dialog.offer, aor = "sip:+15550100@example.test" })
        call:accept { body = dialog.offer }
        return call
    end)
    t:ok(net:count_lost() > 0, "no packet was lost")
end)

tap.done()
