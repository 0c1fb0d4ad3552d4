-- SPDX-License-Identifier: BSD-2-Clause
-- sip.outbound and sip.digest in stock Lua, and the parts of reflow.ua that need no sockets.
local tap = require "tap"
local test = tap.test
local sip = require "reflow"
local digest = require "reflow.ua.digest"
local message = require "reflow.ua.message"
local stun = require "reflow.ua.stun"

local function failure(f, ...)
    local ok, why = pcall(f, ...)
    return not ok and why or "no error"
end

local function expect(t, machine, kind)
    local action = machine:next()
    t:equal(action and action.kind, kind)
    return action
end

local function answer(lines)
    return sip.parse("SIP/2.0 " .. lines[1] .. "\r\nVia: SIP/2.0/TCP h;branch=z9hG4bK1\r\nFrom: <sip:a@h>;tag=1\r\n" ..
        "To: <sip:a@h>;tag=2\r\nCall-ID: 1\r\nCSeq: 1 REGISTER\r\n" ..
        table.concat(lines, "\r\n", 2) .. (lines[2] and "\r\n" or "") .. "Content-Length: 0\r\n\r\n")
end

test("5626-4.2.a a flow is opened, registered, kept alive, unregistered", function(t)
    local machine = sip.outbound { proxies = { { reg_id = 4 } }, expires = 60 }
    t:equal(machine:wait(), 0)
    local open = expect(t, machine, "open")
    t:equal(open.flow, 1)
    t:equal(open.reg_id, 4)
    t:equal(machine:next(), nil)
    machine:opened(1, open.serial)
    local register = expect(t, machine, "register")
    t:equal(register.expires, 60)
    t:equal(register.outbound, true)
    t:equal(register.with_credentials, false)
    local decided = machine:answered(1, register.serial, answer { "200 OK", "Require: outbound", "Flow-Timer: 20" },
        nil, 40)
    t:equal(decided.rule, "5626-4.2.a")
    t:equal(decided.value, 20)
    local news = expect(t, machine, "registered")
    t:equal(news.expires, 40)
    t:equal(news.keepalive, true)
    t:equal(news.registered, 1)
    t:equal(machine:registered(), 1)
    t:equal(machine:registered(1), true)
    t:equal(machine:registered(2), false)
    local wait = machine:wait()
    t:ok(wait > 15 and wait <= 20, tostring(wait))
    machine:stop()
    local leave = expect(t, machine, "register")
    t:equal(leave.expires, 0)
    machine:answered(1, leave.serial, 200)
    expect(t, machine, "close")
    expect(t, machine, "unregistered")
    t:equal(machine:next(), nil)
    t:equal(machine:wait(), nil)
end)

test("5626-4.5.a a failure tells why, by which rule, and the wait", function(t)
    local machine = sip.outbound { proxies = { {}, { keepalive = "stun" } },
        times = { base = 0.5, base_alive = 1, most = 2, answer = 3, pong = 4 } }
    local first = expect(t, machine, "open")
    expect(t, machine, "open")
    machine:closed(1, first.serial)
    local failed = expect(t, machine, "failed")
    t:equal(failed.rule, "5626-4.5.a")
    t:match(failed.why, "could not be opened")
    t:equal(failed.code, nil)
    t:ok(failed.wait >= 0.5 and failed.wait <= 1, tostring(failed.wait))
    t:ok(machine:wait() <= 1)
end)

test("3261-8.1.3.d code-423 what an answer asks for is asked again", function(t)
    local machine = sip.outbound { proxies = { {} } }
    machine:opened(1, expect(t, machine, "open").serial)
    local register = expect(t, machine, "register")
    machine:answered(1, register.serial, answer { "401 Unauthorized", 'WWW-Authenticate: Digest realm="r", nonce="n"' })
    register = expect(t, machine, "register")
    t:equal(register.with_credentials, true)
    machine:answered(1, register.serial, answer { "423 Interval Too Brief", "Min-Expires: 7200" })
    register = expect(t, machine, "register")
    t:equal(register.expires, 7200)
    machine:answered(1, register.serial, 408, { origin = "timeout" })
    expect(t, machine, "close")
    t:equal(expect(t, machine, "failed").code, nil)
end)

