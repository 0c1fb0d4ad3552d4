-- SPDX-License-Identifier: BSD-2-Clause
-- The examples for Kamailio as they stand, and phones behind a NAT that use them: a second loopback address plays the
-- NAT, and their Contacts name an address behind it.
local uv = require "luv"
local kamailio = require "kamailio"
local server = require "server"
local ua = require "ua"

local example = {}
local folder = "examples/kamailio/"

example.registrars = { "registrar.cfg", "registrar-kemi.cfg" }

-- Starts the example of that name. options, all optional: defines (a list for -A), port (a restart in the same place),
-- and those of kamailio.start.
function example.start(t, name, options)
    if not kamailio.available() then
        error("no Kamailio, or no " .. kamailio.module)
    end
    options = options or {}
    -- The TLS processes of Kamailio 5.6 free the same memory of OpenSSL 3, and can crash if there are several.
    local all = { ('REFLOW="%s"'):format(uv.fs_realpath(kamailio.module)),
        options.secure and "CHILDREN=1" or "CHILDREN=2",
        ('SCRIPT="%s"'):format(uv.fs_realpath(folder .. "registrar.lua")) }
    table.move(options.defines or {}, 1, #(options.defines or {}), #all + 1, all)
    return kamailio.start(t, setmetatable({ config = options.config or folder .. name, defines = all },
        { __index = options }))
end

-- The same with more lines before it, in which PORT is its port.
function example.start_with(t, name, lines, options)
    local port, path = server.free_port(), server.temporary ".cfg"
    server.write(path, ("#!KAMAILIO\n%sinclude_file \"%s\"\n"):format((lines:gsub("PORT", port)),
        uv.fs_realpath(folder .. name)))
    t:defer(function()
        os.remove(path)
    end)
    options = options or {}
    options.config, options.port = path, port
    return example.start(t, name, options)
end

-- By its Via, and over UDP by its source: what leaves by the wrong socket comes from the wrong address.
function example.came_from(t, received, address)
    t:match(received:get "Via", "^SIP/2.0/%u+ " .. address:gsub("%.", "%%."))
    if received.source then
        t:equal(received.source.ip, address)
    end
end

-- A define that keeps the keys of Record-Route over restarts.
function example.keys(t)
    local path = server.temporary ".keys"
    t:defer(function()
        os.remove(path)
    end)
    return ('ROUTE_KEYS="%s"'):format(path)
end

example.parameter = ua.parameter

-- A phone at the NAT's address. options as those of ua.open, and contact: what it says of itself (HOST:PORT).
function example.behind_nat(s, user, transport, options)
    options = options or {}
    local port = s.ports and s.ports[transport] or s.port
    local phone = ua.open { port = port, user = user, domain = "example.test", transport = transport,
        local_host = transport ~= "tls" and "127.0.0.2" or nil, local_port = options.local_port }
    phone.sent_by = options.contact or "192.168.1.10:5066"
    phone.contact_uri = ("sip:%s@%s%s"):format(user, phone.sent_by, example.parameter(transport))
    return phone
end

-- An established call: what the caller sent, what the callee got, what the caller got.
function example.establish(caller, callee, options)
    local request = caller:invite(callee.aor, options)
    local invite = callee:expect "INVITE"
    callee:reply(invite, 200)
    local answer = caller:expect_final(request, 200)
    callee:expect "ACK"
    return request, invite, answer
end

-- Kamailio knows that this connection has gone.
function example.gone(s, phone)
    phone:close()
    if phone.transport ~= "udp" then
        assert(ua.wait.until_true(ua.patience, function()
            return not assert(s:rpc "core.tcp_list"):find(("src_port: %d\n"):format(phone.local_port), 1, true)
        end), "Kamailio does not notice that the connection is closed")
    end
end

return example
