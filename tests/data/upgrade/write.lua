-- SPDX-License-Identifier: BSD-2-Clause
--[[ Writes the files that an earlier version leaves behind, as fixtures for tests of upgrades. It is run once for each
     version whose files are kept, with that version's program, and not by the tests:

         REFLOW_BIN=OLD/build/release/reflow LUA_PATH='tests/support/?.lua;tests/e2e/?.lua;;' \
             lua5.4 tests/data/upgrade/write.lua tests/data/upgrade/VERSION

     The program runs in the year 2080 (libfaketime), so that no binding has expired when a test opens the file. The
     addresses are fixed, because they are part of the bindings and tokens. README.md describes the result. ]]
local server = require "server"
local tap = require "tap"
local ua = require "ua"

local directory = assert(arg[1], "the directory to write to is missing")
local LIBRARY = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"
local PORT, EDGE, PHONE, INNER = 25063, "127.63.55.1", "127.63.55.2", "127.63.55.3"
local SEVEN_DAYS = 604800
local faked = { LD_PRELOAD = LIBRARY, FAKETIME = "@2080-01-01 00:00:00", FAKETIME_DONT_FAKE_MONOTONIC = "1",
    TZ = "UTC" }

local function path(name)
    return directory .. "/" .. name
end

local function copy(from, to)
    local input <close> = assert(io.open(from, "rb"))
    server.write(to, input:read "a")
end

local function serve(t, arguments)
    local whole = { "serve" }
    table.move(arguments, 1, #arguments, 2, whole)
    for _, listener in ipairs { "udp:127.63.55.1:25063", "tcp:127.63.55.1:25063", "udp:[::1]:25063",
        "ws:127.63.55.1:25080" } do
        whole[#whole + 1] = "--listen"
        whole[#whole + 1] = listener
    end
    local s = server.spawn(whole, faked)
    t:defer(function()
        s:finish()
    end)
    s:expect_log "serving with"
    return s
end

local function open(user, options)
    local o = { user = user, host = EDGE, port = PORT, domain = "example.test" }
    for name, value in pairs(options or {}) do
        o[name] = value
    end
    return ua.open(o)
end

local function register_all()
    local function register(phone, options)
        options.expires = SEVEN_DAYS
        phone:register(options)
        return phone
    end
    -- Outbound over UDP and TCP, with q and Contact parameters.
    local bob = register(open("bob", { local_host = PHONE, local_port = PORT + 1 }), { instance = ua.instance(1),
        reg_id = 1, q = "0.7", parameters = ";audio;description=\"a \\\"desk\\\" phone\"",
        contact_uri = "sip:bob@192.0.2.7:5071" })
    register(open("bob", { transport = "tcp" }), { instance = ua.instance(1), reg_id = 2, q = "0.5",
        contact_uri = "sip:bob@192.0.2.7:5071;transport=tcp" })
    register(open "bob", { instance = ua.instance(2), reg_id = 1, q = "0.1", contact_uri = "sip:bob@192.0.2.8" })
    -- Plain bindings.
    register(open "carol", { instance = false, contact_uri = "sip:carol@127.63.55.2:25066", q = "1.0" })
    register(open "carol", { instance = ua.instance(3), contact_uri = "sip:carol@192.0.2.9;transport=udp" })
    register(open("dave", { transport = "tcp" }), { contact_uri = "sip:dave@192.0.2.10;transport=tcp" })
    register(open("dave", { transport = "ws", port = 25080 }), { contact_uri = "sip:dave@d4.invalid;transport=ws" })
    -- IPv6.
    local erin = register(open("erin", { host = "::1", local_host = "::1", local_port = PORT + 1 }),
        { instance = ua.instance(4), reg_id = 1, contact_uri = "sip:erin@[2001:db8::4]" })
    -- Through an edge: bindings with Path and without a flow of their own.
    register(open "frank", { instance = ua.instance(5), reg_id = 1, contact_uri = "sip:frank@192.0.2.11",
        headers = { { "Path", "<sip:token@192.0.2.50;lr;ob>, <sip:192.0.2.51;lr>" } },
        via = { "SIP/2.0/UDP 127.63.55.1;branch=z9hG4bK-f1;rport", "SIP/2.0/UDP 192.0.2.11;branch=z9hG4bK-f0" } })
    register(open "frank", { contact_uri = "sip:frank@192.0.2.12", headers = { { "Path", "<sip:192.0.2.51;lr>" } } })
    -- A browser.
    register(open("grace", { transport = "ws", port = 25080 }), { instance = ua.instance(6), reg_id = 1,
        contact_uri = "sip:grace@g6.invalid;transport=ws" })
    return bob, erin
end

-- A call that is busy at one phone and not answered at the other, and one that is declined.
local function decide(bob)
    local alice = open "alice"
    local call = alice:invite(bob.aor)
    bob:reply(bob:expect "INVITE", 486)
    alice:expect_final(call)
    call = alice:invite(bob.aor)
    bob:reply(bob:expect "INVITE", 603)
    alice:expect_final(call)
end

local function write_state(t)
    local state = path "state.db"
    local s = serve(t, { path "policy.lua", "--domain", "example.test", "--state", state, "--max-expires",
        tostring(SEVEN_DAYS), "--decision-log", path "decisions.log", "--t1", "30" })
    local bob, erin = register_all()
    ua.wait.pause(2000)
    -- What a kill leaves: the bindings are in the log beside the file.
    copy(state, path "killed.db")
    copy(state .. "-wal", path "killed.db-wal")
    decide(bob)
    s:stop()
    bob.socket:close()
    erin.socket:close()
end

-- The tokens that an edge gives, one of each kind of flow.
local function write_tokens(t)
    local script = server.temporary ".lua"
    server.write(script, ("sip_on_request(function() return sip_forward('sip:%s:%d') end)\n"):format(INNER, PORT))
    local s = serve(t, { script, "--token-keys", path "state.db.keys" })
    local registrar = ua.open { user = "registrar", host = EDGE, port = PORT, local_host = INNER, local_port = PORT }
    local lines = {}
    for _, kind in ipairs { { "udp", { local_host = PHONE, local_port = PORT + 1 } }, { "tcp", { transport = "tcp" } },
        { "udp6", { host = "::1", local_host = "::1", local_port = PORT + 1 } } } do
        local phone = open("bob", kind[2])
        phone:request("REGISTER", { uri = "sip:example.test", contact = phone:contact { instance = ua.instance(1),
            reg_id = 1 }, headers = { { "Supported", "path, outbound" } } })
        local token = registrar:expect "REGISTER":get "Path":match "^<sip:([^@]+)@"
        lines[#lines + 1] = kind[1] .. " " .. token .. "\n"
    end
    server.write(path "tokens", table.concat(lines))
    s:stop()
    os.remove(script)
end

tap.test("the files are written", function(t)
    os.execute(("mkdir -p '%s' && rm -f '%s'/*.db* '%s'/tokens '%s'/decisions.log*"):format(directory, directory,
        directory, directory))
    server.write(path "policy.lua", [[
local sip = require "reflow"
sip.on_request("OPTIONS", function() return sip.reply(200, "The last good policy") end)
]])
    write_state(t)
    write_tokens(t)
end)
tap.done()
