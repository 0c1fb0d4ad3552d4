-- SPDX-License-Identifier: BSD-2-Clause
-- Answers to challenges as RFC 7616 section 3.4 writes them, apart from the code under test.
local md5 = require "md5"
local server = require "server"

local digest = {}

local programs = { ["SHA-256"] = "sha256sum", ["SHA-512-256"] = "openssl dgst -r -sha512-256" }

function digest.hash(algorithm, ...)
    if algorithm == "MD5" then
        return md5(table.concat({ ... }, ":"))
    end
    local path = server.temporary()
    server.write(path, table.concat({ ... }, ":"))
    local pipe = assert(io.popen(programs[algorithm] .. " " .. path))
    local hex = pipe:read "a":match "^%x+"
    pipe:close()
    os.remove(path)
    return (assert(hex, algorithm))
end

-- The parameters of one challenge.
function digest.challenge(value)
    local given = {}
    for name, text in value:gmatch '([%w]+)="?([^",]*)"?' do
        given[name] = text
    end
    return given
end

-- The value of Authorization or Proxy-Authorization, for the first use of the nonce.
function digest.credentials(challenge, user, password, method, uri)
    local hash = digest.hash
    local algorithm, nonce, realm = challenge.algorithm, challenge.nonce, challenge.realm
    local response = hash(algorithm, hash(algorithm, user, realm, password), nonce, "00000001", "c0ffee", "auth",
        hash(algorithm, method, uri))
    return ('Digest username="%s", realm="%s", nonce="%s", uri="%s", qop=auth, nc=00000001, cnonce="c0ffee", '
        .. 'response="%s", algorithm=%s'):format(user, realm, nonce, uri, response, algorithm)
end

-- A users file with these users of a domain: user part to password. It is removed at the end of the test.
function digest.users(t, domain, passwords)
    local path = server.temporary ".users"
    t:defer(function()
        os.remove(path)
    end)
    for user, password in pairs(passwords) do
        local pipe = assert(io.popen(("%s user add %s@%s --users %s"):format(server.binary, user, domain, path), "w"))
        pipe:write(password, "\n")
        assert(pipe:close(), user)
    end
    return path
end

-- The challenges of a response, in order; each with the name of the field that answers it.
function digest.challenges(answer)
    local list = {}
    for i, value in ipairs(answer:all(answer.status == 401 and "WWW-Authenticate" or "Proxy-Authenticate")) do
        list[i] = digest.challenge(value)
        list[i].field = answer.status == 401 and "Authorization" or "Proxy-Authorization"
    end
    return list
end

-- The parameters of an answer, as a table that a test may change. wanted: user, password, method, uri, count.
function digest.parameters(challenge, wanted)
    local hash, algorithm = digest.hash, challenge.algorithm or "MD5"
    local p = { username = wanted.user, realm = challenge.realm, nonce = challenge.nonce, uri = wanted.uri,
        algorithm = challenge.algorithm, qop = "auth", cnonce = "0a4f113b", nc = ("%08x"):format(wanted.count or 1) }
    p.response = hash(algorithm, hash(algorithm, p.username, p.realm, wanted.password), p.nonce, p.nc, p.cnonce, p.qop,
        hash(algorithm, wanted.method, p.uri))
    return p
end

local order <const> = { "username", "realm", "nonce", "uri", "response", "algorithm", "cnonce", "nc", "qop" }
local unquoted <const> = { algorithm = true, nc = true, qop = true }

-- The value of the field.
function digest.write(parameters)
    local list = {}
    for _, name in ipairs(order) do
        if parameters[name] then
            list[#list + 1] = unquoted[name] and name .. "=" .. parameters[name]
                or ('%s="%s"'):format(name, parameters[name])
        end
    end
    return "Digest " .. table.concat(list, ", ")
end

-- The field, for `headers` of ua.lua.
function digest.header(challenge, wanted)
    return { challenge.field, digest.write(digest.parameters(challenge, wanted)) }
end

return digest