test("what comes late, from nowhere or for nobody changes nothing", function(t)
    local machine = sip.outbound { proxies = { {} } }
    local open = expect(t, machine, "open")
    machine:closed(1, open.serial + 7)
    machine:closed(9, open.serial)
    machine:closed(0, open.serial)
    machine:closed(math.mininteger, open.serial)
    machine:pong(1, open.serial)
    machine:mapped(1, open.serial, "")
    t:equal(machine:answered(1, 77, 200).action, "absorb")
    t:equal(machine:next(), nil)
end)

test("options that cannot be raise", function(t)
    local rows = {
        { {}, "proxies is a list" },
        { { proxies = {} }, "from 1 to 8" },
        { { proxies = { {}, {}, {}, {}, {}, {}, {}, {}, {} } }, "from 1 to 8" },
        { { proxies = { 1 } }, "list of tables" },
        { { proxies = { { reg_id = 0 } } }, "reg_id is a whole number from 1 to 2147483647" },
        { { proxies = { { reg_id = 1.5 } } }, "reg_id is a whole" },
        { { proxies = { { reg_id = "1" } } }, "reg_id is a whole" },
        { { proxies = { { reg_id = 2 }, {} } }, "given twice" },
        { { proxies = { { keepalive = "crlf" } } }, "keepalive is" },
        { { proxies = { { keepalive = {} } } }, "keepalive is" },
        { { proxies = { {} }, expires = -1 }, "expires is a whole number" },
        { { proxies = { {} }, times = { base = 0 } }, "base is a number of seconds" },
        { { proxies = { {} }, times = { pong = 0 / 0 } }, "pong is a number of seconds" },
        { { proxies = { {} }, times = { most = 1e300 } }, "most is a number of seconds" },
        { { proxies = { {} }, times = 1 }, "table expected" },
    }
    for _, row in ipairs(rows) do
        t:match(failure(sip.outbound, row[1]), row[2])
    end
    t:match(failure(sip.outbound), "table expected")
end)

test("methods of what is no machine raise", function(t)
    local machine = sip.outbound { proxies = { {} } }
    t:match(failure(machine.next, io.stdout), "outbound expected")
    t:match(failure(machine.next, {}), "outbound expected")
    t:match(failure(machine.next), "outbound expected")
    t:match(failure(machine.opened, machine, 1), "number expected")
    t:match(failure(machine.opened, machine, 1, -1), "no serial")
    t:match(failure(machine.answered, machine, 1, 1, 200, nil, -5), "no number of seconds")
    t:match(failure(machine.answered, machine, 1, 1, 200, { nothing = 1 }), "unknown field")
    t:equal(getmetatable(machine), false)
end)

