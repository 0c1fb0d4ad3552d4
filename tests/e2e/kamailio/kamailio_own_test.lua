-- SPDX-License-Identifier: BSD-2-Clause
--[[ The steps of module/kamailio/OWN.md, from Debian's own kamailio.cfg: each block of commands is run as it is
     printed, one step after the other. After each step the calls of that step are made, and before it the same with
     the stock file and the same settings. At the end all steps are undone. ]]
local uv = require "luv"
local digest = require "digest"
local kamailio = require "kamailio"
local manual = require "manual"
local media_proxy = require "media_proxy"
local server = require "server"
local tap = require "tap"
local temporary = require "temporary"
local ua = require "ua"
local read = require("file").read

local test = tap.test
local domain <const> = "example.test"
local password <const> = "secret"

local function replaced(text, by)
    for from, to in pairs(by) do
        text = text:gsub(from:gsub("%p", "%%%0"), (to:gsub("%%", "%%%%")))
    end
    return text
end

-- --- the operator's folder ---

-- Runs the commands of "Before you begin".
local function begin(path)
    for index, block in ipairs(manual.blocks(manual.section "## 1. Before you begin", "sh")) do
        if index <= 2 then
            manual.run(block, path)
        end
    end
end

-- A folder like /etc/kamailio, with the commands of "Before you begin" and the file of that release of Debian (this
-- machine's if none is named).
local function new_folder(t, release)
    local path = temporary.path ".kamailio"
    assert(uv.fs_mkdir(path, 448))
    t:defer(function()
        os.execute(("rm -r '%s'"):format(path))
    end)
    if release then
        manual.write_stock(release, path .. "/kamailio.cfg")
    else
        server.write(path .. "/kamailio.cfg", read(manual.stock))
    end
    begin(path)
    return path
end

local function apply(folder, step)
    for _, block in ipairs(manual.blocks(step.text, "sh")) do
        manual.run(block, folder)
    end
end

-- The address of everything that a step names, on free ports of this machine.
local function new_places()
    local places = {}
    for _, name in ipairs { "2223", "127.0.0.1:5081", "127.0.0.1:5082", "5090" } do
        places[name] = name:gsub("%d+$", tostring(server.free_port()))
    end
    places["children=8"] = "children=2"
    places["reflow.so"] = uv.fs_realpath(kamailio.module)
    return places
end

local function port_of(places, name)
    return tonumber(places[name]:match "%d+$")
end

--[[ Starts Kamailio with the folder's files, in which the places are free ports. options: stock (the stock file
     in place of the folder's), local_lines (more before the folder's own settings), address, port. ]]
local function start(t, folder, places, options)
    options = options or {}
    local run = temporary.path ".run"
    assert(uv.fs_mkdir(run, 448))
    t:defer(function()
        os.execute(("rm -r '%s'"):format(run))
    end)
    local text = read(folder .. (options.stock and "/kamailio.cfg.stock" or "/kamailio.cfg"))
    server.write(run .. "/kamailio.cfg", replaced(text, places))
    local own = replaced(read(folder .. "/kamailio-local.cfg"), options.local_places or places)
    server.write(run .. "/kamailio-local.cfg", (options.local_lines or "")
        .. replaced(own, { [folder .. "/dispatcher.list"] = run .. "/dispatcher.list" }))
    if uv.fs_stat(folder .. "/dispatcher.list") then
        server.write(run .. "/dispatcher.list", replaced(read(folder .. "/dispatcher.list"), places))
    end
    local port, address = options.port or server.free_port(), options.address or "127.0.0.1"
    local s = kamailio.start(t, { config = run .. "/kamailio.cfg", port = port, memory = 64, address = address,
        args = { "-l", ("udp:%s:%d"):format(address, port), "-l", ("tcp:%s:%d"):format(address, port) } })
    s.places, s.address = places, address
    return s
end

-- --- phones ---

local function open(t, s, user, transport, options)
    local all = { host = s.address, port = s.port, user = user, domain = domain, transport = transport,
        local_host = "127.0.0.1" }
    for name, value in pairs(options or {}) do
        all[name] = value
    end
    local phone = ua.open(all)
    t:defer(function()
        phone:close()
    end)
    return phone
