-- SPDX-License-Identifier: BSD-2-Clause
-- What stands between the user agents of a test: our own server, or Kamailio with the module. A case written against
-- this interface is run with each, over UDP and TCP or the transports that it names. Its name in the results says
-- which: "[kamailio tcp]".
local certificates = require "certificates"
local kamailio = require "kamailio"
local server = require "server"
local tap = require "tap"
local ua = require "ua"

local host = { opener = ua.opener }

-- Kamailio's names for what options say in words.
local function kamailio_params(options)
    local params = { { "htable", "htable", "rate=>size=10;autoexpire=2;updateexpire=0;initval=0" },
        { "htable", "htable", "scarce=>size=10;autoexpire=2;updateexpire=0;initval=0" },
        { "htable", "htable", "banned=>size=10;autoexpire=60;initval=0" },
        { "tm", "fr_timer", options.answer_timeout or 32000 },
        { "tm", "fr_inv_timer", options.timer_c or 185000 }, { "usrloc", "use_domain", 1 } }
    if options.flow_timer then
        params[#params + 1] = { "reflow", "flow_timer", options.flow_timer }
    end
    if options.kept then
        params[#params + 1] = { "tm", "wt_timer", options.kept }
    end
    if options.rest_silent then
        params[#params + 1] = { "reflow", "rest_silent", options.rest_silent }
    end
    if options.case_sensitive then
        params[#params + 1] = { "reflow", "case_sensitive", 1 }
    end
    if options.lengthen_expires then
        params[#params + 1] = { "reflow", "min_expires_mode", 0 }
    end
    if options.policy then
        params[#params + 1] = { "reflow", "policy", options.policy_path }
    end
    for _, each in ipairs(options.beside) do
        params[#params + 1] = { "reflow", each[1], each[2] }
    end
    for _, trunk in ipairs(options.trunks or {}) do
        params[#params + 1] = { "reflow", "trunk", trunk }
    end
    return params
end

-- Core parameters: names that are ours too, and what the example's routes need.
local function kamailio_core(options)
    local lines = { '#!define TRUSTED "^127"', "#!define REQUESTS 500", "#!define REQUESTS_SCARCE 5", options.core }
    for _, name in ipairs(options.names or {}) do
        lines[#lines + 1] = ('alias="%s"'):format(name)
    end
    return table.concat(lines, "\n")
end

-- The routes of the example: what is proven of them holds for whoever starts from it.
local function example_routes()
    local file <close> = assert(io.open "examples/kamailio/registrar.cfg")
    return (file:read("a"):match "\nrequest_route.*$")
end

local function server_certificate(t)
    return certificates.new(t):sign("default", { names = "DNS:example.test" })
end

local function policy_file(t, text)
    local path = server.temporary ".lua"
    server.write(path, text)
    t:defer(function()
        os.remove(path)
    end)
    return path
end

-- The layers and tenants of options, as both hosts take them: { { "layer", "NAME:PRIORITY=PATH" }, ... }
local function policies_beside(t, options)
    local list = {}
    for _, kind in ipairs { "layer", "tenant" } do
        for name, text in pairs(options[kind .. "s"] or {}) do
            list[#list + 1] = { kind, name .. "=" .. policy_file(t, text) }
        end
    end
    return list
end

local starts = {}

function starts.kamailio(t, options)
    options.policy_path = options.policy and policy_file(t, options.policy)
    local modules = table.move(kamailio.modules, 1, #kamailio.modules, 4, { "ipops", "htable", "pike" })
    local more = { config = example_routes(), modules = modules, params = kamailio_params(options),
        port = options.port, core = kamailio_core(options), secure = options.secure and server_certificate(t) }
    if options.net then
        more.address, more.port = options.net.server.address, 5060
        return options.net.server:within(kamailio.start, t, more)
    end
    return kamailio.start(t, more)
end

function starts.standalone(t, options)
    local arguments = {}
    local function add(name, value)
        if value then
            arguments[#arguments + 1] = name
            arguments[#arguments + 1] = tostring(value)
        end
    end
    add("--t1", options.answer_timeout and options.answer_timeout // 64)
    add("--timer-c", options.timer_c)
    add("--flow-timer", options.flow_timer)
    add("--rest-silent", options.rest_silent)
    add("--connect-time", options.connect_time)
    add("--idle", options.idle)
    for _, name in ipairs { "case-sensitive", "lengthen-expires" } do
        arguments[#arguments + 1] = options[name:gsub("-", "_")] and "--" .. name or nil
    end
    for _, name in ipairs(options.names or {}) do
        add("--domain", name)
    end
    for _, each in ipairs(options.beside) do
        add("--" .. each[1], each[2])
    end
    for _, trunk in ipairs(options.trunks or {}) do
        add("--trunk", trunk)
    end
    if options.net then
        return options.net:serve { source = options.policy, args = arguments, status = true }
    end
    local port, ports = options.port or server.free_port(), {}
    if options.address then
        add("--listen", ("udp:[%s]:%d"):format(options.address, port))
        add("--listen", ("tcp:[%s]:%d"):format(options.address, port))
    end
    if options.secure then
        local files = server_certificate(t)
        add("--tls-cert", files.certificate)
        add("--tls-key", files.key)
        for _, transport in ipairs { "tls", "ws", "wss" } do
            ports[transport] = server.free_port()
            add("--listen", ("%s:127.0.0.1:%d"):format(transport, ports[transport]))
        end
    end
    local state = options.state and server.temporary ".db"
    if state then
        t:defer(function()
            os.execute("rm -f " .. state .. "*")
        end)
    end
    local self = server.start(t, { source = options.policy, args = arguments, port = port, status = true,
        state = state })
    self.ports, self.address = ports, options.address
    return self
end

--[[ Starts the host of that name for the test `t`, which ends it. options, all optional: policy (Lua text), layers
     and tenants (tables of Lua texts by "NAME:PRIORITY" and by domain; they need a policy), trunks (a list),
     names (a list: domains more, or addresses of a relay before it), answer_timeout (ms until a request without any
     response fails, timer B), timer_c (ms), flow_timer (s), rest_silent (s), port, case_sensitive and
     lengthen_expires (true), secure (true: it listens on TLS and WebSocket too; host.test sets it for these), net (a
     laboratory of lab.lua: it runs on net.server, at port 5060 of UDP and TCP). Of Kamailio alone: core (core
     parameters), kept (ms that a transaction stays after its end, default 5000). Of the standalone host alone: state
     (true: it keeps bindings), connect_time and idle (s), address (an IPv6 address to listen on, which its user agents
     then use).
     Fields of what it returns: kind, host, port, domain; alive(), stop(), flows_down() (a counter). ]]
function host.start(t, kind, options)
    options = options or {}
    options.beside = policies_beside(t, options)
    local self = starts[kind](t, options)
    self.kind = kind
    function self.flows_down()
        return kind == "kamailio" and self:statistic "reflow:flows_down" or self:number "flows_down"
    end
    return self
end

-- The hosts of this run: the one that the environment names, or both.
local function hosts()
    local named = os.getenv "REFLOW_HOST"
    return named and { named } or { "standalone", "kamailio" }
end

local function contains(list, value)
    for _, each in ipairs(list) do
        if each == value then
            return true
        end
    end
    return false
end

--[[ A test for each host and transport: body(t, open, host). options beside those of host.start: transports (default
     UDP and TCP; "tls", "ws" and "wss" are the others), hosts (default both). The host has two fields more: transport,
     and other_transport. ]]
function host.test(name, options, body)
    if type(options) == "function" then
        options, body = {}, options
    end
    for _, kind in ipairs(hosts()) do
        for _, transport in ipairs(options.transports or { "tcp", "udp" }) do
            if contains(options.hosts or { kind }, kind) then
                tap.test(("%s [%s %s]"):format(name, kind, transport), function(t)
                    local own = { secure = transport ~= "udp" and transport ~= "tcp" }
                    for option, value in pairs(options) do
                        own[option] = value
                    end
                    local s = host.start(t, kind, own)
                    s.transport, s.other_transport = transport, transport == "tcp" and "udp" or "tcp"
                    body(t, host.opener(s, transport), s)
                end)
            end
        end
    end
end

--[[ A test in a laboratory for each host, over UDP and over TCP: body(t, net, transport, host). options: those of
     host.start, and those of lab.open. ]]
function host.net_test(name, options, body)
    if type(options) == "function" then
        options, body = {}, options
    end
    local lab = require "lab" -- only here: it needs what `make laboratory` builds
    for _, kind in ipairs(hosts()) do
        for _, transport in ipairs { "udp", "tcp" } do
            lab.test(("%s [%s %s]"):format(name, kind, transport), options, function(t, net)
                local own = { net = net }
                for option, value in pairs(options) do
                    own[option] = value
                end
                body(t, net, transport, host.start(t, kind, own))
            end)
        end
    end
end

return host
