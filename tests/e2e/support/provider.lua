-- SPDX-License-Identifier: BSD-2-Clause
-- examples/kamailio/provider.cfg with the database that its first lines make, and phones that know their passwords.
local uv = require "luv"
local certificates = require "certificates"
local digest = require "digest"
local kamailio = require "kamailio"
local provider_stock = require "provider_stock"
local server = require "server"
local ua = require "ua"
local read = require("file").read

local provider = {}

provider.domain = "example.test"
provider.config = "examples/kamailio/provider.cfg"
provider.trunk_host = "127.0.0.3"
local default_database <const> = "/var/lib/kamailio/provider.db"
local schemas <const> = "/usr/share/kamailio/db_sqlite/"

-- The commands among the first comments, with another database; each a line, or several until a line that is indented
-- less.
function provider.commands(path)
    local text = {}
    for line in read(provider.config):match "^(.-)\n\n":gmatch "[^\n]+" do
        text[#text + 1] = line:match "^#     (.*)$"
    end
    return (table.concat(text, "\n"):gsub(default_database:gsub("%p", "%%%0"), path))
end

local function run(command)
    local pipe = assert(io.popen(("(%s\n) 2>&1"):format(command)))
    local said = pipe:read "a"
    assert(pipe:close(), said)
    return said
end

function provider.query(path, text)
    return (run(("sqlite3 -cmd '.timeout 20000' '%s' \"%s\""):format(path, text)):gsub("%s+$", ""))
end

-- Until the test ends, provider.start() takes the configuration with Kamailio's own registrar.
function provider.use_stock(t)
    local usual, path = provider.config, server.temporary ".cfg"
    server.write(path, provider_stock.text(usual))
    provider.config = path
    t:defer(function()
        provider.config = usual
        os.remove(path)
    end)
end

-- What makes alice and her number, for another user.
local function add_user(path, user, number, password)
    local script = provider.commands(path):match "\n(ha1=.*)\nsqlite3 [^\n]*dispatcher"
    run("set -e\n" .. script:gsub("alice:example%.test:secret", user .. ":example.test:" .. password)
        :gsub("'alice'", "'" .. user .. "'"):gsub("%+15550101", number))
end

function provider.password(user)
    return user == "alice" and "secret" or "password of " .. user
end

-- A database in `folder`: alice (+15550101), bob (+15550102), carol (+15550103) and one trunk for each port.
function provider.database(folder, trunk_ports)
    local path = folder .. "/provider.db"
    local commands = provider.commands(path)
    local first = trunk_ports[1] or 9
    run("set -e\n" .. commands:gsub("192%.0%.2%.20:5060", provider.trunk_host .. ":" .. first))
    for index = 2, #trunk_ports do
        provider.query(path, ("insert into dispatcher (setid, destination) values (1, 'sip:%s:%d')"):format(
            provider.trunk_host, trunk_ports[index]))
    end
    add_user(path, "bob", "+15550102", provider.password "bob")
    add_user(path, "carol", "+15550103", provider.password "carol")
    return path
end

function provider.available()
    return kamailio.available() and uv.fs_stat(schemas .. "auth_db-create.sql") and true
end

--[[ Starts it. options, all optional: trunks (how many, default 2), defines (a list for -A), voicemail (a port),
     prepare (a function that gets the path of the database), and those of kamailio.start. Fields beside those of
     kamailio.start: ports (for each transport), database, trunk_ports, voicemail_port. ]]
function provider.start(t, options)
    options = options or {}
    if not provider.available() then
        t:skip "no Kamailio, no module, or no schema of Kamailio's for SQLite"
    end
    local folder = assert(uv.fs_mkdtemp((os.getenv "TMPDIR" or "/tmp") .. "/reflow-provider-XXXXXX"))
    t:defer(function()
        os.execute(("rm -r '%s'"):format(folder))
    end)
    local trunk_ports = {}
    for index = 1, options.trunks or 2 do
        trunk_ports[index] = server.free_port()
    end
    local database = options.database or provider.database(folder, trunk_ports)
    if options.prepare then
        options.prepare(database)
    end
    local files = certificates.new(t):sign("provider", { names = "DNS:" .. provider.domain })
    local tls_port, voicemail_port = server.free_port(), options.voicemail or server.free_port()
    local defines = { ('REFLOW="%s"'):format(uv.fs_realpath(kamailio.module)), "TLS_PORT=" .. tls_port,
        ('CERTIFICATE="%s"'):format(files.certificate), ('PRIVATE_KEY="%s"'):format(files.key),
        ('DATABASE="sqlite:///%s"'):format(database), ('VOICEMAIL="127.0.0.1:%d"'):format(voicemail_port) }
    table.move(options.defines or {}, 1, #(options.defines or {}), #defines + 1, defines)
    if not table.concat(defines, " "):find " CHILDREN=" then
        defines[#defines + 1] = "CHILDREN=2"
    end
    local s = kamailio.start(t, setmetatable({ config = options.config or provider.config, defines = defines,
        memory = options.memory or 64 }, { __index = options }))
    s.ports = { udp = s.port, tcp = s.port, ws = s.port, tls = tls_port, wss = tls_port }
    s.database, s.trunk_ports, s.voicemail_port = database, trunk_ports, voicemail_port
    return s
end

-- --- phones ---

function provider.open(t, s, user, transport, options)
    local all = { port = s.ports[transport or "udp"], user = user, domain = provider.domain, transport = transport }
    for name, value in pairs(options or {}) do
        all[name] = value
    end
    local phone = ua.open(all)
    t:defer(function()
        phone:close()
    end)
    return phone
end

-- A trunk at its address and port.
function provider.trunk(t, s, index)
    return provider.open(t, s, "trunk", "udp", { local_host = provider.trunk_host, domain = "trunk.example.net",
        local_port = index and s.trunk_ports[index] or nil })
end

function provider.credentials(phone, challenged, method, uri, password)
    return { digest.header(digest.challenges(challenged)[1], { user = phone.user,
        password = password or provider.password(phone.user), method = method, uri = uri }) }
end

-- Registers with the password. options: those of ua's register.
function provider.register(phone, options)
    options = options or {}
    options.expect, options.headers = 401, nil
    local challenged = phone:register(options)
    options.headers = provider.credentials(phone, challenged, "REGISTER", "sip:" .. provider.domain)
    options.expect = 200
    return phone:register(options)
end

-- An INVITE of a user, with the password. Returns the request as it was sent the second time.
function provider.invite(phone, uri, options)
    options = options or {}
    options.uri = uri
    local first = phone:request("INVITE", options)
    local challenged = phone:expect_final(first, 407)
    options.headers = provider.credentials(phone, challenged, "INVITE", uri)
    options.cseq, options.call_id = 2, first:get "Call-ID"
    return phone:request("INVITE", options)
end

-- The called side takes the call; the caller hangs up.
function provider.take(callee, request, caller)
    local invite = callee:expect "INVITE"
    callee:reply(invite, 180)
    callee:reply(invite, 200)
    local answer = caller:expect_final(request, 200)
    callee:expect "ACK"
    local bye = caller:within("BYE", request, answer, { cseq = 9 })
    callee:reply(callee:expect "BYE", 200)
    caller:expect_final(bye, 200)
    return invite, answer
end

return provider
