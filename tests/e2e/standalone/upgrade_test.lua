-- SPDX-License-Identifier: BSD-2-Clause
-- Files that an earlier version wrote (tests/data/upgrade), opened by this one.
local uv = require "luv"
local server = require "server"
local tap = require "tap"
local ua = require "ua"
local read = require("file").read

local test = tap.test

local FOLDER = "tests/data/upgrade/state-1/"
local BINDINGS, FLOWS = 11, 3 -- of the file; the flows are those over UDP
local EDGE, PHONE, PORT = "127.63.55.1", "127.63.55.2", 25063

-- The addresses are those of the files: whoever holds this one may use them.
local function take_addresses(t)
    local lock
    assert(ua.wait.until_true(100000, function()
        lock = uv.new_tcp()
        if lock:bind("127.63.55.9", PORT) and lock:listen(1, function() end) then
            return true
        end
        lock:close()
    end), "another run of this test has the addresses")
    t:defer(function()
        lock:close()
    end)
end

local function run(t, command)
    t:ok(os.execute(command), command)
end

-- A copy of the old files in a folder of its own; `name` is that of the state file. Returns its path.
local function copy_files(t, name)
    local folder = server.temporary ".upgrade"
    t:defer(function()
        os.execute("rm -rf " .. folder)
    end)
    run(t, ("mkdir %s && cp %s* %s/ && chmod 600 %s/*"):format(folder, FOLDER, folder, folder))
    if name ~= "state.db" then
        run(t, ("cd %s && mv state.db.keys %s.keys && mv state.db.policy %s.policy"):format(folder, name, name))
    end
    return folder .. "/" .. name
end

local function start(t, options)
    options.args = options.args or {}
    for _, listener in ipairs { "udp:127.63.55.1:25063", "tcp:127.63.55.1:25063", "udp:[::1]:25063" } do
        options.args[#options.args + 1] = "--listen"
        options.args[#options.args + 1] = listener
    end
    options.status = true
    return server.start(t, options)
end

local function open(user, options)
    local o = { user = user, host = EDGE, port = PORT }
    for name, value in pairs(options or {}) do
        o[name] = value
    end
    return ua.open(o)
end

local function open_phones()
    return open("bob", { local_host = PHONE, local_port = PORT + 1 }),
        open("erin", { host = "::1", local_host = "::1", local_port = PORT + 1 })
end

local function close(...)
    for _, flow in ipairs { ... } do
        flow.socket:close()
    end
end

local function expect_busy(alice, phone)
    local call = alice:invite(phone.aor)
    phone:reply(phone:expect "INVITE", 486)
    alice:expect_final(call)
end

-- The policy that is given is broken: the server takes the one that the earlier version kept.
local function expect_last_good(t, s, alice)
    t:match(s.err, "last good")
    local answer = alice:expect_final(alice:request("OPTIONS", { uri = "sip:example.test", contact = false }))
    t:equal(answer.phrase, "The last good policy")
end

for _, name in ipairs { "state.db", "killed.db" } do
    test(("state, keys and policy of format 1 are opened, and once more by the next start [%s]"):format(name),
        function(t)
            take_addresses(t)
            local state = copy_files(t, name)
            for start_number = 1, 2 do
                local s = start(t, { state = state, source = "this is no Lua" })
                local alice, bob, erin = open "alice", open_phones()
                t:equal(s:number "bindings", BINDINGS)
                t:equal(s:number "flows", FLOWS)
                t:equal(s.err:find("migrated from format 1 to 2", 1, true) ~= nil, start_number == 1, s.err)
                expect_last_good(t, s, alice)
                t:equal(#alice:bindings(bob.aor), 3)
                t:equal(#alice:bindings "sip:frank@example.test", 2)
                expect_busy(alice, erin)
                local call = alice:invite(bob.aor)
                bob:reply(bob:expect "INVITE", 603)
                alice:expect_final(call, 603)
                close(alice, bob, erin)
                s:stop()
            end
            t:ok(uv.fs_stat(state .. ".v1"), "there is no copy of the old file")
        end)
end

test("a state file that cannot be copied is not migrated: one line, status 2, and the file is as it was", function(t)
    local state = copy_files(t, "state.db")
    local arguments = { "serve", "examples/registrar.lua", "--listen", "udp:127.0.0.1:" .. server.free_port(),
        "--state", state }
    local before = read(state)
    run(t, ("mkdir -p %s.v1.new/occupied"):format(state))
    local refused = server.run(arguments)
    t:equal(refused.status, 2, refused.err)
    t:equal(select(2, refused.err:gsub("\n", "")), 1, refused.err)
    t:match(refused.err, "state%.db: cannot be copied to .*state%.db%.v1")
    t:equal(read(state), before)
    t:equal(uv.fs_stat(state .. ".v1"), nil)
end)

-- The server is killed at another time in each round; what it left is what the next start completes.
test("kill -9 while a state file is migrated: the next start has all bindings", function(t)
    for round = 0, 9 do
        local state = copy_files(t, round % 2 == 0 and "state.db" or "killed.db")
        local killed = server.spawn { "serve", "examples/registrar.lua", "--listen",
            "udp:127.0.0.1:" .. server.free_port(), "--state", state }
        ua.wait.pause(round * 10)
        killed:kill()
        local s = server.start(t, { state = state, status = true })
        t:equal(s:number "bindings", BINDINGS)
        t:ok(uv.fs_stat(state .. ".v1"), "there is no copy of the old file")
        t:ok(not s.err:find "set aside", s.err)
        s:stop()
    end
end)

test("keys of an earlier version still read its tokens, and decision logs are decided again", function(t)
    local state = copy_files(t, "state.db")
    local tokens = 0
    for line in io.lines(FOLDER .. "tokens") do
        local inspected = server.run { "token", "inspect", line:match " (.*)$", "--keys", state .. ".keys" }
        t:equal(inspected.status, 0, inspected.err)
        t:match(inspected.out, "seal +good")
        tokens = tokens + 1
    end
    t:equal(tokens, 3)
    local replayed = server.run { "replay", FOLDER .. "decisions.log" }
    t:equal(replayed.status, 0, replayed.err)
    t:match(replayed.out, "3 responses, 3 lines of decision logs")
end)

test("5626-5.2.b tokens of an earlier version lead to the phones over UDP; a connection's gets 430", function(t)
    take_addresses(t)
    local state = copy_files(t, "state.db")
    local s = start(t, { source = "sip_on_request(function() return sip_forward('sip:127.0.0.1:9') end)",
        domain = false, args = { "--token-keys", state .. ".keys" } })
    local registrar, bob, erin = open "registrar", open_phones()
    local phones = { udp = bob, udp6 = erin }
    for line in io.lines(FOLDER .. "tokens") do
        local kind, token = line:match "^(%S+) (%S+)$"
        local request = registrar:request("MESSAGE", { uri = "sip:bob@192.0.2.7",
            routes = { ("<sip:%s@%s:%d;lr;ob>"):format(token, EDGE, PORT) } })
        if phones[kind] then
            phones[kind]:reply(phones[kind]:expect "MESSAGE", 200)
        end
        registrar:expect_final(request, phones[kind] and 200 or 430)
    end
    t:equal(s:number "tokens_gone", 1)
    t:equal(s:number "tokens_forged", 0)
    close(registrar, bob, erin)
end)

tap.done()
