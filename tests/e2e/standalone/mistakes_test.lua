-- SPDX-License-Identifier: BSD-2-Clause
-- What a careless operator does: the error names the option or the file and the reason, and no file is lost.
local certificates = require "certificates"
local server = require "server"
local tap = require "tap"
local temporary = require "temporary"
local uv = require "luv"
local read = require("file").read
local write = require("file").write

local test = tap.test

local function refused(t, pattern, ...)
    local result = server.run { "serve", "examples/registrar.lua", "--listen",
        "udp:127.0.0.1:" .. server.free_port(), ... }
    t:equal(result.status, 2)
    t:match(result.err, "^reflow serve: [^\n]*" .. pattern .. "[^\n]*\n$")
end

local function path_for(t)
    local path = temporary.path()
    t:defer(function()
        for _, ending in ipairs { "", ".keys", ".policy", ".old" } do
            os.remove(path .. ending)
        end
    end)
    return path
end

test("--last-good never replaces a file that has something else in it", function(t)
    local path = path_for(t)
    write(path, "return 'my own script'\n")
    local s = server.start(t, { args = { "--last-good", path } })
    s:expect_log "the last good policy could not be kept in [^\n]*: the file has something else in it"
    s:stop()
    t:equal(read(path), "return 'my own script'\n")
    os.remove(path)
    assert(os.execute("mkfifo '" .. path .. "'"))
    s = server.start(t, { args = { "--last-good", path } })
    s:expect_log "the last good policy could not be kept in [^\n]*: the file has something else in it"
    s:stop()
    t:equal(uv.fs_stat(path).type, "fifo")
end)

test("one file for two options, of which the server writes one, is refused and unchanged", function(t)
    local path, link = path_for(t), path_for(t)
    for _, pair in ipairs { { "--decision-log", "--users" }, { "--decision-log", "--domain-file" },
        { "--state", "--token-keys" }, { "--decision-log", "--last-good" }, { "--status", "--control" } } do
        for _, first in ipairs { path, path:gsub("([^/]+)$", "./%1"), link } do
            write(path, "example.com\n")
            os.remove(link)
            assert(os.execute(("ln -s '%s' '%s'"):format(path, link)))
            refused(t, ("%s [^\n]*: this file is also that of %s"):format(pair[1], pair[2]):gsub("%-", "%%-"), pair[1],
                first, pair[2], path)
            t:equal(read(path), "example.com\n")
        end
        os.remove(path)
        refused(t, ("%s [^\n]*: this file is also that of %s"):format(pair[1], pair[2]):gsub("%-", "%%-"), pair[1],
            path, pair[2], path)
        t:equal(uv.fs_stat(path), nil)
    end
    refused(t, "%-%-decision%-log examples/registrar%.lua: this file is also that of the policy", "--decision-log",
        "examples/registrar.lua")
end)

test("a file of another kind as --decision-log is refused and unchanged", function(t)
    local path = path_for(t)
    write(path, "-----BEGIN PRIVATE KEY-----\n")
    refused(t, "%-%-decision%-log [^\n]*: the file has no decisions in it", "--decision-log", path)
    t:equal(read(path), "-----BEGIN PRIVATE KEY-----\n")
    for _, text in ipairs { "", '{"time": 1}\n' } do
        write(path, text)
        local s = server.start(t, { args = { "--decision-log", path } })
        s:stop()
        t:equal(read(path), text)
    end
end)

test("a FIFO in place of a file does not hold up the start", function(t)
    local path = path_for(t)
    assert(os.execute("mkfifo -m 600 '" .. path .. "'"))
    refused(t, "%-%-token%-keys: [^\n]*: no key ring", "--token-keys", path)
    refused(t, "%-%-decision%-log [^\n]*: nobody reads this pipe", "--decision-log", path)
    refused(t, "not a regular file", "--domain-file", path)
end)

