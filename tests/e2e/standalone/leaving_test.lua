-- SPDX-License-Identifier: BSD-2-Clause
-- A server that knows its users: over each transport and from IPv6, no stranger's request leaves, whatever its From and
-- whatever the policy wants; a user with credentials, and a trunk where the policy wants it, reach the trunk.
local certificates = require "certificates"
local digest = require "digest"
local example = require "example"
local server = require "server"
local tap = require "tap"
local ua = require "ua"

local test = tap.test
local number = "sip:+15550199@example.test"
local ports = { server.free_port(), server.free_port() }

-- Sends every request out, from any caller.
local careless = ([[
sip_on_request(function(request, call)
  return sip_relay("sip:out@127.0.0.1:%d")
end)
]]):format(ports[1])

local careful = example.read("examples/policies/rest_trunk.lua", {
    ["127.0.0.1:5092"] = "127.0.0.1:" .. ports[1], ["127.0.0.1:5093"] = "127.0.0.1:" .. ports[2] })

local strangers = { "sip:alice@example.test", "sips:alice@EXAMPLE.test", "sip:nobody@example.test", "sip:example.test",
    "sip:mallory@example.net", "sip:anonymous@anonymous.invalid", "sip:+15550100@example.net", "sip:trunk@127.0.0.2",
    "sip:example.net", "tel:+15550100" }

local function users_file(t)
    local path = server.temporary ".users"
    t:defer(function()
        os.execute("rm -f " .. path .. "*")
    end)
    local pipe = assert(io.popen(("'%s' user add alice@example.test --users '%s'"):format(server.binary, path), "w"))
    pipe:write "secret\n"
    assert(pipe:close())
    return path
end

-- Returns the server, and where it listens: { transport, host, port }.
local function start(t, source)
    local files = certificates.new(t):sign("own", { names = "DNS:example.test" })
    local list, args = {}, { "--users", users_file(t), "--tls-cert", files.certificate, "--tls-key", files.key,
        "--trunk", "127.0.0.2", "--limit-failures", "0" }
    for _, transport in ipairs { "udp", "tcp", "tls", "ws", "wss" } do
        for _, host in ipairs { "127.0.0.1", "::1" } do
            local port = server.free_port()
            list[#list + 1] = { transport, host, port }
            args[#args + 1] = "--listen"
            args[#args + 1] = ("%s:%s:%d"):format(transport, host == "::1" and "[::1]" or host, port)
        end
    end
    return server.start(t, { source = source, args = args }), list
end

local function opener(t)
    return function(options)
        options.domain = "example.test"
        local flow = ua.open(options)
        t:defer(function()
            flow:close()
        end)
        return flow
    end
end

local function is_refused(answer)
    return answer.status == 407 or answer.status == 403
end

local function final(flow, request)
    return flow:expect(function(received)
        return received.status and received.status >= 200 and received:get "Call-ID" == request:get "Call-ID"
    end)
end

local function with_credentials(alice, from)
    local request = alice:request("INVITE", { uri = number, from = from })
    local answer = alice:expect_final(request, 407)
    local credentials = digest.credentials(digest.challenge(answer:get "Proxy-Authenticate"), "alice", "secret",
        "INVITE", number)
    return alice:request("INVITE", { uri = number, from = from, cseq = 2,
        headers = { { "Proxy-Authorization", credentials } } })
end

-- rest_trunk.lua itself refuses an anonymous caller who has shown no credentials yet.
local callers = { [careless] = { "sip:alice@example.test", "sip:anonymous@anonymous.invalid" },
    [careful] = { "sip:alice@example.test" } }

for name, source in pairs { ["a careless policy"] = careless, ["rest_trunk.lua"] = careful } do
    test("3261-16.3.a no stranger leaves, over each transport: " .. name, function(t)
        local _, list = start(t, source)
        local open = opener(t)
        local trunk = open { port = list[1][3], user = "trunk", local_port = ports[1] }
        for _, way in ipairs(list) do
            local mallory = open { transport = way[1], host = way[2], port = way[3], user = "mallory" }
            for _, from in ipairs(strangers) do
                local request = mallory:request("INVITE", { uri = number, from = from, headers = {
                    { "P-Asserted-Identity", "<sip:alice@example.test>" } } })
                local answer = final(mallory, request)
                t:ok(is_refused(answer), ("%s over %s: %d"):format(from, way[1], answer.status))
            end
            local alice = open { transport = way[1], host = way[2], port = way[3], user = "alice" }
            for _, from in ipairs(callers[source]) do
                local request = with_credentials(alice, from)
                trunk:reply(trunk:expect "INVITE", 480) -- after the strangers': nothing else has come
                alice:expect_final(request, 480)
            end
        end
        t:ok(not trunk:receive("INVITE", 0), "a stranger's call")
    end)
end

test("a trunk leaves only where the policy sends it", function(t)
    for source, status in pairs { [careless] = 480, [careful] = 403 } do
        local _, list = start(t, source)
        local open = opener(t)
        local out = open { port = list[1][3], user = "out", local_port = ports[1] }
        local trunk = open { port = list[1][3], user = "trunk", local_host = "127.0.0.2" }
        local request = trunk:request("INVITE", { uri = number, from = "sip:+15550100@example.net" })
        if status == 480 then
            out:reply(out:expect "INVITE", 480)
        end
        trunk:expect_final(request, status)
        t:ok(not out:receive("INVITE", 0), "a trunk's call")
        out:close()
    end
end)

tap.done()