end

local function credentials(phone, challenged, method, uri)
    return digest.header(digest.challenges(challenged)[1], { user = phone.user, password = password, method = method,
        uri = uri })
end

-- A request that the server challenges, sent again with the password. Returns it as sent the second time.
local function authorized(phone, method, uri, options)
    options = options or {}
    local headers = options.headers or {}
    options.uri, options.to = uri, options.to or uri
    local first = phone:request(method, options)
    local challenged = phone:expect_final(first)
    assert(challenged.status == 407 or challenged.status == 401, method .. ": " .. challenged.status)
    options.headers = { credentials(phone, challenged, method, uri), table.unpack(headers) }
    options.cseq, options.call_id = 2, first:get "Call-ID"
    return phone:request(method, options)
end

local function register(phone, options)
    options = options or {}
    options.expect = 401
    local challenged = phone:register(options)
    options.headers = { credentials(phone, challenged, "REGISTER", "sip:" .. domain) }
    options.expect = 200
    return phone:register(options)
end

local function invite(phone, user, options)
    return authorized(phone, "INVITE", ("sip:%s@%s"):format(user, domain), options)
end

local function take(callee, request, caller)
    local got = callee:expect(function(received)
        return received.method == "INVITE" and received:get "Call-ID" == request:get "Call-ID"
    end)
    callee:reply(got, 180)
    callee:reply(got, 200)
    local answer = caller:expect_final(request, 200)
    callee:expect "ACK"
    local bye = caller:within("BYE", request, answer, { cseq = 9 })
    callee:reply(callee:expect "BYE", 200)
    caller:expect_final(bye, 200)
    return got, answer
end

-- Two flows of one phone over TCP: `first` has registered last, and is called first.
local function two_flows(t, s)
    local second, first = open(t, s, "bob", "tcp"), open(t, s, "bob", "tcp")
    register(second, { instance = ua.instance(1), reg_id = 2, q = "0.5" })
    register(first, { instance = ua.instance(1), reg_id = 1, q = "1.0" })
    return first, second, open(t, s, "alice")
end

local function set(s, group, name, value)
    assert(s:rpc("cfg.sets", group, name, "s:" .. value))
end

