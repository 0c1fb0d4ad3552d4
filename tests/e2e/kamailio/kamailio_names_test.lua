-- SPDX-License-Identifier: BSD-2-Clause
-- A trunk by its name, which Kamailio resolves: the first of its two addresses has failed. The manual describes which
-- settings of Kamailio's core and of tm make it do what reflow serve does.
local kamailio = require "kamailio"
local server = require "server"
local tap = require "tap"
local ua = require "ua"

local timer_b = 1500
local addresses <const> = { "127.0.0.2", "127.0.0.3" }
local port = server.free_port()

local policy = ([[
sip_on_request("INVITE", function() return sip_relay("sip:1@trunk.example.net:%d") end)
]]):format(port)

-- answers: what the two trunks answer; a trunk with 0 does not. Kamailio gets the addresses of the name by RPC, so that
-- it asks nobody.
local function start(t, core, answers, params)
    local path = server.temporary ".lua"
    server.write(path, policy)
    t:defer(function()
        os.remove(path)
    end)
    local all = { { "tm", "fr_timer", timer_b }, { "reflow", "policy", path } }
    table.move(params or {}, 1, #(params or {}), 3, all)
    local k = kamailio.start(t, { core = core, params = all })
    local got = {}
    for _, address in ipairs(addresses) do
        assert(k:rpc("dns.add_a", "trunk.example.net", 3600, address, 0))
    end
    for index, address in ipairs(addresses) do
        local trunk = ua.open { host = k.host, port = k.port, user = "trunk", local_host = address, local_port = port }
        trunk:serve { ACK = function() end, INVITE = function(self, invite)
            local id = invite:get "Call-ID"
            if not got[id .. index] then
                got[id .. index] = true
                got[id] = (got[id] or "") .. index
            end
            if answers[index] ~= 0 then
                self:reply(invite, answers[index],
                    { headers = answers[index] == 503 and { { "Retry-After", "60" } } or nil })
            end
        end }
        t:defer(function()
            trunk:close()
        end)
    end
    local alice = ua.open { host = k.host, port = k.port, domain = k.domain, user = "alice" }
    -- Calls; returns the status, and the numbers of the trunks that got the call, in their order.
    return function()
        local call = alice:invite "sip:+15550100@example.test"
        local final = alice:expect_final(call, nil, 60000)
        return ("%d %s"):format(final.status, got[call:get "Call-ID"] or "none")
    end, k
end

local failover, blocklist = "use_dns_failover=yes\n", "use_dst_blocklist=yes\n"

tap.test("by default each call waits for the first address, and fails; the name is silent", function(t)
    local call, k = start(t, nil, { 0, 200 })
    t:equal(call(), "408 1")
    t:equal(call(), "408 1")
    t:match(k:rpc "reflow.rests", "udp:trunk.example.net:" .. port)
end)

tap.test("use_dns_failover: each call waits for the first address, and gets through; the name is not silent",
    function(t)
        local call, k = start(t, failover, { 0, 200 })
        t:equal(call(), "200 12")
        t:equal(call(), "200 12")
        t:ok(not k:rpc("reflow.rests"):find "trunk.example.net")
    end)

tap.test("use_dst_blocklist too: the next call does not try the silent address", function(t)
    local call = start(t, failover .. blocklist, { 0, 200 })
    t:equal(call(), "200 12")
    t:equal(call(), "200 2")
end)

tap.test("use_dst_blocklist: if all addresses are silent, the next call is answered at once with 477", function(t)
    local call = start(t, failover .. blocklist, { 0, 0 })
    t:equal(call(), "408 12")
    t:equal(call(), "477 none")
end)

tap.test("3263-4.3.a use_dns_failover: a 503 leads to the next address, in each call", function(t)
    local call = start(t, failover .. blocklist, { 503, 200 })
    t:equal(call(), "200 12")
    t:equal(call(), "200 12")
end)

tap.test("3263-4.3.a use_dns_failover: no other status leads to the next address", function(t)
    local call = start(t, failover .. blocklist, { 486, 200 })
    t:equal(call(), "486 1")
end)

tap.test("3261-21.5.4.a the address that sent the 503 rests, not the next one", function(t)
    local call, k = start(t, failover, { 503, 200 })
    t:equal(call(), "200 12")
    local rests = k:rpc "reflow.rests"
    t:match(rests, addresses[1] .. ":" .. port)
    t:ok(not rests:find(addresses[2], 1, true))
end)

tap.test("3261-21.5.4.a blst_503: the next call does not try an address that asked for a pause", function(t)
    local call = start(t, failover .. blocklist, { 503, 200 }, { { "tm", "blst_503", 1 } })
    t:equal(call(), "200 12")
    t:equal(call(), "200 2")
end)

tap.done()
