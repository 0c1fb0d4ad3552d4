-- SPDX-License-Identifier: BSD-2-Clause
-- examples/kamailio/edge.cfg between phones and a registrar that the test plays.
local certificates = require "certificates"
local kamailio = require "kamailio"
local server = require "server"
local ua = require "ua"
local uv = require "luv"

local edge = {}
local one = ua.instance(1)

-- A port on which the test can play a registrar.
local function registrar_port()
    local probe = ua.open { port = 9, user = "probe" }
    local port = probe.local_port
    probe:close()
    return port
end

-- True: edges have flow tokens of the module's own, with keys that last as long as the test.
edge.own_tokens = false

local function add_keys(t, defines)
    local path = server.temporary ".keys"
    t:defer(function()
        os.remove(path)
    end)
    defines[#defines + 1] = ('TOKEN_KEYS="%s"'):format(path)
end

--[[ Starts the edge. options, all optional: defines (a list for -A), port and registrar_port (a restart in the same
     place), transport (of the phones), config (another path), children, and those of kamailio.start.
     Returns the edge, the registrar, and a function that opens a phone. ]]
function edge.start(t, options)
    options = options or {}
    if not kamailio.available() then
        error("no Kamailio, or no " .. kamailio.module)
    end
    local behind = options.registrar_port or registrar_port()
    local defines = { "REGISTRAR_PORT=" .. behind, ('REFLOW="%s"'):format(uv.fs_realpath(kamailio.module)),
        "CHILDREN=" .. (options.children or 2), "FLOW_TIMER=40" }
    for _, define in ipairs(options.defines or {}) do
        defines[#defines + 1] = define
    end
    if edge.own_tokens then
        add_keys(t, defines)
    end
    local host = kamailio.start(t, setmetatable({ config = options.config or "examples/kamailio/edge.cfg",
        defines = defines, secure = options.transport and certificates.new(t):sign("default",
            { names = "DNS:example.test" }) }, { __index = options }))
    local registrar = ua.open { port = host.port, user = "registrar", local_port = behind }
    local function open(user, more)
        local transport = more and more.transport or options.transport or "tcp"
        local o = { port = host.ports and host.ports[transport] or host.port, user = user, transport = transport }
        for name, value in pairs(more or {}) do
            o[name] = value
        end
        return ua.open(o)
    end
    return host, registrar, open
end

-- The REGISTER as the registrar gets it; answered 200.
function edge.register(phone, registrar, options)
    options = options or {}
    local headers = { { "Supported", "path, outbound" } }
    local request = phone:request("REGISTER", { uri = "sip:example.test", from = phone.aor, to = phone.aor,
        contact = phone:contact { instance = one, reg_id = options.reg_id or 1 }, headers = headers,
        via = options.via })
    local received = registrar:expect "REGISTER"
    registrar:reply(received, 200, { contact = received:get "Contact", headers = options.answer or {
        { "Path", received:get "Path" }, { "Require", "outbound" } } })
    return received, request
end

function edge.path_of(received)
    return (received:get "Path")
end

function edge.token_of(path)
    return path:match "sip:([^@>;]+)@"
end

-- The same Path with another user part.
function edge.with_token(path, token)
    local from, ending = path:find(edge.token_of(path), 1, true)
    return path:sub(1, from - 1) .. token .. path:sub(ending + 1)
end

-- What an authoritative proxy sends towards a phone through the edge's Path.
function edge.to_phone(registrar, phone, path, options)
    options = options or {}
    options.uri = phone.contact_uri
    options.routes = { path }
    options.via = { registrar:via("z9hG4bKa" .. uv.hrtime()),
        ("SIP/2.0/UDP 127.0.0.1:5999;branch=z9hG4bKb%d"):format(uv.hrtime()) }
    return registrar:request(options.method or "MESSAGE", options)
end

return edge