--[[ What each step is tried with: (t, s, ours, other). ours is false before the step, with the stock file. `other` is
     what the step's function in `beside` has returned: (t, places), called before Kamailio starts. ]]
local calls, beside = {}, {}

calls["The registrar"] = function(t, s, ours)
    local first, second, alice = two_flows(t, s)
    local contacts = s:rpc("ul.lookup", "location", ours and first.aor:gsub("^sip:", "") or "bob") or s:rpc "ul.dump"
    local _, count = contacts:gsub("Contact: ", "")
    t:ok(count >= 1, contacts)
    second:close()
    register(first, { instance = ua.instance(1), reg_id = 1 })
    take(first, invite(alice, "bob"), alice)
    first:register { expect = 401, instance = ua.instance(1), reg_id = 1 }
end

calls["Calls"] = function(t, s)
    local first, second, alice = two_flows(t, s)
    alice:expect_final(invite(alice, "carol"), 404)
    second:close()
    take(first, invite(alice, "bob"), alice)
end

calls["The failure route"] = function(t, s, ours)
    for _, how in ipairs { "430", "closed before", "closed under the call" } do
        local first, second, alice = two_flows(t, s)
        if how == "closed before" then
            first:close()
        end
        local request = invite(alice, "bob")
        if how ~= "closed before" then
            local got = first:expect "INVITE"
            if ours then -- stock calls both flows of the phone at once
                second:expect_none("INVITE", 100)
            end
            if how == "430" then
                first:reply(got, 430)
            else
                first:close()
            end
        end
        take(second, request, alice)
        second:close()
        first:close()
    end
    -- What the operator's own checks do is untouched: nobody answers but with 486.
    local bob, alice = open(t, s, "bob"), open(t, s, "alice")
    register(bob)
    local request = invite(alice, "bob")
    bob:reply(bob:expect "INVITE", 486)
    alice:expect_final(request, 486)
end

calls["Requests within a call"] = function(t, s, ours)
    local bob, alice = open(t, s, "bob"), open(t, s, "alice")
    register(bob)
    local request = invite(alice, "bob")
    local got = bob:expect "INVITE"
    bob:reply(got, 200)
    local answer = alice:expect_final(request, 200)
    bob:expect "ACK"
    local hold = alice:within("INVITE", request, answer, { cseq = 8, contact = ("<%s>"):format(alice.contact_uri) })
    bob:reply(bob:expect "INVITE", 200)
    alice:expect_final(hold, 200)
    alice:within("ACK", request, answer, { cseq = 8 }) -- the route set is that of the first INVITE
    bob:expect "ACK"
    local bye = bob:within_called("BYE", got)
    alice:reply(alice:expect "BYE", 200)
    bob:expect_final(bye, 200)
    -- A stranger's To tag and Route.
    local mallory, victim = open(t, s, "mallory"), open(t, s, "victim")
    local forged = mallory:request("INFO", { uri = victim.contact_uri, to_tag = "made-up",
        routes = { ("<sip:127.0.0.1:%d;lr>"):format(s.port) } })
    if ours then
        mallory:expect_final(forged, 481)
        victim:expect_none("INFO", 0)
    else
        victim:expect "INFO"
    end
end

calls["Voicemail on busy and on no answer"] = function(t, s, ours)
    local port = port_of(s.places, "5090")
    if not ours then
        set(s, "voicemail", "srv_ip", "127.0.0.1")
        set(s, "voicemail", "srv_port", tostring(port))
    end
    local mailbox = open(t, s, "voicemail", "udp", { local_port = port })
    local alice = open(t, s, "alice")
    take(mailbox, invite(alice, "bob"), alice)
    for _, transport in ipairs { "udp", "tcp" } do
        local bob = open(t, s, "bob", transport)
        register(bob, { instance = ua.instance(1), reg_id = 1 })
        local request = invite(alice, "bob")
        bob:reply(bob:expect "INVITE", 486)
        take(mailbox, request, alice)
        if ours then -- stock waits for two minutes
            request = invite(alice, "bob")
            local rings = bob:expect "INVITE"
            bob:reply(rings, 180)
            bob:reply(bob:expect "CANCEL", 200)
            bob:reply(rings, 487)
            take(mailbox, request, alice)
        end
        bob:close()
    end
    if ours then -- a phone whose only flow answers 430 does not answer
        local bob = open(t, s, "bob", "tcp")
        register(bob, { instance = ua.instance(1), reg_id = 1 })
        local request = invite(alice, "bob")
        bob:reply(bob:expect "INVITE", 430)
        take(mailbox, request, alice)
    end
end

calls["Call forwarding"] = function(t, s, ours)
    local alice, bob, carol = open(t, s, "alice"), open(t, s, "bob", "tcp"), open(t, s, "carol", "tcp")
    register(bob)
    register(carol)
    if ours then
        assert(s:rpc("htable.sets", "busy", "bob", "carol"))
    end
    local request = invite(alice, "bob")
    bob:reply(bob:expect "INVITE", 486)
    if not ours then
        alice:expect_final(request)
        return
    end
    take(carol, request, alice)
    assert(s:rpc("htable.sets", "always", "bob", "carol"))
    take(carol, invite(alice, "bob"), alice)
    bob:expect_none("INVITE", 100)
end

local function trunk(t, s, name)
    local phone = open(t, s, "trunk", "udp", { local_port = port_of(s.places, name) })
    phone:serve { OPTIONS = 200 }
    return phone
end

calls["Trunks with dispatcher, in the same failure route"] = function(t, s, ours)
    local alice, first, second = open(t, s, "alice"), trunk(t, s, "127.0.0.1:5081"), trunk(t, s, "127.0.0.1:5082")
    if not ours then
        set(s, "pstn", "gw_ip", "127.0.0.1")
        set(s, "pstn", "gw_port", tostring(first.local_port))
    end
    local request = invite(alice, "+4930123456")
    local taken
    assert(ua.wait.until_true(ua.patience, function()
        taken = #first.inbox > 0 and first or #second.inbox > 0 and second
        return taken
    end))
    taken:reply(taken:expect "INVITE", 503)
    if ours then
        take(taken == first and second or first, request, alice)
    else
        alice:expect_final(request)
    end
    local mallory = open(t, s, "mallory", "udp", { domain = "example.net" })
    mallory:expect_final(mallory:invite("sip:+4930123456@" .. domain), 403)
end

local sdp <const> = table.concat({ "v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "c=IN IP4 127.0.0.1", "t=0 0",
    "m=audio 40000 RTP/AVP 0", "" }, "\r\n")
local described <const> = { "Content-Type", "application/sdp" }

beside["NAT and rtpengine"] = function(t, places)
    return media_proxy.start(t, port_of(places, "2223"))
end

calls["NAT and rtpengine"] = function(t, s, _, proxy)
    local alice, bob = open(t, s, "alice"), open(t, s, "bob", "tcp")
    alice.contact_uri, bob.contact_uri = "sip:alice@192.168.1.5:5060", "sip:bob@192.168.1.6:5060;transport=tcp"
    register(alice)
    register(bob)
    local request = invite(alice, "bob", { headers = { described }, body = sdp })
    local got = bob:expect "INVITE"
    t:match(got.body, "c=IN IP4 " .. media_proxy.address:gsub("%.", "%%."))
    bob:reply(got, 200, { headers = { described }, body = sdp })
    local answer = alice:expect_final(request, 200)
    t:match(answer.body, "c=IN IP4 " .. media_proxy.address:gsub("%.", "%%."))
    bob:expect "ACK"
    local info = alice:within("INFO", request, answer, { cseq = 7 })
    bob:reply(bob:expect "INFO", 200)
    alice:expect_final(info, 200)
    local bye = bob:within_called("BYE", got)
    alice:reply(alice:expect "BYE", 200)
    bob:expect_final(bye, 200)
    t:match(table.concat(proxy.commands, " "), "^offer answer delete")
end

calls["A mobile that rings in parallel"] = function(t, s, ours)
    local alice, bob, mobile = open(t, s, "alice"), open(t, s, "bob", "tcp"), trunk(t, s, "127.0.0.1:5081")
    if not ours then
        register(bob)
        take(bob, invite(alice, "bob"), alice)
        return
    end
    assert(s:rpc("htable.sets", "mobile", "bob", "sip:+491701234567@" .. s.places["127.0.0.1:5081"]))
    take(mobile, invite(alice, "bob"), alice)
    register(bob)
    local request = invite(alice, "bob")
    local rings, cell = bob:expect "INVITE", mobile:expect "INVITE"
    mobile:reply(cell, 180)
    bob:reply(rings, 200)
    alice:expect_final(request, 200)
    mobile:reply(mobile:expect "CANCEL", 200)
    mobile:reply(cell, 487)
    request = invite(alice, "bob")
    bob:reply(bob:expect(function(received)
        return received.method == "INVITE"
    end), 486)
    take(mobile, request, alice)
end

calls["Push with tsilo"] = function(t, s, ours)
    local alice, bob = open(t, s, "alice"), open(t, s, "bob", "tcp")
    if ours then
        assert(s:rpc("htable.sets", "push", "bob", "TOKEN"))
    end
    local request = invite(alice, "bob")
    if not ours then
        alice:expect_final(request)
        return
    end
    s:wait_for_log "push to TOKEN"
    assert(ua.wait.until_true(ua.patience, function() -- until then the phone is found, and called twice
        return (s:rpc("htable.get", "waits", "bob") or ""):find "value" or ua.wait.pause(50)
    end))
    register(bob, { instance = ua.instance(1), reg_id = 1 })
    take(bob, request, alice)
    request = invite(alice, "bob") -- one phone rings, and another one joins it
    local rings = bob:expect "INVITE"
    bob:reply(rings, 180)
    alice:expect(180)
    local woken = open(t, s, "bob", "tcp")
    register(woken, { instance = ua.instance(2), reg_id = 1 })
    take(woken, request, alice)
    bob:expect "CANCEL"
end

calls["Presence"] = function(t, s)
    local alice, bob = open(t, s, "alice"), open(t, s, "bob", "tcp")
    register(alice)
    register(bob)
    local subscribe = authorized(bob, "SUBSCRIBE", "sip:alice@" .. domain, { headers = { { "Event", "presence" },
        { "Accept", "application/pidf+xml" }, { "Expires", "600" } } })
    t:match(tostring(bob:expect_final(subscribe).status), "^20[02]$")
    bob:reply(bob:expect "NOTIFY", 200)
    local publish = authorized(alice, "PUBLISH", "sip:alice@" .. domain, { headers = { { "Event", "presence" },
        { "Content-Type", "application/pidf+xml" }, { "Expires", "600" } }, body =
        '<?xml version="1.0"?><presence xmlns="urn:ietf:params:xml:ns:pidf" entity="sip:alice@example.test">'
        .. '<tuple id="a"><status><basic>open</basic></status></tuple></presence>' })
    alice:expect_final(publish, 200)
    local notify = bob:expect "NOTIFY"
    bob:reply(notify, 200)
    t:match(notify.body or "", "open")
    take(bob, invite(alice, "bob"), alice)
end

calls["WebSocket"] = function(t, s, ours)
    local alice = open(t, s, "alice")
    if not ours then
        local fine, phone = pcall(open, t, s, "bob", "ws")
        t:ok(not fine or not pcall(phone.register, phone, { ms = 1000, expect = 401 }))
        return
    end
    local bob = open(t, s, "bob", "ws")
    bob.sent_by, bob.contact_uri = "a1b2c3.invalid", "sip:bob@a1b2c3.invalid;transport=ws"
    register(bob, { instance = ua.instance(1), reg_id = 1 })
    local request = invite(alice, "bob")
    local got = bob:expect "INVITE"
    bob:reply(got, 200)
    alice:expect_final(request, 200)
    bob:expect "ACK"
    local bye = bob:within_called("BYE", got)
    alice:reply(alice:expect "BYE", 200)
    bob:expect_final(bye, 200)
    take(bob, invite(alice, "bob"), alice)
end

calls["An edge in front"] = function(t, s)
    local edge = kamailio.start(t, { config = "examples/kamailio/edge.cfg", defines = {
        ('REFLOW="%s"'):format(uv.fs_realpath(kamailio.module)), "CHILDREN=2", "REGISTRAR=127.0.0.1",
        "REGISTRAR_PORT=" .. s.port } })
    edge.address = "127.0.0.1"
    local alice, first, second = open(t, s, "alice"), open(t, edge, "bob", "tcp"), open(t, edge, "bob", "tcp")
    register(second, { instance = ua.instance(1), reg_id = 2, q = "0.5" })
    register(first, { instance = ua.instance(1), reg_id = 1, q = "1.0" })
    take(first, invite(alice, "bob"), alice)
    first:close()
    take(second, invite(alice, "bob"), alice)
end

-- --- two nodes ---

-- Node 1 or 2 of the same folder, at two ports of 127.0.0.1. Each has its own settings, as the manual says.
local function start_node(t, folder, places, ports, number, stock)
    local all = { ["127.0.0.1:5060"] = "127.0.0.1:" .. ports[1], ["127.0.0.2:5060"] = "127.0.0.1:" .. ports[2] }
    for from, to in pairs(places) do
        all[from] = to
    end
    local own = { ["SERVER_ID 1"] = "SERVER_ID " .. number, ["127.0.0.1:5060"] = "127.0.0.1:" .. ports[number],
        ["127.0.0.2:5060"] = "127.0.0.1:" .. ports[3 - number], ['"127.0.0.2"'] = '"127.0.0.1"' }
    return start(t, folder, all, { stock = stock, local_places = own, port = ports[number] })
end

local function try_nodes(t, folder, places, ours)
    local ports, nodes = { server.free_port(), server.free_port() }, {}
    for number = 1, 2 do
        nodes[number] = start_node(t, folder, places, ports, number, not ours)
    end
    local bob, alice = open(t, nodes[1], "bob", "tcp"), open(t, nodes[2], "alice")
    if not ours then
        register(bob, { instance = ua.instance(1), reg_id = 1 })
        alice:expect_final(invite(alice, "bob"), 404)
        return
    end
    assert(ua.wait.until_true(ua.patience, function()
        local _, count = ((nodes[1]:rpc "dmq.list_nodes" or "") .. (nodes[2]:rpc "dmq.list_nodes" or ""))
            :gsub("status: active", "")
        return count == 4
    end), "the nodes do not find each other")
    register(bob, { instance = ua.instance(1), reg_id = 1 })
    assert(ua.wait.until_true(ua.patience, function()
        return (nodes[2]:rpc "ul.dump" or ""):find("127.0.0.1:" .. bob.local_port, 1, true)
    end), "the binding does not arrive")
    take(bob, invite(alice, "bob"), alice)
    local stranger = open(t, nodes[1], "mallory", "udp", { local_host = "127.0.0.3" })
    stranger:request("KDMQ", { uri = "sip:usrloc@127.0.0.1" })
    stranger:expect_none(200, 300)
end

-- --- the steps ---

local settings = "#!define NO_ANSWER 1500\n"

-- Whether a step can be tried here, or why not.
local function missing(step)
    local module_path = kamailio.module_path():match "^[^:]+"
    if step.title == "Presence" and not uv.fs_stat(module_path .. "/presence.so") then
        return "no kamailio-presence-modules"
    end
end

local function prerequisites(t)
    if not kamailio.available() then
        t:skip "no Kamailio, or no module"
    elseif not manual.stock_is_unchanged() then
        t:skip(manual.stock .. " is not as the package has installed it")
    end
end

-- What `body` defers happens at its end: the ports are then free for the next run.
local function scoped(t, body)
    local scope = setmetatable({ deferred = {} }, { __index = t })
    local function finish()
        for index = #scope.deferred, 1, -1 do
            scope.deferred[index]()
        end
    end
    local fine, why = xpcall(body, debug.traceback, scope)
    finish()
    if not fine then
        error(why, 0)
    end
end

for index, step in ipairs(manual.steps()) do
    test(("step %d: %s"):format(step.number, step.title), function(t)
        prerequisites(t)
        t:equal(step.number, index)
        local folder, places = new_folder(t), new_places()
        local why
        for number, each in ipairs(manual.steps()) do
            if number <= index then
                apply(folder, each)
                why = why or missing(each)
            end
        end
        if why then
            t:skip(why)
        end
        local try = calls[step.title]
        t:ok(try or step.title == "Two nodes", "no calls for this step")
        for _, ours in ipairs { false, true } do
            scoped(t, function(scope)
                if not try then
                    try_nodes(scope, folder, places, ours)
                    return
                end
                local other = beside[step.title] and beside[step.title](scope, places)
                local s = start(scope, folder, places, { stock = not ours, local_lines = settings })
                local fine, problem = xpcall(try, debug.traceback, scope, s, ours, other)
                if not fine then
                    error(problem .. "\n" .. s:log_tail(25), 0)
                end
                t:equal(#s:log_lines "CRITICAL", 0, s.log)
            end)
        end
    end)
end

-- --- the phones of the manual ---

-- Runs a block of SIPp commands, with `by` replaced in it, in the folder. Returns its status and its output.
local function run_sipp(folder, block, by)
    local ended
    local handle = uv.spawn("/bin/sh", { args = { "-c", "cd '" .. folder .. "' && {\n" .. replaced(block, by)
        .. "} >sipp.log 2>&1" } }, function(status)
        ended = status
    end)
    assert(ua.wait.until_true(60000, function()
        return ended
    end), "the block does not end")
    handle:close()
    return ended, read(folder .. "/sipp.log"):sub(-2000)
end

-- The blocks under "Phones to try it with": the second one ends with a call that succeeds. So does the one of step 5.
test("SIPp's phones of the manual: a call whose first flow is gone, and voicemail on busy", function(t)
    prerequisites(t)
    if not os.execute "command -v sipp >/dev/null" then
        t:skip "no sipp"
    end
    local folder, places = new_folder(t), new_places()
    for number, each in ipairs(manual.steps()) do
        if number <= 5 then
            apply(folder, each)
        end
    end
    local s = start(t, folder, places)
    local phones, by = manual.blocks(manual.section "### Phones to try it with", "sh"), { ["/tmp/"] = folder .. "/" }
    for _, name in ipairs { "5071", "5072", "5080" } do
        by["-p " .. name .. " "] = ("-p %d "):format(server.free_port())
    end
    by["-p 5090 "] = ("-p %d "):format(port_of(places, "5090"))
    by["127.0.0.1:5060"] = "127.0.0.1:" .. s.port
    t:equal(#phones, 2)
    for index, block in ipairs(phones) do
        local status, output = run_sipp(folder, block, by)
        t:equal(status, 0, index > 1 and output or nil)
    end
    local flows = s:rpc("reflow.flows", "sip:bob@example.test")
    t:match(flows, "reg_id: 2")
    t:ok(not flows:find "reg_id: 1", flows)
    t:match(s:rpc("stats.get_statistics", "failovers"), "reflow:failovers = 1")
    local voicemail = manual.blocks(manual.section "### Step 5.", "bash")
    t:equal(#voicemail, 1)
    local status, output = run_sipp(folder, voicemail[1], by)
    t:equal(status, 0, output)
end)

-- --- the tables ---

local source = (os.getenv "BUILD" or "build") .. "/kamailio/source/src/modules/registrar/registrar.c"

-- The names in backquotes of the first column of the section's tables.
local function named_in_tables()
    local found = {}
    for row in manual.section "## 4. The registrar module's functions and parameters":gmatch "\n| ([^|]*) |" do
        for name in row:gmatch "`([^`]*)`" do
            found[name:match "^[%w_$]+"] = true
        end
    end
    return found
end

test("the tables have all functions and parameters of registrar", function(t)
    if not uv.fs_stat(source) then
        t:skip("no source of Kamailio's registrar module: make kamailio fetches it")
    end
    local text, found, count = read(source):gsub("/%*.-%*/", " "), named_in_tables(), 0
    for _, name in ipairs { "cmd_export_t cmds", "param_export_t params", "pv_export_t mod_pvs",
        "sr_kemi_registrar_exports" } do
        local list = assert(text:match(name .. "%[%] = (%b{})"), name)
        for each in list:gmatch '{%s*"([%w_]+)"' do
            t:ok(found[each] or found["$" .. each], each .. " is not in the manual")
            count = count + 1
        end
        for each in list:gmatch 'str_init%("registrar"%), str_init%("([%w_]+)"%)' do
            t:ok(found[each], each .. " (KEMI) is not in the manual")
            count = count + 1
        end
    end
    t:ok(count > 60, count .. " names found in the source")
end)

test("the parameters of reflow that the tables name exist", function(t)
    local text = manual.section "## 4. The registrar module's functions and parameters"
    local parameters = read "module/kamailio/glue/module.c"
    for row in text:gmatch "\n(| `[^\n]*)" do
        local name = row:match "| `([%w_]+)` of `reflow`"
        if name then
            t:ok(parameters:find("[(\"]" .. name .. "[,\"]"), name)
        end
    end
end)

-- --- troubleshooting ---

-- The commands of a question, run; their answers, one after the other. Kamailio must know each command.
local function ask(s, heading)
    local said = {}
    for _, block in ipairs(manual.blocks(manual.section(heading), "sh")) do
        for line in block:gmatch "kamcmd ([^\n]*)" do
            local words = {}
            for word in line:gmatch "%S+" do
                words[#words + 1] = word
            end
            local out, why = s:rpc(table.unpack(words))
            said[#said + 1] = out or why
            assert(not said[#said]:find "not found", line)
        end
    end
    assert(#said > 0, "no command under " .. heading)
    return table.concat(said, "\n")
end

local function with_policy(t)
    local path = temporary.path ".lua"
    server.write(path, "sip_on_response(486, function(reply, call) return nil end)\n")
    t:defer(function()
        os.remove(path)
    end)
    return kamailio.start(t, { params = { { "reflow", "policy", path }, { "reflow", "contact_names", 0 },
        { "reflow", "max_contacts", 1 } } })
end

test("troubleshooting: the commands show the causes", function(t)
    prerequisites(t)
    local s = with_policy(t)
    local bob, alice = open(t, s, "bob", "tcp"), open(t, s, "alice")
    local function count(text, name)
        return tonumber(text:match("reflow:" .. name .. " = (%d+)"))
    end
    bob:register { contact_uri = "sip:bob@phone.names.test", headers = { { "Path", "<sip:p.names.test;lr>" } },
        expect = 403 }
    bob:register { expires = 5, expect = 423 }
    local said = ask(s, "### My phone gets 403")
    t:equal(count(said, "registers_refused"), 2)
    bob:register { instance = ua.instance(1), reg_id = 1 }
    t:match(ask(s, "### My phone gets 423"), "alive: yes")
    local call = alice:invite(bob.aor)
    bob:reply(bob:expect "INVITE", 430)
    alice:expect_final(call, 480)
    said = ask(s, "### There is 430 in the trace")
    t:equal(count(said, "bindings_dropped"), 1)
    t:match(said, "no hook is asked")
    alice:expect_final(alice:invite(bob.aor), 404)
    t:equal(count(ask(s, "### The caller gets 480"), "requests_unreachable"), 1)
    said = ask(s, "### The policy is not asked")
    t:match(said, "the first that returns a verdict decides")
    t:match(said, "in use")
end)

local function files_of(folder)
    return read(folder .. "/kamailio.cfg") .. read(folder .. "/kamailio-local.cfg")
end

test("the commands before the steps may be pasted again, also after a step", function(t)
    prerequisites(t)
    local folder = new_folder(t)
    for _, step in ipairs(manual.steps()) do
        apply(folder, step)
        local before = files_of(folder)
        begin(folder)
        t:ok(files_of(folder) == before, "step " .. step.number)
        t:ok(read(folder .. "/kamailio.cfg.stock") == read(manual.stock))
    end
end)

for _, release in ipairs { 12, 13 } do
    test(("a step that is pasted again changes nothing, also after later steps, in Debian %d's file"):format(release),
        function(t)
            if not manual.release() then
                t:skip(manual.stock .. " is not that of Debian 12 or 13")
            end
            local folder, steps = new_folder(t, release), manual.steps()
            for last, step in ipairs(steps) do
                apply(folder, step)
                local before = files_of(folder)
                for earlier = 1, last do
                    pcall(apply, folder, steps[earlier]) -- patch may report that there was nothing to do
                    t:ok(files_of(folder) == before, ("step %d after step %d"):format(earlier, last))
                end
            end
        end)

    test(("the steps fit Debian %d's file, and all can be undone"):format(release), function(t)
        if not manual.release() then
            t:skip(manual.stock .. " is not that of Debian 12 or 13")
        end
        local folder, steps = new_folder(t, release), manual.steps()
        local stock = read(folder .. "/kamailio.cfg")
        for _, step in ipairs(steps) do
            apply(folder, step)
            t:ok(not uv.fs_stat(folder .. "/kamailio.cfg.rej"), step.title)
        end
        local text = read(folder .. "/kamailio.cfg")
        for _, name in ipairs { "save", "lookup", "record_route", "loose_route", "set_contact_alias",
            "handle_ruri_alias" } do
            t:ok(not text:find("[^_]" .. name .. "%("), name .. "() is still called")
        end
        for index = #steps, 1, -1 do
            if uv.fs_stat(("%s/%d.diff"):format(folder, index)) then
                manual.run(("patch -R kamailio.cfg %d.diff\n"):format(index), folder)
            end
        end
        t:equal(read(folder .. "/kamailio.cfg"), stock)
        local first = read(folder .. "/kamailio-local.cfg.begin")
        t:equal(read(folder .. "/kamailio-local.cfg"):sub(1, #first), first) -- the steps only add lines to it
    end)
end

tap.done()