test("the sockets of --status and --control: the error names the option, the path and the reason", function(t)
    local path = path_for(t)
    write(path, "")
    for _, option in ipairs { "--status", "--control" } do
        local pattern = "cannot create the socket " .. option:gsub("%-", "%%-") .. " "
        refused(t, pattern .. "[^\n]*: it exists and is not a socket", option, path)
        refused(t, pattern .. "/no/such: the folder /no does not exist", option, "/no/such")
        refused(t, pattern .. "/x+: the path has 121 bytes, that of a socket has at most 107", option,
            "/" .. ("x"):rep(120))
        refused(t, option:gsub("%-", "%%-") .. " needs a value", option, "")
    end
    local s = server.start(t, { args = { "--status", path .. ".old" } })
    refused(t, "another process uses this socket", "--status", path .. ".old")
    s:stop()
end)

test("a socket of --status in place of that of --control is reported by reflow ctl", function(t)
    local path = path_for(t)
    local s = server.start(t, { args = { "--status", path } })
    for _, words in ipairs { { "status" }, { "flows", "--json" }, { "reload" } } do
        local result = server.run { "ctl", "--socket", path, table.unpack(words) }
        t:equal(result.status, 2)
        t:equal(result.out, "")
        t:equal(result.err, ("reflow ctl: %s: no answer of a server's --control socket; "):format(path) ..
            "is it the one of --status?\n")
    end
    s:stop()
end)

test("the name of a trunk in place of its address: the error says what to write", function(t)
    refused(t, "%-%-trunk trunk%.example%.net: a name; give the addresses of the trunk, each with %-%-trunk, or " ..
        "%-%-trunk%-cert trunk%.example%.net", "--trunk", "trunk.example.net")
    refused(t, "%-%-trunk trunk%.example%.net:5060: not ADDRESS or ADDRESS/BITS", "--trunk", "trunk.example.net:5060")
end)

test("a missing folder and a folder in place of a file: the error names the option and the path", function(t)
    local folder = path_for(t)
    assert(os.execute("mkdir '" .. folder .. "'"))
    for _, option in ipairs { "--state", "--last-good", "--decision-log", "--token-keys" } do
        local name = option:gsub("%-", "%%-")
        refused(t, name .. " /no/such/file: the folder /no/such does not exist", option, "/no/such/file")
        refused(t, name .. " [^\n]+: this is a directory; expected a file", option, folder)
    end
    refused(t, "%-%-domain%-file: cannot open /no/such: No such file or directory", "--domain-file", "/no/such")
    refused(t, "users file /no/such: No such file or directory; reflow user add creates it", "--users", "/no/such")
end)

test("a mistyped path of a policy is refused also where there is a last good version", function(t)
    local good, script = path_for(t), path_for(t)
    write(script, "")
    local s = server.start(t, { script = script, args = { "--last-good", good } })
    s:stop()
    os.remove(script)
    local result = server.run { "serve", script, "--listen", "udp:127.0.0.1:" .. server.free_port(), "--last-good",
        good }
    t:equal(result.status, 2)
    t:match(result.err, "^reflow serve: cannot open the script [^\n]+: No such file or directory\n$")
    refused(t, "%-%-layer site:5=/no/such: No such file", "--layer", "site:5=/no/such", "--last-good", good)
    refused(t, "%-%-tenant a%.example=/no/such: No such file", "--tenant", "a.example=/no/such", "--last-good", good)
end)

test("too little memory for a policy: the error names the tenant, the bytes and the options", function(t)
    refused(t, "the policy may use 65536 bytes %(see %-%-script%-memory and %-%-tenant%-memory%)", "--script-memory",
        "65536")
    refused(t, "the policy of tenant a%.example may use 65536 bytes %(see", "--tenant-memory", "65536", "--tenant",
        "a.example=examples/registrar.lua")
end)

