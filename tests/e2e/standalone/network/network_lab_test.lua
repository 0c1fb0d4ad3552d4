-- SPDX-License-Identifier: BSD-2-Clause
-- The laboratory itself: what the tests of this folder rely on.
local lab = require "lab"
local tap = require "tap"
local ua = require "ua"
local uv = require "luv"

-- A request that the server answers itself, and the port from which the server saw it come.
local function seen_port(flow)
    local answer = flow:expect_final(flow:request("OPTIONS", { uri = "sip:example.test", contact = false }), 200)
    return tonumber(answer:get "Via":match ";rport=(%d+)"), answer
end

lab.test("the server sees the address of the NAT, and the port that the NAT gives", function(t, net)
    net:serve()
    for _, transport in ipairs { "udp", "tcp" } do
        local phone = net.desk:open { user = "bob", transport = transport }
        local port, answer = seen_port(phone)
        t:equal(answer:get "Via":match ";received=([^;]+)", net.home.address)
        t:ok(port >= 20000 and port <= 29999, "port " .. port)
    end
end)

lab.test("a NAT changes the port of a phone; nothing reaches the old port", function(t, net)
    net:serve()
    local phone = net.desk:open { user = "bob" }
    local before = seen_port(phone)
    local stranger = net.public:open { user = "eve", host = net.home.address, port = before }
    net.home:change_ports()
    stranger:request("OPTIONS", { uri = "sip:bob@example.test" })
    local after = seen_port(phone)
    t:ok(before <= 29999 and after >= 30000, ("ports %d and %d"):format(before, after))
    stranger:request("OPTIONS", { uri = "sip:bob@example.test" })
    seen_port(phone)
    t:equal(#phone.inbox, 0, "messages from a stranger")
end)

lab.test("a NAT forgets a mapping after its time limit", { udp_timeout = 1 }, function(t, net)
    local stranger = net.public:open { user = "eve", host = net.home.address, port = 1 }
    local phone = net.desk:open { user = "bob", host = net.public.address, port = stranger.local_port }
    phone:request("OPTIONS", {})
    stranger.port = stranger:expect("OPTIONS").source.port
    stranger:request("OPTIONS", {})
    phone:expect "OPTIONS"
    t:equal(net.home:count_refused(), 0)
    -- A packet that is still let in keeps the mapping alive, so each attempt waits for longer than the limit.
    t:ok(ua.wait.until_true(ua.patience, function()
        ua.wait.pause(1500)
        stranger:request("OPTIONS", {})
        return ua.wait.until_true(1000, function()
            return net.home:count_refused() > 0
        end)
    end), "packets from outside are let in for ever")
end)

lab.test("all packets to a host are lost, all from it, and none", function(t, net)
    net:serve()
    local phone = net.public:open { user = "bob" }
    for _, direction in ipairs { { 100, 0 }, { 0, 100 } } do
        net.public:lose(table.unpack(direction))
        phone:request("OPTIONS", { uri = "sip:example.test", contact = false })
        t:ok(ua.wait.until_true(ua.patience, function()
            return net:count_lost() > 0
        end), "no packet was dropped")
        t:equal(#phone.inbox, 0)
    end
    net.public:lose(0)
    seen_port(phone)
end)

lab.test("packets are delayed in both directions, and arrive", { delays = { server = { 150, 20 } } }, function(t, net)
    net:serve()
    for _, options in ipairs { {}, { transport = "tcp" }, { ipv6 = true } } do
        options.user = "bob"
        local phone = net.public:open(options)
        local began = uv.hrtime()
        seen_port(phone)
        local took = (uv.hrtime() - began) // 1000000
        t:ok(took >= 2 * (150 - 20), ("a round trip took %d ms"):format(took))
    end
    net.server:delay(0)
    -- A text of more than one segment, which the kernel leaves to the interface to cut.
    local phone = net.public:open { user = "bob", transport = "tcp" }
    phone:expect_final(phone:request("OPTIONS", { uri = "sip:example.test", contact = false,
        body = ("x"):rep(60000) }), 200)
end)

lab.test("a link of 1280 bytes cuts datagrams into fragments, which may be lost", function(t, net)
    net:serve()
    net.public:mtu(1280)
    local phone = net.public:open { user = "bob" }
    local function request()
        return phone:request("OPTIONS", { uri = "sip:example.test", contact = false, body = ("x"):rep(1500) })
    end
    phone:expect_final(request(), 200)
    net:lose_fragments(true)
    request()
    t:ok(ua.wait.until_true(ua.patience, function()
        return net:count_lost() >= 2
    end), "no fragment was dropped")
    t:equal(#phone.inbox, 0)
    net:lose_fragments(false)
    phone:expect_final(request(), 200)
end)

lab.test("IPv6 is routed and not translated; a wall lets only answers in", function(t, net)
    net:serve()
    local phone = net.desk:open { user = "bob", ipv6 = true }
    local port = seen_port(phone)
    t:equal(port, phone.local_port)
    local stranger = net.public:open { user = "eve", ipv6 = true, host = net.desk.address6, port = port }
    stranger:request("OPTIONS", { uri = "sip:bob@example.test" })
    seen_port(phone)
    t:equal(#phone.inbox, 0, "messages from a stranger")
end)

-- The child runs in this program's user namespace, whose limits are ours to set.
lab.test("without namespaces a test fails, and its message names what is missing", function(t, net)
    net.internet:ip { "link set lo up" }
    local limit = "/proc/sys/user/max_user_namespaces"
    local file = assert(io.open(limit, "w"))
    assert(file:write "0" and file:close())
    t:defer(function()
        local again = assert(io.open(limit, "w"))
        assert(again:write "1000" and again:close())
    end)
    local child <close> = assert(io.popen([[lua5.4 -e '
        local lab = require "lab"
        lab.test("a test", function() end)
        require("tap").done()' 2>&1]]))
    local text = child:read "a"
    t:match(text, "not ok 1 %- a test\n")
    t:match(text, "the laboratory needs user and network namespaces .*unshare")
    t:equal(text:upper():find "SKIP", nil)
end)

tap.done()
