-- SPDX-License-Identifier: BSD-2-Clause
-- The users of a running server: those of the file of --users, and those whom a policy knows.
local digest = require "digest"
local server = require "server"
local tap = require "tap"
local ua = require "ua"
local wait = require "wait"

local test = tap.test
local PATIENCE <const> = 60000

local function user(path, command, aor, password)
    local pipe = assert(io.popen(("'%s' user %s %s --users '%s'"):format(server.binary, command, aor, path), "w"))
    pipe:write(password or "", "\n")
    assert(pipe:close(), command .. " " .. aor)
end

local function users_file(t)
    local path = server.temporary ".users"
    t:defer(function()
        os.remove(path)
        os.remove(path .. ".new")
    end)
    return path
end

local function start(t, path, options)
    options = options or {}
    local args = path and { "--users", path } or {}
    for _, argument in ipairs(options.args or {}) do
        args[#args + 1] = argument
    end
    return server.start(t, { args = args, source = options.source, status = true })
end

local function open(s, name)
    return ua.open { port = s.port, user = name, domain = s.domain }
end

-- Registers with this password and returns the answer; of several challenges the one of `algorithm`.
local function register(phone, password, options)
    options = options or {}
    local first = phone:register { expect = options.first or 401 }
    local chosen
    for _, value in ipairs(first:all "WWW-Authenticate") do
        local challenge = digest.challenge(value)
        if not options.algorithm or challenge.algorithm == options.algorithm then
            chosen = chosen or challenge
        end
    end
    local uri = "sip:" .. phone.aor:match "@(.*)$"
    local credentials = digest.credentials(chosen, options.user or phone.user, password, "REGISTER", uri)
    return phone:register { headers = { { "Authorization", credentials } }, expect = false }
end

local function becomes(phone, password, status)
    local got
    if not wait.until_true(PATIENCE, function()
        got = register(phone, password).status
        return got == status or wait.pause(50)
    end) then
        error(("expected %d, got %s"):format(status, tostring(got)), 2)
    end
end

test("8760-a users of the file register with each algorithm and both usernames", function(t)
    local path = users_file(t)
    user(path, "add", "bob@example.test", "secret")
    local s = start(t, path, { args = { "--auth-algorithms", "sha512-256,md5,sha256" } })
    local bob = open(s, "bob")
    local offered = {}
    for _, value in ipairs(bob:register({ expect = 401 }):all "WWW-Authenticate") do
        offered[#offered + 1] = value:match "algorithm=([%w%-]+)"
    end
    t:equal(table.concat(offered, " "), "SHA-512-256 MD5 SHA-256")
    for _, algorithm in ipairs(offered) do
        t:equal(register(bob, "secret", { algorithm = algorithm }).status, 200, algorithm)
        t:equal(register(bob, "secret", { algorithm = algorithm, user = "bob@example.test" }).status, 200, algorithm)
        t:equal(register(bob, "wrong", { algorithm = algorithm }).status, 401, algorithm)
    end
    t:equal(register(open(s, "carol"), "secret").status, 401)
end)

test("a running server sees each change of the file", function(t)
    local path = users_file(t)
    user(path, "add", "bob@example.test", "secret")
    local s = start(t, path)
    local bob, carol = open(s, "bob"), open(s, "carol")
    t:equal(register(carol, "secret").status, 401)
    user(path, "add", "carol@example.test", "secret")
    becomes(carol, "secret", 200)
    user(path, "passwd", "carol@example.test", "changed")
    becomes(carol, "secret", 401)
    becomes(carol, "changed", 200)
    user(path, "remove", "carol@example.test")
    becomes(carol, "changed", 401)
    user(path .. ".new", "add", "carol@example.test", "third")
    assert(os.rename(path .. ".new", path))
    becomes(carol, "third", 200)
    becomes(bob, "secret", 401)
end)

test("a file that vanishes: 503 and one log line; it is used again when it is back", function(t)
    local path = users_file(t)
    user(path, "add", "bob@example.test", "secret")
    local s = start(t, path)
    local bob = open(s, "bob")
    t:equal(register(bob, "secret").status, 200)
    assert(os.rename(path, path .. ".new"))
    becomes(bob, "secret", 503)
    for _ = 1, 5 do
        t:equal(register(bob, "secret").status, 503)
    end
    s:expect_log "No such file or directory; requests that need it get 503"
    local _, lines = s.err:gsub("No such file or directory; requests that need it get 503", "")
    t:equal(lines, 1)
    -- Others are not harmed.
    local options = bob:request("OPTIONS", { uri = "sip:" .. s.domain, from = "sip:x@far.example" })
    t:equal(bob:expect_final(options).status, 200)
    assert(os.rename(path .. ".new", path))
    becomes(bob, "secret", 200)
    s:expect_log "users file .-: it can be read again"
end)

test("a file that another process has locked: 503 until it is free", function(t)
    local path = users_file(t)
    user(path, "add", "bob@example.test", "secret")
    local s = start(t, path)
    local bob = open(s, "bob")
    local holder = assert(io.popen(("sqlite3 '%s' >/dev/null"):format(path), "w"))
    holder:write "BEGIN EXCLUSIVE;\n"
    holder:flush()
    becomes(bob, "secret", 503)
    s:expect_log "another process has locked it; requests that need it get 503"
    holder:write "ROLLBACK;\n"
    holder:close()
    becomes(bob, "secret", 200)
end)

test("a missing file, and one of something else, end the start with status 2", function(t)
    local path = users_file(t)
    local function refused(why, ...)
        local result = server.run { "serve", "examples/registrar.lua", "--listen",
            "udp:127.0.0.1:" .. server.free_port(), ... }
        t:equal(result.status, 2)
        t:match(result.err, "^reflow serve: [^\n]*" .. why .. "[^\n]*\n$")
    end
    refused("users file .-: No such file or directory", "--users", path)
    server.write(path, "return 'a script'\n")
    refused("users file .-: it is not a users file", "--users", path)
    refused("%-%-auth%-algorithms sha1: expected some of sha256, md5 and sha512%-256, each once",
        "--auth-algorithms", "sha1")
    refused("%-%-auth%-algorithms md5,md5: expected", "--auth-algorithms", "md5,md5")
    refused("%-%-nonce%-time 0: expected a whole number from 1 to 86400", "--nonce-time", "0")
    refused("%-%-nonce%-time needs %-%-users, or a policy with sip%.on_credentials%(%)", "--nonce-time", "60")
end)

local registrar = [[
local sip = require "reflow"
local secrets = { bob = "%s", evil = "no hash" }
sip.on_credentials(function(user, realm, algorithm)
    if realm == "example.test" and algorithm == "SHA-256" then return secrets[user] end
end)
sip.on_request(function(request, call) if not call.user then return sip.challenge() end end)
]]
registrar = registrar:format(digest.hash("SHA-256", "bob", "example.test", "secret"))

test("a policy knows users without a file, and a failure lets nobody in", function(t)
    local s = start(t, nil, { source = registrar })
    t:equal(register(open(s, "bob"), "secret").status, 200)
    t:equal(register(open(s, "bob"), "wrong").status, 401)
    t:equal(register(open(s, "carol"), "secret").status, 401)
    t:equal(register(open(s, "evil"), "secret").status, 503)
    s:expect_log "on_credentials: returned 7 bytes, which are not HA1 for SHA%-256.-; the answer is 503"
end)

test("users whose domain is not served: the server warns at the start", function(t)
    local path = users_file(t)
    user(path, "add", "bob@example.test", "x")
    user(path, "add", "bob@[::1]", "x")
    user(path, "add", "carol@127.0.0.1", "x")
    local s = server.start(t, { args = { "--users", path }, listen = { "udp:127.0.0.1:%d", "udp:[::1]:%d" } })
    t:equal(s.err:find "cannot register", nil)
    s:stop()
    user(path, "remove", "bob@[::1]")
    user(path, "add", "zoe@other.example", "x")
    user(path, "add", "dave@Third.example", "x")
    s = start(t, path)
    s:expect_log("warning: users of domains that are not served cannot register: 2 in the users file, such as " ..
        "dave@third%.example; %-%-domain")
end)

local function has_bindings(s, count)
    return wait.until_true(PATIENCE, function()
        return s:number "bindings" == count or wait.pause(50)
    end)
end

test("the registrations of a removed user end, and those of others stay", function(t)
    local path = users_file(t)
    for _, aor in ipairs { "Bob@example.test", "carol@example.test" } do
        user(path, "add", aor, "x")
    end
    local s = start(t, path, { args = { "--verbose" } })
    local bob, second, carol = open(s, "Bob"), open(s, "Bob"), open(s, "carol")
    local caller = ua.open { port = s.port, user = "caller", domain = "other.example" }
    for _, phone in ipairs { bob, second, carol } do
        t:equal(register(phone, "x").status, 200)
    end
    user(path, "passwd", "carol@example.test", "y")
    user(path, "remove", "Bob@example.test")
    t:ok(has_bindings(s, 1), "the bindings did not go")
    s:expect_log "user removed: aor=sip:bob@example.test bindings=2"
    t:equal(register(bob, "x").status, 401)
    t:equal(caller:expect_final(caller:request("INVITE", { uri = bob.aor })).status, 480)
    local call = caller:request("INVITE", { uri = carol.aor })
    carol:reply(carol:expect "INVITE", 486)
    caller:expect_final(call, 486)
    -- Nobody is removed by a file that is missing.
    assert(os.rename(path, path .. ".new"))
    s:expect_log "No such file or directory; requests that need it get 503"
    t:equal(s:number "bindings", 1)
end)

test("an endless view in the place of the users: 503, and others are not harmed", function(t)
    local path = users_file(t)
    user(path, "add", "bob@example.test", "secret")
    local s = start(t, path)
    local bob = open(s, "bob")
    t:equal(register(bob, "secret").status, 200)
    local columns = {}
    for _, name in ipairs { "sha256", "sha256_aor", "sha512_256", "sha512_256_aor", "md5", "md5_aor" } do
        columns[#columns + 1] = "'' AS " .. name
    end
    local sqlite = assert(io.popen(("sqlite3 -cmd '.timeout 10000' '%s'"):format(path), "w"))
    sqlite:write("DROP TABLE user; CREATE VIEW user AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n) ",
        "SELECT 'u'||i AS aor, ", table.concat(columns, ", "), " FROM n;\n")
    assert(sqlite:close())
    becomes(bob, "secret", 503)
    s:expect_log "users file .-: reading it takes too long.-; requests that need it get 503"
    for _ = 1, 5 do
        t:equal(register(bob, "secret").status, 503)
        local options = bob:request("OPTIONS", { uri = "sip:" .. s.domain, from = "sip:x@far.example" })
        t:equal(bob:expect_final(options).status, 200)
    end
    t:equal(s:number "bindings", 1)
    local refused = server.run { "serve", "examples/registrar.lua", "--listen",
        "udp:127.0.0.1:" .. server.free_port(), "--users", path }
    t:equal(refused.status, 2)
    t:match(refused.err, "users file .-: reading it takes too long")
    user(path .. ".new", "add", "bob@example.test", "secret")
    assert(os.rename(path .. ".new", path))
    becomes(bob, "secret", 200)
end)

test("the file is asked before the policy", function(t)
    local path = users_file(t)
    user(path, "add", "bob@example.test", "of the file")
    user(path, "add", "carol@example.test", "hers")
    local s = start(t, path, { source = registrar })
    t:equal(register(open(s, "bob"), "of the file").status, 200)
    t:equal(register(open(s, "bob"), "secret").status, 401)
    t:equal(register(open(s, "carol"), "hers").status, 200)
    user(path, "remove", "bob@example.test")
    becomes(open(s, "bob"), "secret", 200)
end)

test("3261-22.a sip.challenge() asks a caller of another domain", function(t)
    local s = start(t, nil, { source = registrar })
    local bob, far = open(s, "bob"), open(s, "bob")
    register(bob, "secret")
    local from = "sip:far@far.example"
    local first = far:expect_final(far:request("MESSAGE", { uri = bob.aor, from = from }), 407)
    local challenge = digest.challenge(first:get "Proxy-Authenticate")
    t:equal(challenge.realm, "example.test")
    local credentials = digest.credentials(challenge, "bob", "secret", "MESSAGE", bob.aor)
    local again = far:request("MESSAGE", { uri = bob.aor, from = from,
        headers = { { "Proxy-Authorization", credentials } } })
    bob:reply(bob:expect "MESSAGE", 200)
    far:expect_final(again, 200)
end)

test("3261-10.3.b credentials are compared with the AOR without regard to case", function(t)
    local path = users_file(t)
    user(path, "add", "Bob@example.test", "secret")
    user(path, "add", "carol@example.test", "other")
    local s = start(t, path, { source = [[
        sip_on_request(function(call) return sip_reply(480, call.user or "nobody") end)
    ]] })
    t:equal(register(open(s, "bob"), "secret", { user = "Bob" }).status, 200)
    t:equal(register(open(s, "BOB"), "secret", { user = "Bob@example.test" }).status, 200)
    t:equal(register(open(s, "bob"), "other", { user = "carol" }).status, 403)
    -- The hash of the password contains the name as it was added.
    t:equal(register(open(s, "Bob"), "secret", { user = "bob" }).status, 401)
    -- A From in another case is the user, too.
    local alice, uri = open(s, "bOB"), "sip:carol@example.test"
    local challenge = digest.challenge(alice:expect_final(alice:request("MESSAGE", { uri = uri, contact = false }),
        407):get "Proxy-Authenticate")
    local credentials = digest.credentials(challenge, "Bob", "secret", "MESSAGE", uri)
    local sent = alice:request("MESSAGE", { uri = uri, contact = false, cseq = 2,
        headers = { { "Proxy-Authorization", credentials } } })
    t:equal(alice:expect_final(sent, 480).phrase, "bob@example.test")
end)

test("3261-10.3.b with --case-sensitive, credentials of Bob are not for bob", function(t)
    local path = users_file(t)
    user(path, "add --case-sensitive", "Bob@example.test", "secret")
    user(path, "add --case-sensitive", "bob@example.test", "other")
    local s = start(t, path, { args = { "--case-sensitive" } })
    t:equal(register(open(s, "Bob"), "secret").status, 200)
    t:equal(register(open(s, "bob"), "other").status, 200)
    t:equal(register(open(s, "bob"), "secret", { user = "Bob" }).status, 403)
    s:stop()
    local refused = server.run { "serve", "examples/registrar.lua", "--listen",
        "udp:127.0.0.1:" .. server.free_port(), "--users", path }
    t:equal(refused.status, 2)
    t:match(refused.err, "Bob@example.test and bob@example.test differ only in case")
end)

tap.done()
