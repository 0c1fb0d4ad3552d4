-- SPDX-License-Identifier: BSD-2-Clause
--[[ A laboratory: several hosts on one machine, each of them a network namespace. It needs no root, no test shares its
     hosts with another one, and nothing is left of it when the program ends.

                     internet (routes; loses packets)
         ┌────────┬──────┴──┬─────────┬────────────────┐
      server    trunk     names     public        home (NAT)            office (NAT)
      two addresses       a DNS     a phone         ├── desk  (phone)     └── remote (phone)
                          server    without NAT     └── cell  (phone)

     Hosts are made when they are first named. Each has IPv4 and IPv6; `home` and `office` translate IPv4, and let only
     answers in, also over IPv6.

        local lab = require "lab"

        lab.test("a phone behind a NAT is called", function(t, net)
            local s = net:serve()                       -- reflow serve on net.server: UDP and TCP, all its addresses
            local alice = net.public:open { user = "alice" }
            local bob = net.desk:open { user = "bob", transport = "tcp" }
            bob:register {}
            net.home:change_ports()                     -- the NAT has restarted
            net.trunk:lose(30, 100)                     -- percent of the packets to it and from it
            alice:call(bob)
        end)

     Whatever opens a socket or starts a process belongs to a host inside within(): server, agent, peer, dns, baresip,
     kamailio and all others:

        local trunk = net.trunk:within(peer.open, t, 5060, handler, net.trunk.address)

     The event loop is one for all hosts. A socket that a callback creates belongs to the host whose within() is
     running at that moment; a connection that is accepted belongs to its listener's host. ]]
local namespace = require "namespace"
local server = require "server"
local tap = require "tap"
local ua = require "ua"
local uv = require "luv"
local wait = require "wait"

local lab = {}
local host, net = {}, {}
host.__index = host

-- The hosts. above: the router that it is connected to; net4, net6: the network between them, whose first address is
-- that of the router; numbers: the last parts of its own addresses.
local plan = {
    internet = {},
    server = { above = "internet", net4 = "203.0.113", net6 = "2001:db8:1", numbers = { 10, 20 } },
    trunk = { above = "internet", net4 = "198.51.100", net6 = "2001:db8:2" },
    names = { above = "internet", net4 = "198.18.53", net6 = "2001:db8:53" },
    public = { above = "internet", net4 = "192.0.2", net6 = "2001:db8:3" },
    home = { above = "internet", net4 = "198.18.1", net6 = "2001:db8:a", translates = true },
    office = { above = "internet", net4 = "198.18.2", net6 = "2001:db8:b", translates = true },
    desk = { above = "home", net4 = "10.1.1", net6 = "2001:db8:a1" },
    cell = { above = "home", net4 = "10.1.2", net6 = "2001:db8:a2" },
    remote = { above = "office", net4 = "10.2.1", net6 = "2001:db8:b1" },
}

-- Ports of a NAT before and after change_ports().
local translated_ports <const> = { "20000-29999", "30000-39999" }

local needed = { ip = "iproute2", nft = "nftables" }

-- For shell commands: where Debian has these programs.
local path <const> = "PATH=$PATH:/usr/sbin:/sbin; "

local isolated, home_namespace, current

-- Raises an error with what is missing on this machine.
local function require_namespaces()
    for program, package in pairs(needed) do
        if not os.execute(("%scommand -v %s >/dev/null"):format(path, program)) then
            error(("the laboratory needs the program %s (Debian: %s)"):format(program, package), 0)
        end
    end
    if not isolated then
        local fine, why = namespace.isolate()
        if not fine then
            error(("the laboratory needs user and network namespaces (sysctl kernel.unprivileged_userns_clone, " ..
                "user.max_user_namespaces, user.max_net_namespaces; in a container: its seccomp profile): %s")
                :format(why), 0)
        end
        isolated, home_namespace = true, assert(namespace.current())
        current = home_namespace
        assert(os.execute(path .. "exec ip link set lo up"))
    end
end

local function enter(descriptor)
    assert(namespace.enter(descriptor))
    current = descriptor
end

-- --- what is done in a host ---

-- Calls f(...) with the calling process in that host, and returns what it returns.
function host.within(self, f, ...)
    local before = current
    enter(self.namespace)
    local results = table.pack(xpcall(f, function(why)
        return type(why) == "string" and debug.traceback(why, 2) or why
    end, ...))
    enter(before)
    if not results[1] then
        error(results[2], 0)
    end
    return table.unpack(results, 2, results.n)
end

local function feed(command, text)
    local pipe = assert(io.popen(path .. "exec " .. command, "w"))
    pipe:write(text)
    return pipe:close()
end

-- Gives these lines to `ip -batch` in that host.
function host.ip(self, lines)
    if not self:within(feed, "ip -batch -", table.concat(lines, "\n") .. "\n") then
        error(("%s: ip fails with:\n%s"):format(self.name, table.concat(lines, "\n")), 2)
    end
end

-- Gives this text to nft in that host.
function host.nft(self, text)
    if not self:within(feed, "nft -f -", text) then
        error(("%s: nft fails with:\n%s"):format(self.name, text), 2)
    end
end

-- Sets a kernel parameter of that host by its name below net: "ipv4.ip_forward".
function host.sysctl(self, name, value)
    local parameter = "/proc/sys/net/" .. name:gsub("%.", "/")
    self:within(function()
        local file, why = io.open(parameter, "w")
        local written = file and file:write(tostring(value)) and file:close()
        if not written then
            error(("the laboratory cannot write %s: %s"):format(parameter, why or "refused"), 0)
        end
    end)
end

-- --- how hosts are connected ---

local function path_of(self)
    return ("/proc/%d/fd/%d"):format(uv.os_getpid(), self.namespace)
end

local function new_host(n, name)
    require_namespaces()
    local self = setmetatable({ name = name, net = n, lost = {}, plan = plan[name] }, host)
    self.namespace = assert(namespace.create())
    enter(current)
    n.made[#n.made + 1] = self
    self:ip { "link set lo up" }
    self:sysctl("ipv4.icmp_ratelimit", 0)
    -- The detection of duplicate addresses would keep the IPv6 addresses from use for a second or two.
    self:sysctl("ipv6.conf.all.accept_dad", 0)
    self:sysctl("ipv6.conf.default.accept_dad", 0)
    return self
end

-- Starts the program that passes packets between the two interfaces of the box, delayed.
local function start_delay(self, box)
    local program = (os.getenv "BUILD" or "build") .. "/lab/delay"
    self.control = uv.new_pipe(false)
    local handle, why
    handle, why = box:within(uv.spawn, program, { args = { "near", "far" },
        stdio = { self.control, nil, 2 } }, function()
        handle:close()
        handle = nil
    end)
    assert(handle, why)
    self.net.t:defer(function()
        self.control:close()
        assert(wait.until_true(30000, function()
            return not handle
        end), "the program delay does not end with its input")
    end)
end

--[[ Packets to and from this host take `ms` milliseconds more in each direction, give or take `jitter`, and `loss`
     percent of them are lost. Only for hosts that lab.open() got in `delays`. ]]
function host.delay(self, ms, jitter, loss)
    assert(self.control, self.name .. " is not in the option `delays`")
    self.control:write(("%g %g %g\n"):format(ms, jitter or 0, loss or 0))
end

-- Makes the link to the router: eth0 in this host, and an interface with the name of this host in the router. With a
-- delay, a box is between the two.
local function connect(self, above)
    local delay = self.net.options.delays and self.net.options.delays[self.name]
    if not delay then
        above:ip { ("link add %s type veth peer name eth0 netns %s"):format(self.name, path_of(self)) }
        return
    end
    self.box = new_host(self.net, "box")
    above:ip { ("link add %s type veth peer name far netns %s"):format(self.name, path_of(self.box)) }
    self.box:ip { ("link add near type veth peer name eth0 netns %s"):format(path_of(self)), "link set near up",
        "link set far up" }
    start_delay(self, self.box)
    self:delay(table.unpack(delay))
end

local function set_addresses(self, above)
    local p = self.plan
    local own = { "link set eth0 up" }
    self.addresses, self.addresses6 = {}, {}
    for index, number in ipairs(p.numbers or { 10 }) do
        self.addresses[index] = ("%s.%d"):format(p.net4, number)
        self.addresses6[index] = ("%s::%d"):format(p.net6, number)
        own[#own + 1] = ("addr add %s/24 dev eth0"):format(self.addresses[index])
        own[#own + 1] = ("addr add %s/64 dev eth0 nodad"):format(self.addresses6[index])
    end
    self.address, self.address6 = self.addresses[1], self.addresses6[1]
    own[#own + 1] = ("route add default via %s.1"):format(p.net4)
    own[#own + 1] = ("route add default via %s::1"):format(p.net6)
    above:ip { ("link set %s up"):format(self.name), ("addr add %s.1/24 dev %s"):format(p.net4, self.name),
        ("addr add %s::1/64 dev %s nodad"):format(p.net6, self.name) }
    self:ip(own)
end

local function route(self)
    self:sysctl("ipv4.ip_forward", 1)
    self:sysctl("ipv6.conf.all.forwarding", 1)
end

-- Translates IPv4 with the ports of its range; lets in what answers something.
local function translate(self)
    self:nft(([[
table ip nat {}
delete table ip nat
table ip nat {
    chain post {
        type nat hook postrouting priority srcnat
        oifname "eth0" meta l4proto { tcp, udp } masquerade to :%s
        oifname "eth0" masquerade
    }
}
table inet wall {}
delete table inet wall
table inet wall {
    chain input { type filter hook input priority filter; iifname "eth0" ct state new counter drop; }
    chain forward {
        type filter hook forward priority filter
        iifname "eth0" ct state { new, invalid } counter drop
    }
}
]]):format(translated_ports[self.range]))
end

local function make(n, name)
    local p = plan[name]
    local above = p.above and n[p.above]
    local self = new_host(n, name)
    if above then
        connect(self, above)
        set_addresses(self, above)
    end
    if name == "internet" then
        route(self)
    elseif p.translates then
        route(self)
        self.range = 1
        translate(self)
        self:udp_timeout(n.options.udp_timeout or 120)
    end
    if above and above ~= n.internet then
        n.internet:ip { ("route add %s::/64 via %s"):format(p.net6, above.address6) }
    end
    return self
end

-- --- what happens to a network ---

-- Seconds after which a NAT forgets a UDP mapping without packets. Counts from the next packet on.
function host.udp_timeout(self, seconds)
    self:sysctl("netfilter.nf_conntrack_udp_timeout", seconds)
    self:sysctl("netfilter.nf_conntrack_udp_timeout_stream", seconds)
end

-- The NAT forgets all mappings, and gives other ports from now on: a connection over TCP is reset when it is next used,
-- and datagrams of the same phone come from another port.
function host.change_ports(self)
    self.range = 3 - self.range
    translate(self)
    assert(self:within(namespace.forget_connections))
end

-- The NAT forgets all mappings, as after its restart: nothing reaches a phone until it sends something.
function host.forget(self)
    assert(self:within(namespace.forget_connections))
end

local function rules(n)
    local lines = {}
    for _, each in ipairs(n.made) do
        for index, word in ipairs { "oifname", "iifname" } do
            if each.lost[index] then
                lines[#lines + 1] = ('%s "%s" %s counter drop'):format(word, each.name, each.lost[index])
            end
        end
    end
    if n.fragments_lost then
        lines[#lines + 1] = "ip frag-off & 0x3fff != 0 counter drop"
        lines[#lines + 1] = "exthdr frag exists counter drop"
    end
    return table.concat(lines, "\n")
end

local function apply_rules(n)
    n.internet:nft(("table inet loss {}\ndelete table inet loss\ntable inet loss {\nchain forward {\n" ..
        "type filter hook forward priority filter\n%s\n}\n}\n"):format(rules(n)))
end

local function set_lost(self, condition, to, from)
    assert(self.plan.above == "internet", self.name .. " is not connected to internet")
    self.lost = { condition(to), condition(from or to) }
    apply_rules(self.net)
end

--[[ Of the packets to this host, and of those from it, so many percent are lost: 0 stands for no packet, 100 for every
     packet. `from` is the same as `to` if it is left out. For hosts that are connected to `internet`. ]]
function host.lose(self, to, from)
    set_lost(self, function(percent)
        return percent == 100 and "" or percent > 0 and ("numgen random mod 100 < %d"):format(percent) or nil
    end, to, from)
end

-- The same, but every n-th packet is lost (0: none), so that a test does not depend on luck.
function host.lose_every(self, to, from)
    set_lost(self, function(n)
        return n > 0 and ("numgen inc mod %d == 0"):format(n) or nil
    end, to, from)
end

-- The link of this host carries packets of at most this size, in both directions.
function host.mtu(self, size)
    local above = self.net[self.plan.above]
    self:ip { ("link set eth0 mtu %d"):format(size) }
    above:ip { ("link set %s mtu %d"):format(self.name, size) }
    if self.box then
        self.box:ip { ("link set near mtu %d"):format(size), ("link set far mtu %d"):format(size) }
    end
end

-- Fragments of packets are lost (true), as in many firewalls, or pass again.
function net.lose_fragments(self, lost)
    self.fragments_lost = lost
    apply_rules(self)
end

local function count_dropped(table_name)
    local pipe <close> = assert(io.popen(("%sexec nft list table inet %s"):format(path, table_name)))
    local count = 0
    for packets in pipe:read("a"):gmatch "counter packets (%d+)" do
        count = count + tonumber(packets)
    end
    return count
end

-- Packets that lose() and lose_fragments() have dropped since one of them was last called.
function net.count_lost(self)
    return self.internet:within(count_dropped, "loss")
end

-- Packets from outside that this NAT has dropped since its ports were last changed.
function host.count_refused(self)
    return self:within(count_dropped, "wall")
end

-- --- servers and user agents ---

local function bracketed(address)
    return address:find ":" and "[" .. address .. "]" or address
end

--[[ Starts reflow serve on net.server, or on the host of options.on, until the test ends. options beside those of
     server.start: transports (default { "udp", "tcp" }), port (default 5060; TLS has the next one, WS and WSS ten and
     eleven more), addresses (default: all of that host, IPv4 and IPv6). TLS and WSS need a certificate in `args`. ]]
local above_port = { udp = 0, tcp = 0, tls = 1, ws = 10, wss = 11 }
function net.serve(self, options)
    local on = options and options.on or self.server
    local o = { port = 5060, addresses = {}, listen = {}, transports = { "udp", "tcp" } }
    table.move(on.addresses, 1, #on.addresses, 1, o.addresses)
    table.move(on.addresses6, 1, #on.addresses6, #o.addresses + 1, o.addresses)
    for name, value in pairs(options or {}) do
        o[name] = value
    end
    for _, address in ipairs(o.addresses) do
        for _, transport in ipairs(o.transports) do
            o.listen[#o.listen + 1] = ("%s:%s:%d"):format(transport, bracketed(address),
                o.port + above_port[transport])
        end
    end
    local s = on:within(server.start, self.t, o)
    s.host = o.addresses[1]
    return s
end

--[[ Opens a user agent on this host. options as those of ua.open, and: ipv6 (true: it uses IPv6). The default of `host`
     is the first address of net.server, that of `port` the port of this transport in net.serve. ]]
function host.open(self, options)
    local target = self.net.server
    local o = { host = options.ipv6 and target.address6 or target.address,
        port = 5060 + above_port[options.transport or "udp"],
        local_host = options.ipv6 and self.address6 or self.address }
    for name, value in pairs(options) do
        o[name] = value
    end
    return self:within(ua.open, o)
end

-- --- tests ---

net.__index = function(self, name)
    if net[name] or not plan[name] then
        return net[name]
    end
    local made = make(self, name)
    rawset(self, name, made)
    return made
end

--[[ A laboratory for the test `t`. options: delays ({ HOST = { ms, jitter, loss } }, see host.delay), udp_timeout (s,
     of each NAT; default 120). ]]
function lab.open(t, options)
    local self = setmetatable({ t = t, options = options or {}, made = {} }, net)
    t:defer(function()
        if isolated then
            enter(home_namespace)
        end
        for _, each in ipairs(self.made) do
            namespace.close(each.namespace)
        end
    end)
    return self
end

-- tap.test with a laboratory: body(t, net). It never skips: where there are no namespaces, the test fails.
function lab.test(name, options, body)
    if type(options) == "function" then
        options, body = {}, options
    end
    tap.test(name, function(t)
        require_namespaces()
        body(t, lab.open(t, options))
    end)
end

return lab
