-- SPDX-License-Identifier: BSD-2-Clause
-- Kamailio in a network namespace, where packets can be lost.
local kamailio = require "kamailio"
local lab = require "lab"
local tap = require "tap"
local ua = require "ua"

-- What the manual recommends in place of rule 5626-7.i. All flows are on one host; those of one port lose every packet.
lab.test("5626-7.h a phone without network: Linux gives up after tcp_retries2, and the call takes the other flow",
    function(t, net)
        local on = net.server
        on:sysctl("ipv4.tcp_retries2", 4)
        local host = on:within(kamailio.start, t)
        local function open(user, reg_id)
            return on:within(ua.open, { port = host.port, domain = host.domain, user = user, transport = "tcp",
                instance = ua.instance(1), reg_id = reg_id })
        end
        local first, second, alice = open("bob", 1), open("bob", 2), open("alice")
        first:register { q = "1.0" }
        second:register { q = "0.5" }
        on:nft(("table inet loss { chain input { type filter hook input priority filter; " ..
            "tcp sport %d drop; tcp dport %d drop; }; }\n"):format(first.local_port, first.local_port))
        local request = alice:invite(first.aor)
        local invite = second:expect "INVITE"
        -- fr_timer is 30 s
        t:at_most((invite.at - request.sent_at) / 1e6, 25000, "milliseconds to the other flow")
        second:reply(invite, 486)
        alice:expect_final(request, 486)
        first:expect_none("INVITE", 0)
    end)

tap.done()
