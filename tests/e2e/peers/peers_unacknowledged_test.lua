-- SPDX-License-Identifier: BSD-2-Clause
-- baresip with two flows, of which one loses every packet from the phone: INVITEs arrive, and their acknowledgements do
-- not. All of it in one network namespace.
local baresip = require "baresip"
local lab = require "lab"
local server = require "server"
local tap = require "tap"
local ua = require "ua"
local wait = require "wait"

local bob <const> = "sip:bob@example.test"

local function open(t)
    local ports, proxies = { server.free_port(), server.free_port() }, {}
    for index, port in ipairs(ports) do
        proxies[index] = ("sip:127.0.0.1:%d;transport=tcp"):format(port)
    end
    local s = server.start(t, { port = ports[1], status = true,
        args = { "--listen", "tcp:127.0.0.1:" .. ports[2] } })
    local phone = baresip.start(t, { domain = "example.test", proxies = proxies })
    local alice = ua.open { user = "alice", port = ports[1] }
    alice:expect_bindings(bob, 2)
    return s, phone, alice
end

-- The server's ports from which INVITEs came, once there are so many.
local function called_from(phone, count)
    local ports
    assert(wait.until_true(ua.patience, function()
        ports = {}
        for port in phone.out:gmatch "TCP 127%.0%.0%.1:(%d+) %-> [^\n]+\nINVITE " do
            ports[#ports + 1] = port
        end
        return #ports >= count
    end), "baresip's trace has no INVITE number " .. count)
    return ports
end

local function hang_up(alice, request, answer)
    alice:within("BYE", request, answer)
    alice:expect(function(received)
        return received.status == 200 and select(2, received:cseq()) == "BYE"
    end)
end

lab.test("5626-7.i 3261-17.2.3 baresip takes the second copy for a retransmission, and answers the call once",
    function(t, net)
        local on = net.server
        local s, phone, alice = on:within(open, t)
        local request = alice:invite(bob)
        hang_up(alice, request, alice:expect_final(request, 200))
        local first = called_from(phone, 1)[1]
        on:nft(("table inet loss { chain input { type filter hook input priority filter; tcp dport %s drop; }; }\n")
            :format(first))
        request = alice:invite(bob)
        t:ok(wait.until_true(ua.patience, function()
            return s:number "unacknowledged" == 1
        end), "the connection was not aborted")
        on:nft "delete table inet loss\n"
        hang_up(alice, request, alice:expect_final(request, 200))
        local ports = called_from(phone, 3)
        t:ok(ports[#ports] ~= first, "no second copy")
        phone:expect "CALL_CLOSED"
        phone:expect "CALL_CLOSED"
        local offers = 0
        for _, event in ipairs(phone.events) do
            offers = offers + (event:find('"type":"CALL_LOCAL_SDP"', 1, true) and 1 or 0)
        end
        t:equal(offers, 2, "calls that have come to baresip")
    end)

tap.done()
