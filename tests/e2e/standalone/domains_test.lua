-- SPDX-License-Identifier: BSD-2-Clause
-- The domains that a server serves: named on the command line and in a file, which SIGHUP reads again.
local server = require "server"
local tap = require "tap"
local ua = require "ua"

local test = tap.test

local function start(t, text, more)
    local path = server.temporary ".domains"
    server.write(path, text)
    t:defer(function()
        os.remove(path)
    end)
    local args = { "--domain-file", path }
    for _, argument in ipairs(more or {}) do
        args[#args + 1] = argument
    end
    return server.start(t, { domain = false, args = args }), path
end

-- The status of a REGISTER for this domain.
local function status(s, domain)
    local phone = ua.open { port = s.port, user = "bob", domain = domain }
    local answer = phone:register { expect = false }
    phone:close()
    return answer.status
end

test("a file lists domains, with comments, blank lines and CRLF", function(t)
    local s = start(t, "# ours\r\n\r\na.example\r\n  B.example   # the second\r\n", { "--domain", "c.example" })
    for _, domain in ipairs { "a.example", "A.EXAMPLE", "b.example", "c.example", "a.example." } do
        t:equal(status(s, domain), 200, domain)
    end
    t:ok(status(s, "d.example") >= 400)
    t:equal(status(s, "127.0.0.1"), 200)
end)

test("a phone that writes a dot at the end of its domain is called without it", function(t)
    local s = start(t, "a.example\n")
    local bob = ua.open { port = s.port, user = "bob", domain = "a.example." }
    local alice = ua.open { port = s.port, user = "alice", domain = "a.example" }
    bob:register {}
    local call = alice:invite "sip:bob@a.example"
    bob:reply(bob:expect "INVITE", 200)
    alice:expect_final(call, 200)
end)

test("SIGHUP reads the file again; a bad or missing file keeps the old list", function(t)
    local s, path = start(t, "a.example\n", { "--domain", "c.example" })
    t:ok(status(s, "b.example") >= 400)
    server.write(path, "b.example\n")
    s:signal "sighup"
    s:expect_log "domain file read again: 2 domains are served"
    t:equal(status(s, "b.example"), 200)
    t:equal(status(s, "c.example"), 200)
    t:ok(status(s, "a.example") >= 400)
    server.write(path, "a.example\nnot a name\n")
    s:signal "sighup"
    s:expect_log "error: domains stay as they were: .-line 2: not a name: not a domain name"
    t:equal(status(s, "b.example"), 200)
    t:ok(status(s, "a.example") >= 400)
    os.remove(path)
    s:signal "sighup"
    s:expect_log "error: domains stay as they were: %-%-domain%-file: cannot open .-: No such file"
    t:equal(status(s, "b.example"), 200)
end)

test("a server does not start with a file that is bad or missing", function(t)
    local path = server.temporary ".domains"
    t:defer(function()
        os.remove(path)
    end)
    local line = { "serve", "examples/registrar.lua", "--listen", "udp:127.0.0.1:" .. server.free_port(),
        "--domain-file", path }
    local ran = server.run(line)
    t:equal(ran.status, 2)
    t:match(ran.err, "cannot open .-: No such file")
    local many = {}
    for i = 1, 4097 do
        many[i] = ("d%d.example\n"):format(i)
    end
    server.write(path, table.concat(many))
    ran = server.run(line)
    t:equal(ran.status, 2)
    t:match(ran.err, "line 4097: d4097.example: too many domains")
end)

test("4,096 domains are served", function(t)
    local many = {}
    for i = 1, 4096 do
        many[i] = ("d%d.example\n"):format(i)
    end
    local s = start(t, table.concat(many))
    for _, i in ipairs { 1, 2048, 4096 } do
        t:equal(status(s, ("d%d.example"):format(i)), 200)
    end
    t:ok(status(s, "d4097.example") >= 400)
end)

tap.done()
