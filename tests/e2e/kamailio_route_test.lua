-- SPDX-License-Identifier: BSD-2-Clause
-- sip_route_flows() in Kamailio: which bindings of an AOR ring, and over what.
local kamailio = require "kamailio"
local tap = require "tap"
local ua = require "ua"

local test = tap.test
local one, two = ua.instance(1), ua.instance(2)

-- Registered by the registrar that comes with Kamailio, so that what is tested is the routing alone.
local modules = { "kex", "corex", "tm", "sl", "rr", "pv", "maxfwd", "textops", "siputils", "xlog", "usrloc", "path",
    "ctl", "stun", "outbound", "nathelper", "registrar", "reflow" }
local params = { { "usrloc", "use_domain", 1 }, { "registrar", "outbound_mode", 1 }, { "registrar", "use_path", 1 },
    { "registrar", "path_mode", 0 }, { "registrar", "received_avp", "$avp(received)" },
    { "nathelper", "received_avp", "$avp(received)" }, { "registrar", "method_filtering", 1 } }

local function start(t, options)
    options = options or {}
    options.modules = options.modules or modules
    options.params = options.params or params
    options.config = (options.config or kamailio.routing):gsub('sip_save%("location"%);',
        'fix_nated_register(); save("location");')
    local host = kamailio.start(t, options)
    return host, function(user, more)
        local o = { port = host.port, user = user, domain = host.domain, transport = "tcp" }
        for name, value in pairs(more or {}) do
            o[name] = value
        end
        return ua.open(o)
    end
end

test("a call from end to end", function(t)
    local host, open = start(t)
    local bob, alice = open "bob", open "alice"
    bob:register {}
    alice:call(bob)
    t:equal(host:statistic "reflow:requests_routed", 1)
end)

tap.done()
