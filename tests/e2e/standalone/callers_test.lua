-- SPDX-License-Identifier: BSD-2-Clause
-- A server that strangers can reach says who may call, or does not start.
local certificates = require "certificates"
local server = require "server"
local tap = require "tap"
local ua = require "ua"

local test = tap.test

local function forwarding(t)
    local script = server.temporary ".lua"
    server.write(script, 'sip_on_request(function() return sip_forward "sip:127.0.0.1:5999" end)')
    t:defer(function()
        os.remove(script)
    end)
    return script
end

for _, listen in ipairs { "udp:0.0.0.0", "tcp:0.0.0.0", "ws:0.0.0.0", "udp:[::]", "tcp:[::]" } do
    test("it does not start on " .. listen .. " without knowing who may call", function(t)
        local result = server.run { "serve", "examples/registrar.lua", "--listen",
            "udp:127.0.0.1:" .. server.free_port(), "--listen", listen .. ":" .. server.free_port(), "--trust",
            "192.0.2.1", "--trunk", "192.0.2.2" }
        t:equal(result.status, 2)
        for _, name in ipairs { "%-%-users", "sip_on_credentials", "%-%-edge", "%-%-open" } do
            t:match(result.err, "^reflow serve: [^\n]*" .. name .. "[^\n]*\n$")
        end
    end)
end

test("on loopback alone it starts, and checks nobody", function(t)
    for _, listen in ipairs { "udp:127.0.0.1:%d", "udp:127.0.0.2:%d", "tcp:[::1]:%d" } do
        local s = server.start(t, { listen = { listen } })
        t:equal(s.err:find "warning", nil)
        s:stop()
    end
end)

test("--open starts it, with a warning", function(t)
    local s = server.start(t, { listen = { "udp:0.0.0.0:%d", "tcp:[::]:%d" }, args = { "--open" } })
    s:expect_log "warning: %-%-open: nobody is asked for a password"
    s:stop()
end)

test("--edge starts it", function(t)
    local s = server.start(t, { script = forwarding(t), listen = { "udp:0.0.0.0:%d" }, args = { "--edge" } })
    t:equal(s.err:find "warning", nil)
    s:stop()
end)

test("options that exclude each other, or have no effect", function(t)
    local result = server.run { "serve", "examples/registrar.lua", "--open", "--edge" }
    t:equal(result.status, 2)
    t:match(result.err, "%-%-open and %-%-edge exclude each other")
    local s = server.start(t, { args = { "--no-foreign" } })
    s:expect_log "warning: %-%-no%-foreign has no effect"
    s:stop()
end)

-- --- trunks that show a certificate ---

local shown = 'sip_on_request(function(request, call) return sip_reply(603, tostring(call.trunk)) end)'

for _, transport in ipairs { "tls", "wss" } do
    test("--trunk-cert names a client by the domain in its certificate [" .. transport .. "]", function(t)
        local authority, stranger = certificates.new(t), certificates.new(t)
        local own = authority:sign("own", { names = "DNS:example.test" })
        local port = server.free_port()
        local s = server.start(t, { source = shown, args = { "--listen", ("%s:127.0.0.1:%d"):format(transport, port),
            "--tls-cert", own.certificate, "--tls-key", own.key, "--tls-client-ca", authority.certificate,
            "--trunk-cert", "Trunk.Example.net", "--trunk-cert", "other.example.net" } })
        local function seen(files)
            local flow = ua.open { port = port, transport = transport, user = "trunk", domain = s.domain, tls = files }
            t:defer(function()
                flow:close()
            end)
            return flow:expect_final(flow:request("INVITE", { uri = "sip:bob@" .. s.domain }), 603).phrase
        end
        local count = 0
        local function signed(by, names)
            count = count + 1
            return by:sign("client" .. count, { names = names, common_name = "trunk.example.net" })
        end
        t:equal(seen(signed(authority, "DNS:trunk.example.net")), "Trunk.Example.net")
        t:equal(seen(signed(authority, "DNS:a.example,DNS:OTHER.example.NET")), "other.example.net")
        t:equal(seen(signed(authority, "URI:sip:trunk.example.net")), "Trunk.Example.net")
        t:equal(seen(signed(authority, "DNS:*.example.net")), "nil")
        t:equal(seen(signed(authority, "DNS:example.net")), "nil")
        t:equal(seen(signed(authority, "DNS:trunk.example.net.evil.example")), "nil")
        t:equal(seen(signed(authority, "URI:sip:user@trunk.example.net")), "nil")
        t:equal(seen(nil), "nil")
        local fine, answer = pcall(seen, signed(stranger, "DNS:trunk.example.net"))
        t:ok(not fine or answer == "nil", "a certificate of another authority")
    end)
end

tap.done()
