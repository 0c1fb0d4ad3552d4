-- SPDX-License-Identifier: BSD-2-Clause
-- No example sends a stranger's call to a trunk, whatever the stranger writes, over each transport and in both hosts.
-- A registered phone reaches it.
local example = require "example"
local host = require "host"
local provider = require "provider"
local server = require "server"
local tap = require "tap"
local ua = require "ua"
local read = require("file").read

local ports = { server.free_port(), server.free_port() }

-- The first policy of the manual, with the trunk of this test.
local function first_of_manual()
    local text = read("module/script/README.md"):match "\n## A first policy\n\n```lua\n(.-)\n```"
    return (assert(text):gsub("127%.0%.0%.1:5092", "127.0.0.1:" .. ports[1]))
end

local elsewhere = { ["127.0.0.1:5092"] = "127.0.0.1:" .. ports[1] }
local policies = {
    { "rest_trunk.lua", example.read("examples/policies/rest_trunk.lua", {
        ["127.0.0.1:5092"] = "127.0.0.1:" .. ports[1], ["127.0.0.1:5093"] = "127.0.0.1:" .. ports[2] }),
        { "udp", "tcp", "tls", "ws", "wss" } },
    { "tenants/site.lua", example.read("examples/tenants/site.lua", elsewhere), { "udp", "tcp" } },
    { "the first policy", first_of_manual(), { "udp", "tcp" } },
}

-- What a stranger may write into From.
local function names(s)
    return { "sip:alice@" .. s.domain, "sip:ALICE@" .. s.domain:upper(), "sips:alice@" .. s.domain,
        "sip:mallory@example.net", "sip:anonymous@anonymous.invalid", "sip:+15550100@" .. s.domain,
        "sip:trunk@127.0.0.1", "sip:" .. s.domain, "sip:example.net", "tel:+15550100" }
end

local function trunks(t, s)
    local list = {}
    for index, port in ipairs(ports) do
        list[index] = ua.open { port = s.port, user = "trunk", local_port = port }
        t:defer(function()
            list[index]:close()
        end)
    end
    return list
end

local function expect_reach(caller, trunk, uri)
    local call = caller:request("INVITE", { uri = uri })
    trunk:reply(trunk:expect "INVITE", 480)
    caller:expect_final(call, 480)
end

for _, case in ipairs(policies) do
    local name, policy, transports = table.unpack(case)
    host.test(name .. " sends no stranger's call to a trunk", { policy = policy, transports = transports },
        function(t, open, s)
        local list, uri = trunks(t, s), "sip:+15550199@" .. s.domain
        local alice, mallory = open "alice", open "mallory"
        alice:register {}
        for _, from in ipairs(names(s)) do
            local call = mallory:request("INVITE", { uri = uri, from = from, headers = {
                { "P-Asserted-Identity", "<" .. alice.aor .. ">" }, { "Remote-Party-ID", "<" .. alice.aor .. ">" } } })
            mallory:expect_final(call, 403)
        end
        expect_reach(alice, list[1], uri) -- after all the others: nothing else has come
        for _, trunk in ipairs(list) do
            t:ok(not trunk:receive("INVITE", 0), "a stranger's call")
        end
    end)
end

-- examples/kamailio/provider.cfg asks users for their passwords, and everybody else may only call users.
for _, transport in ipairs(os.getenv "REFLOW_HOST" == "standalone" and {} or { "udp", "tcp", "tls", "ws", "wss" }) do
    tap.test(("provider.cfg sends no stranger's call to a trunk [kamailio %s]"):format(transport), function(t)
        local s = provider.start(t)
        local first, second = provider.trunk(t, s, 1), provider.trunk(t, s, 2)
        local alice, mallory = provider.open(t, s, "alice", transport), provider.open(t, s, "mallory", transport)
        for _, each in ipairs { first, second } do
            each:serve { OPTIONS = 200 }
        end
        provider.register(alice)
        local uri = "sip:+4930123456@" .. s.domain
        for _, from in ipairs(names(s)) do
            for _, method in ipairs { "INVITE", "MESSAGE", "REFER" } do
                local final = mallory:expect_final(mallory:request(method, { uri = uri, from = from, headers = {
                    { "P-Asserted-Identity", "<" .. alice.aor .. ">" }, { "Remote-Party-ID", "<" .. alice.aor .. ">" },
                    { "Route", ("<sip:127.0.0.1:%d;lr>"):format(s.port) } } }))
                t:ok(final.status == 403 or final.status == 407, from .. ": " .. final.status)
            end
        end
        local challenged = mallory:expect_final(mallory:request("INVITE", { uri = uri, from = alice.aor }), 407)
        local wrong = provider.credentials(alice, challenged, "INVITE", uri, "guess")
        mallory:expect_final(mallory:request("INVITE", { uri = uri, from = alice.aor, headers = wrong }), 407)
        for _, method in ipairs { "INVITE", "BYE", "INFO", "MESSAGE" } do
            local request = mallory:request(method, { uri = ("sip:+4930123456@%s:%d"):format(provider.trunk_host,
                s.trunk_ports[1]), to_tag = "made-up", routes = { ("<sip:127.0.0.1:%d;lr>"):format(s.port) } })
            t:equal(mallory:expect_final(request).status, 403)
        end
        local call = provider.invite(alice, uri) -- after all the others: nothing else has come
        ua.wait.until_true(ua.patience, function()
            return #first.inbox + #second.inbox > 0
        end)
        t:equal(#first.inbox + #second.inbox, 1)
        provider.take(#first.inbox > 0 and first or second, call, alice)
    end)
end

tap.done()
