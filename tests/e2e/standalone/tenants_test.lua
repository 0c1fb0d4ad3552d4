-- SPDX-License-Identifier: BSD-2-Clause
-- Two tenants on one server: whatever the policy of one does, the users of the other hear the same bytes.
local tap = require "tap"
local ua = require "ua"
local server = require "server"
local read = require("file").read

local test = tap.test

-- options: alpha, beta (Lua text), args. Returns the server, with the paths of both policies.
local function start(t, options)
    local control, args = server.temporary ".control", { "--domain", "beta.example" }
    local paths = {}
    for _, name in ipairs { "alpha", "beta" } do
        paths[name] = options[name .. "_path"] or server.temporary ".lua"
        if options[name] then server.write(paths[name], options[name]) end
        table.move({ "--tenant", name .. ".example=" .. paths[name] }, 1, 2, #args + 1, args)
    end
    table.move({ "--control", control }, 1, 2, #args + 1, args)
    table.move(options.args or {}, 1, #(options.args or {}), #args + 1, args)
    local s = server.start(t, { domain = "alpha.example", args = args, status = true,
        source = options.site or "sip_on_register(function() return sip_accept() end)\n" })
    s.control, s.paths = control, paths
    t:defer(function()
        for _, name in ipairs { "alpha", "beta" } do
            if options[name] then os.remove(paths[name]) end
        end
    end)
    return s
end

local ctl = server.ctl

-- What differs from run to run: tags, branches, Call-IDs, ports, and the server's own name in Record-Route.
local function mask(text)
    return (text:gsub("branch=[^;\r\n]+", "branch=B"):gsub(";tag=[^;>\r\n]+", ";tag=T")
        :gsub("Call%-ID: [^\r\n]+", "Call-ID: C"):gsub("Record%-Route: [^\r\n]+", "Record-Route: R")
        :gsub("(%d+%.%d+%.%d+%.%d+):%d+", "%1:P"):gsub("rport=%d+", "rport=P"))
end

-- Keeps what each agent hears, in order, and of retransmissions one.
local function listener()
    local heard = {}
    return heard, function(flow, direction, message)
        local list = heard[flow.user] or {}
        local text = mask(message.text)
        if direction == "in" and list[#list] ~= text then list[#list + 1] = text end
        heard[flow.user] = list
    end
end

local alpha = [[
local sip = require "reflow"
local count = 0
sip_on_request("INVITE", function(request, call)
    count = count + 1
    sip.store.add("calls")
    sip.store.insert("seen", call.from .. count)
    if count % 3 == 0 then return sip_reply(480, ("%s-%d-%d"):format(("x"):rep(3), count, sip.store.size("seen"))) end
    return sip_route()
end)
sip_on_response(486, function(reply, call)
    sip_log("busy %d", count)
    return sip_relay("sip:vm-" .. tostring(sip.store.count("calls")) .. "@127.0.0.1:@PORT@")
end)
sip_on_response(503, function(reply) return sip_rest(reply.destination, 3600) end)
]]

local hostile = [[
local store = require "reflow".store
local kept, count = {}, 0
for i = 1, 900 do sip_on_response(400 + i % 299, function() error "always" end) end
for name in next, string do string[name] = nil end
pcall(function() getmetatable("").__index = nil end)
sip_on_request("INVITE", function(request, call)
    count = count + 1
    for i = 1, 300 do sip_log "refused source=192.0.2.1 reason=foreign-domain" end
    for _, name in next, { "calls", "seen" } do store.forget(name) store.put(name, "mine") end
    for i = 1, 5000 do store.put("n" .. i, 1) end
    if count % 3 == 1 then while true do end end
    if count % 3 == 2 then for i = 1, 1e9 do kept[i] = { i } end end
    return sip_rest("127.0.0.1:@PORT@", 3600)
end)
]]

-- Calls to users of alpha.example, between calls to one of beta.example; what the former heard.
local function converse(t, beta)
    local heard, trace = listener()
    local port = server.free_port()
    local s = start(t, { alpha = alpha:gsub("@PORT@", port),
        beta = beta and beta:gsub("@PORT@", port) or "sip_on_request(function() end)",
        args = { "--tenant-memory", "1000000", "--tenant-store", "1000" } })
    local vm = ua.open { port = s.port, user = "vm", local_port = port, trace = trace }
    local alice = ua.open { port = s.port, user = "alice", domain = "alpha.example", transport = "tcp", trace = trace }
    local bob = ua.open { port = s.port, user = "bob", domain = "alpha.example", transport = "tcp", trace = trace }
    local boris = ua.open { port = s.port, user = "boris", domain = "beta.example", transport = "tcp" }
    bob:register {}
    for round = 1, 9 do
        boris:expect_final(boris:invite "sip:boris@beta.example")
        local call = alice:invite "sip:bob@alpha.example"
        if round % 3 ~= 0 then
            bob:reply(bob:expect "INVITE", 486, { to_tag = "bob" })
            vm:reply(vm:expect "INVITE", 200, { to_tag = "vm" })
        end
        alice:expect_final(call, round % 3 ~= 0 and 200 or 480)
    end
    return heard, s
end

test("a hostile tenant changes no byte of what the users of another hear", function(t)
    local alone = converse(t)
    local beside, s = converse(t, hostile)
    for _, user in ipairs { "alice", "bob", "vm" } do
        t:ok(#alone[user] >= 6, user .. " hears something")
        t:equal(table.concat(beside[user], "\n"), table.concat(alone[user], "\n"), user)
    end
    t:match(table.concat(alone.alice), "480 xxx%-9%-9")
    local status = s:status_text()
    t:match(status, '"tenants":{"alpha.example":{"entries":%d+,"errors":0,"overruns":0,"out_of_memory":0,')
    t:match(status, '"beta.example":{"entries":%d+,"errors":%d+,"overruns":[1-9]')
    t:match(status, '"store_entries":1000,"lines_dropped":[1-9]')
    s:expect_log "tenant alpha.example: busy 8"
    local _, forged = s.err:gsub("refused source=192.0.2.1", "")
    t:ok(forged > 0 and forged < 1000, "lines of the neighbour are bounded")
    for line in s.err:gmatch "[^\n]*refused source=192.0.2.1[^\n]*" do
        t:match(line, "tenant beta.example: ")
    end
    t:match(ctl(s, "status").out, "tenant beta.example entries=%d+ failures=[1-9]%d* memory=%d+ store=1000")
end)

local function answering(phrase)
    return ('sip_on_request("OPTIONS", function() return sip_reply(200, "%s") end)\n'):format(phrase)
end

local function answer(flow, domain)
    return flow:expect_final(flow:request("OPTIONS", { uri = "sip:" .. domain, contact = false })).phrase
end

test("no tenant decides before a screening layer with a priority above 1000", function(t)
    local s = start(t, { beta = "", alpha = 'sip_on_request("INVITE", function() return sip_reply(486) end)',
        args = { "--layer", "screening:2000=examples/policies/screening.lua" } })
    local alice = ua.open { port = s.port, user = "alice", domain = "alpha.example", transport = "tcp" }
    for permit, status in pairs { no = 603, yes = 486 } do
        alice:expect_final(alice:invite("sip:bob@alpha.example", { headers = { { "X-Permit", permit } } }), status)
    end
end)

test("a tenant whose new policy keeps failing goes back alone", function(t)
    local s = start(t, { alpha = answering "alpha 1", beta = answering "beta 1",
        args = { "--rollback-window", "10", "--rollback-share", "20" } })
    local alice = ua.open { port = s.port, user = "alice", domain = "alpha.example", transport = "tcp" }
    server.write(s.paths.alpha, answering "alpha 2")
    server.write(s.paths.beta, 'sip_on_request(function() error "always" end)')
    t:equal(ctl(s, "reload").status, 0)
    local back
    for _ = 1, 10 do
        back = back or answer(alice, "beta.example") == "beta 1"
    end
    t:ok(back, "beta has its policy before")
    t:equal(answer(alice, "alpha.example"), "alpha 2")
    s:expect_log "tenant beta.example: its policy in version 2 is taken back, that of version 1 is in use"
    t:match(ctl(s, "status").out, "2 %x+ %S+ active .*tenant beta.example: %d+ of %d+ entries failed")
    t:match(s:status_text(), '"tenants_taken_back":1')
    server.write(s.paths.alpha, answering "alpha 3")
    t:equal(ctl(s, "reload").status, 0)
    t:equal(answer(alice, "alpha.example"), "alpha 3")
    t:equal(answer(alice, "beta.example"), "beta 1")
    server.write(s.paths.beta, answering "beta 4")
    t:equal(ctl(s, "reload").status, 0)
    t:equal(answer(alice, "beta.example"), "beta 4")
end)

test("3261-21.5.4.a what one tenant lets rest, the calls of another still reach", function(t)
    local port = server.free_port()
    local s = start(t, { beta = "", alpha = ('sip_on_request("INVITE", function(request, call)\n' ..
        'return sip_rest("127.0.0.1:%d", 60) end)'):format(port) })
    local bob = ua.open { port = s.port, user = "bob", domain = "alpha.example", local_port = port }
    bob:register {}
    bob:register { aor = "sip:bob@beta.example" }
    local alice = ua.open { port = s.port, user = "alice", domain = "alpha.example", transport = "tcp" }
    t:ok(alice:expect_final(alice:invite "sip:bob@alpha.example").status >= 480)
    local call = alice:invite "sip:bob@beta.example"
    local invite = bob:expect "INVITE"
    t:match(invite.uri, "^sip:bob@")
    bob:reply(invite, 486)
    alice:expect_final(call, 486)
end)

test("the hostile spec of a tenant reaches neither the token keys nor any file of the server", function(t)
    local folder, keys, mark = server.temporary "", server.temporary ".keys", server.temporary ".mark"
    assert(os.execute(("mkdir -p %s/spec"):format(folder)))
    t:defer(function()
        os.execute(("rm -rf '%s' '%s'"):format(folder, keys))
    end)
    local spec = read("tests/data/attacks/hostile_spec.lua"):gsub("@%u+@",
        { ["@KEYS@"] = keys, ["@OUTSIDE@"] = keys, ["@MARK@"] = mark })
    server.write(folder .. "/policy.lua", answering "beta 1")
    server.write(folder .. "/spec/policy.lua", spec)
    local s = start(t, { alpha = "", beta_path = folder, args = { "--token-keys", keys } })
    local before = read(keys)
    server.write(folder .. "/policy.lua", answering "beta 2")
    local reload = ctl(s, "reload")
    t:equal(reload.status, 0, reload.err)
    t:match(reload.out, "specs: passed")
    t:equal(read(keys), before)
    t:equal(io.open(mark, "rb"), nil)
    -- A spec that names the policy of somebody else is refused, and the reload with it.
    server.write(folder .. "/spec/policy.lua", ('policy "%s"\ntest("x", function() end)'):format(s.paths.alpha))
    server.write(folder .. "/policy.lua", answering "beta 3")
    t:equal(ctl(s, "reload").status, 1)
end)

tap.done()
