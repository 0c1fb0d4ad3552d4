-- SPDX-License-Identifier: BSD-2-Clause
-- examples/provider.lua: users with passwords and one trunk, by its address and by its certificate.
local certificates = require "certificates"
local digest = require "digest"
local example = require "example"
local server = require "server"
local tap = require "tap"
local ua = require "ua"

local test = tap.test
local domain <const> = "example.com"
local passwords <const> = { alice = "alice's password", bob = "bob's password" }
local trunk_host <const> = "127.0.0.3"

local function open(t, s, user, options)
    options = options or {}
    options.port, options.user, options.domain = options.port or s.port, user, options.domain or domain
    local flow = ua.open(options)
    t:defer(function()
        flow:close()
    end)
    return flow
end

local function provider(t, more)
    local trunk_port = server.free_port()
    local users = digest.users(t, domain, passwords)
    local args = { "--users", users }
    table.move(more or {}, 1, #(more or {}), #args + 1, args)
    local s = server.start(t, { domain = domain, listen = { "udp:0.0.0.0:%d", "tcp:0.0.0.0:%d" }, args = args,
        source = example.read("examples/provider.lua", { ["127.0.0.1:5092"] = trunk_host .. ":" .. trunk_port }) })
    s.trunk_port, s.users = trunk_port, users
    return s
end

local function credentials(flow, challenged, method, uri)
    local challenge = digest.challenges(challenged)[1]
    return { digest.header(challenge, { user = flow.user, password = passwords[flow.user], method = method,
        uri = uri }) }
end

local function register(flow)
    local challenged = flow:register { expect = 401 }
    flow:register { headers = credentials(flow, challenged, "REGISTER", "sip:" .. domain), expect = 200 }
end

local function invite(flow, uri)
    local challenged = flow:expect_final(flow:request("INVITE", { uri = uri }), 407)
    return flow:request("INVITE", { uri = uri, headers = credentials(flow, challenged, "INVITE", uri), cseq = 2 })
end

local function expect_call(callee, call, caller)
    callee:reply(callee:expect "INVITE", 200)
    caller:expect_final(call, 200)
end

test("users call each other, and numbers through the trunk", function(t)
    local s = provider(t, { "--trunk", trunk_host })
    local alice, bob = open(t, s, "alice"), open(t, s, "bob", { transport = "tcp" })
    local trunk = open(t, s, "trunk", { local_host = trunk_host, local_port = s.trunk_port })
    register(alice)
    register(bob)
    expect_call(bob, invite(alice, bob.aor), alice)
    expect_call(trunk, invite(bob, "sip:+15550199@" .. domain), bob)
    expect_call(alice, invite(bob, "sip:+15550101@" .. domain), bob)
end)

test("strangers reach the users, and neither the trunk nor the names of users", function(t)
    local s = provider(t, { "--trunk", trunk_host })
    local bob, mallory = open(t, s, "bob"), open(t, s, "mallory", { domain = "example.net" })
    local trunk = open(t, s, "trunk", { local_host = trunk_host, local_port = s.trunk_port })
    register(bob)
    expect_call(bob, mallory:request("INVITE", { uri = bob.aor }), mallory)
    local number = "sip:+15550199@" .. domain
    mallory:expect_final(mallory:request("INVITE", { uri = number }), 403)
    mallory:expect_final(mallory:request("INVITE", { uri = number, from = "sip:bob@" .. domain }), 407)
    expect_call(trunk, invite(bob, number), bob) -- after the others: nothing else has come
    t:ok(not trunk:receive("INVITE", 0), "a stranger's call")
end)

test("the trunk calls the numbers and names of users, and nothing through itself", function(t)
    local s = provider(t, { "--trunk", trunk_host })
    local alice = open(t, s, "alice")
    local trunk = open(t, s, "trunk", { local_host = trunk_host, local_port = s.trunk_port })
    register(alice)
    local from = "sip:+15550177@" .. domain
    for _, user in ipairs { "+15550101", "alice" } do
        expect_call(alice, trunk:request("INVITE", { uri = ("sip:%s@%s"):format(user, domain), from = from }), trunk)
    end
    trunk:expect_final(trunk:request("INVITE", { uri = "sip:+15550199@" .. domain, from = from }), 403)
end)

test("the trunk is known by its certificate", function(t)
    local authority, port = certificates.new(t), server.free_port()
    local own = authority:sign("own", { names = "DNS:" .. domain })
    local s = provider(t, { "--listen", "tls:0.0.0.0:" .. port, "--tls-cert", own.certificate, "--tls-key", own.key,
        "--tls-client-ca", authority.certificate, "--trunk-cert", "trunk.example.net" })
    local alice = open(t, s, "alice", { port = port, transport = "tls" })
    register(alice)
    local shown = authority:sign("trunk", { names = "DNS:trunk.example.net" })
    local trunk = open(t, s, "trunk", { port = port, transport = "tls", tls = shown })
    local stranger = open(t, s, "trunk", { port = port, transport = "tls" })
    local uri, from = "sip:+15550101@" .. domain, "sip:+15550177@" .. domain
    expect_call(alice, trunk:request("INVITE", { uri = uri, from = from }), trunk)
    stranger:expect_final(stranger:request("INVITE", { uri = uri, from = from }), 407)
end)

test("by mistake with --open, nobody reaches the trunk", function(t)
    local s = provider(t, { "--trunk", trunk_host, "--open" })
    s:expect_log "nobody is asked for credentials"
    local alice = open(t, s, "alice")
    alice:register {}
    alice:expect_final(alice:request("INVITE", { uri = "sip:+15550199@" .. domain }), 403)
end)

tap.done()