test("certificates and keys: the error names the option of the file that is wrong", function(t)
    local authority = certificates.new(t)
    local files, other = authority:sign "a", authority:sign "b"
    local function refused_tls(pattern, ...)
        local result = server.run { "serve", "examples/registrar.lua", "--listen",
            "tls:127.0.0.1:" .. server.free_port(), ... }
        t:equal(result.status, 2)
        t:match(result.err, pattern)
    end
    refused_tls("^reflow serve: %-%-tls%-key /no/such: No such file", "--tls-cert", files.certificate, "--tls-key",
        "/no/such")
    refused_tls("^reflow serve: %-%-tls%-key [^\n]*%.pem: no private key", "--tls-cert", files.certificate, "--tls-key",
        files.certificate)
    refused_tls("^reflow serve: %-%-tls%-key [^\n]*b%.key: the key is not that of the certificate", "--tls-cert",
        files.certificate, "--tls-key", other.key)
    refused_tls("^reflow serve: %-%-tls%-cert /no/such: No such file", "--tls-cert", "/no/such", "--tls-key", files.key)
end)

test("an expired certificate, and TLS options without a listener, give a warning", function(t)
    local authority = certificates.new(t)
    local files = authority:sign("a", { days = -1 })
    local listen = "tls:127.0.0.1:" .. server.free_port()
    local s = server.start(t, {
        args = { "--listen", listen, "--tls-cert", files.certificate, "--tls-key", files.key } })
    s:expect_log "warning: %-%-tls%-cert [^\n]*a%.pem: the certificate expired at %d+%-%d+%-%d+T%d+:%d+:%d+Z"
    s:stop()
    s = server.start(t, { args = { "--tls-ca", authority.certificate, "--ws-origin", "https://a.example" } })
    s:expect_log "warning: %-%-tls%-ca has no effect: there is no tls: or wss: listener"
    s:expect_log "warning: %-%-ws%-origin has no effect: there is no ws: or wss: listener"
    s:stop()
end)

test("a certificate that is not for the domain of its --tls-domain gives a warning", function(t)
    local authority = certificates.new(t)
    local files = { authority:sign("a", { names = "DNS:a.example" }),
        authority:sign("b", { names = "DNS:*.b.example" }), authority:sign("c", { names = "URI:sip:c.example" }) }
    local arguments = { "--listen", "tls:127.0.0.1:" .. server.free_port() }
    for index, domain in ipairs { "a.example", "x.b.example", "c.example" } do
        arguments[#arguments + 1] = "--tls-domain"
        arguments[#arguments + 1] = ("%s=%s,%s"):format(domain, files[index].certificate, files[index].key)
    end
    local s = server.start(t, { args = arguments })
    s:stop()
    t:ok(not s.err:find "not for the domain")
    arguments[4] = arguments[4]:gsub("^a%.example", "b.example")
    s = server.start(t, { args = arguments })
    s:expect_log "warning: %-%-tls%-domain [^\n]*a%.pem: the certificate is not for the domain b%.example"
    s:stop()
end)

-- Without descriptors for its loop the server would spin, and SIGTERM would not end it.
test("too few descriptors: the server says so and does not start", function(t)
    for _, limit in ipairs { 8, 16, 63 } do
        local pipe = assert(io.popen(("exec 2>&1; ulimit -n %d; exec '%s' serve examples/registrar.lua"):format(limit,
            server.binary)))
        t:equal(pipe:read "a", ("reflow serve: %d descriptors are allowed (ulimit -n), but at least 64 are needed\n")
            :format(limit))
        t:equal(select(3, pipe:close()), 2)
    end
    local pipe = assert(io.popen(("exec 2>&1; ulimit -Sn 16; echo $$; exec '%s' serve examples/registrar.lua " ..
        "--listen udp:127.0.0.1:%d"):format(server.binary, server.free_port())))
    local pid = pipe:read "n"
    local line
    repeat
        line = pipe:read "l"
    until not line or line:find "serving with"
    t:ok(line, "the soft limit was not raised")
    uv.kill(pid, "sigterm")
    t:equal(select(3, pipe:close()), 0)
end)

test("an address that this machine does not have", function(t)
    refused(t, "cannot listen on udp:192%.0%.2%.1:5060: this machine does not have the address", "--listen",
        "udp:192.0.2.1:5060", "--open")
end)

tap.done()