test("digest is the hash asked for, nil for another", function(t)
    t:equal(sip.digest("md5", "abc"), "900150983cd24fb0d6963f7d28e17f72")
    t:equal(sip.digest("SHA-256", ""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    t:equal(#sip.digest("SHA-512-256", "a\0b"), 64)
    t:equal(sip.digest("SHA-1", "abc"), nil)
    t:match(failure(sip.digest, "MD5"), "string expected")
end)

local mufasa = 'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=%s, ' ..
    'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'

test("credentials are those of RFC 7616 section 3.9.1", function(t)
    local rows = { MD5 = "8ca523f5e9506fed4657c9700eebdbec",
        ["SHA-256"] = "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1" }
    for algorithm, response in pairs(rows) do
        local challenge = digest.challenge(mufasa:format(algorithm))
        local text = digest.credentials(challenge, "Mufasa", "Circle of Life", "GET", "/dir/index.html", "",
            "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ")
        t:match(text, 'response="' .. response .. '"')
        t:match(text, 'qop=auth, nc=00000001, cnonce="f2/')
        t:match(text, 'opaque="FQhe')
        t:match(digest.credentials(challenge, "Mufasa", "", "GET", "/", "", "c"), "nc=00000002")
    end
end)

test("credentials without qop are those of RFC 2069", function(t)
    local challenge = digest.challenge 'Digest realm="r", nonce="n"'
    local function md5(text) return sip.digest("MD5", text) end
    t:match(digest.credentials(challenge, "u", "p", "REGISTER", "sip:h", "", "c"),
        'response="' .. md5(md5 "u:r:p" .. ":n:" .. md5 "REGISTER:sip:h") .. '"$')
end)

test("credentials of a session, and of a body", function(t)
    local challenge = digest.challenge 'Digest realm="r", nonce="n", algorithm=MD5-sess, qop="auth-int"'
    local function md5(text) return sip.digest("MD5", text) end
    local secret = md5(md5 "u:r:p" .. ":n:c")
    local request = md5("REGISTER:sip:h:" .. md5 "body")
    local text = digest.credentials(challenge, "u", "p", "REGISTER", "sip:h", "body", "c")
    t:match(text, 'response="' .. md5(secret .. ":n:00000001:c:auth-int:" .. request) .. '"')
    t:match(text, "algorithm=MD5%-sess")
    t:match(digest.credentials(challenge, "u", "p", "REGISTER", "sip:h", "", "other"), 'cnonce="c"')
end)

test("quotes inside of what is quoted stay as they were", function(t)
    local challenge = digest.challenge [[Digest realm="a \"b\", c", nonce="n\\", stale=TRUE]]
    t:equal(challenge.realm, [[a \"b\", c]])
    t:equal(challenge.nonce, [[n\\]])
    t:equal(challenge.stale, true)
    t:match(digest.credentials(challenge, 'u"x', "p", "REGISTER", "sip:h", "", "c"),
        [[username="u\"x", realm="a \"b\", c"]])
end)

test("challenges that cannot be answered are ignored", function(t)
    for _, text in ipairs { "", "Digest", "Basic realm=\"x\"", 'Digest realm="r"', 'Digest nonce="n"',
        'Digest realm="r", nonce="n", algorithm=SHA-1', 'Digest realm="r", nonce="n", qop="other"',
        'Digest realm="r, nonce="n"', 'Digest realm="r', "Digest ,,,=,=", 'Digest realm="r", nonce="n", qop=""' } do
        t:equal(digest.challenge(text), nil, text)
    end
end)

local id = "abcdefghijkl"
local function stun_answer(kind, attributes)
    return string.pack(">I2I2I4", kind, #attributes, 0x2112a442) .. id .. attributes
end

test("5626-4.4.b a STUN answer tells the mapped address", function(t)
    local request = stun.request(id)
    t:equal(#request, 20)
    t:ok(stun.is(request))
    local v4 = string.pack(">I2I2BBI2I4", 0x20, 8, 0, 1, 5060 ~ 0x2112, 0xc0000201 ~ 0x2112a442)
    local kind, address = stun.answer(stun_answer(0x0101, v4), id)
    t:equal(kind, "mapped")
    t:equal(address, "192.0.2.1:5060")
    local software = string.pack(">I2s2", 0x8022, "abc") .. "\0"
    t:equal(select(2, stun.answer(stun_answer(0x0101, software .. v4), id)), "192.0.2.1:5060")
    local plain = string.pack(">I2I2BBI2I4", 0x01, 8, 0, 1, 5060, 0xc0000202)
    t:equal(select(2, stun.answer(stun_answer(0x0101, plain), id)), "192.0.2.2:5060")
    local mask = "\x21\x12\xa4\x42" .. id
    local v6 = mask:gsub(".", function(c) return string.char(c:byte() ~ 1) end)
    t:equal(select(2, stun.answer(stun_answer(0x0101, string.pack(">I2I2BBI2", 0x20, 20, 0, 2, 0x2113) .. v6), id)),
        ("1."):rep(15) .. "1:1")
    t:equal(stun.answer(stun_answer(0x0111, ""), id), "error")
end)

test("5626-4.4.b a packet that does not answer the request is ignored", function(t)
    local v4 = string.pack(">I2I2BBI2I4", 0x20, 8, 0, 1, 1, 1)
    local good = stun_answer(0x0101, v4)
    t:equal(stun.answer(good, "another id.."), nil)
    for length = 0, #good - 1 do
        t:equal(stun.answer(good:sub(1, length), id), nil)
    end
    t:equal(stun.answer(good .. "x", id), nil)
    t:equal(stun.answer(stun_answer(0x0001, v4), id), nil)
    t:equal(stun.answer(stun_answer(0x0101, ""), id), nil)
    t:equal(stun.answer(stun_answer(0x0101, string.pack(">I2I2", 0x20, 0)), id), nil)
    t:equal(stun.answer(stun_answer(0x0101, string.pack(">I2I2BBI2I4", 0x20, 8, 0, 9, 1, 1)), id), nil)
    t:ok(not stun.is "SIP/2.0 200 OK and so on and on")
end)

test("values of a header are parted where they end", function(t)
    local received = answer { "200 OK", 'Contact: "a, b" <sip:a,b@h>;reg-id=1, <sip:c@h>;expires=5',
        "Contact: sip:d@h" }
    local values = message.values(received, "Contact")
    t:equal(#values, 3)
    local uri, rest = message.address(values[1])
    t:equal(uri, "sip:a,b@h")
    t:equal(message.parameter(rest, "reg-id"), "1")
    t:equal(message.parameter(select(2, message.address(values[2])), "expires"), "5")
    t:equal(message.parameter(rest, "expires"), nil)
    t:equal(message.address(values[3]), "sip:d@h")
end)

test("targets of proxies", function(t)
    local target = message.target "sip:user@edge.example.com:5070;lr;Transport=TCP?x=y"
    t:equal(target.host, "edge.example.com")
    t:equal(target.port, 5070)
    t:equal(target.transport, "tcp")
    target = message.target "sips:[2001:db8::1]"
    t:equal(target.host, "2001:db8::1")
    t:equal(target.scheme, "sips")
    t:equal(target.port, nil)
    for _, uri in ipairs { "", "h", "tel:1", "sip:", "sip:h:0", "sip:h:70000", "sip:[::1", "sip:a b" } do
        t:equal(message.target(uri), nil, uri)
    end
end)

test("a stream is cut into messages and pongs", function(t)
    local text = "SIP/2.0 200 OK\r\nCall-ID: 1\r\nl: 4\r\n\r\nbody"
    local function cut(bytes)
        local kind, piece, rest = message.cut(bytes)
        return tostring(kind) .. (piece and " " .. #piece or "") .. (rest and " " .. #rest or "")
    end
    t:equal(cut(text), "message " .. #text .. " 0")
    t:equal(cut(text .. "\r\n"), "message " .. #text .. " 2")
    t:equal(cut("\r\n" .. text), "pong 2 " .. #text)
    t:equal(cut(("\r\n"):rep(50000) .. "S"), "pong 2 1")
    t:equal(cut "\r\n", "pong 2 0")
    t:equal(cut "\r\n\r", "pong 2 1")
    for length = 0, #text - 1 do
        t:equal(cut(text:sub(1, length)), "nil")
    end
    t:match(cut(("x"):rep(65537)), "^false")
    for _, length in ipairs { "-1", "1x", "9999999999", "", "65537" } do
        t:match(cut("SIP/2.0 200 OK\r\nContent-Length: " .. length .. "\r\n\r\n"), "^false")
    end
end)

test("no bytes whatever raise", function(t)
    local seed = 1
    local function draw(most)
        seed = (seed * 1103515245 + 12345) & 0x7fffffff
        return (seed >> 8) % most + 1
    end
    local pieces = { 'Digest ', 'realm="', '"', "nonce=", ",", "=", "\\", "\r\n", "l: ", "9", "<", ">", ";",
        "sip:", "@", ":", "[", "]", "\0", "\1\1\0\8\33\18\164\66" .. id, "\0\32\0\8", "%", "\255", "expires=" }
    for _ = 1, 20000 do
        local list = {}
        for i = 1, draw(12) do
            list[i] = pieces[draw(#pieces)]
        end
        local bytes = table.concat(list)
        message.cut(bytes)
        message.target(bytes)
        message.parameter(select(2, message.address(bytes)), "expires")
        stun.answer(bytes, id)
        local challenge = digest.challenge("Digest " .. bytes)
        t:ok(not challenge or digest.credentials(challenge, bytes, bytes, "REGISTER", "sip:h", "", "c"))
    end
end)

test("a value cannot bring header lines of its own", function(t)
    t:equal(message.build("X sip:h SIP/2.0", { { "A", "b\r\nEvil: 1" } }),
        "X sip:h SIP/2.0\r\nA: b Evil: 1\r\nContent-Length: 0\r\n\r\n")
end)

tap.done()
