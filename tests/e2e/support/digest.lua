-- SPDX-License-Identifier: BSD-2-Clause
-- Answers to challenges as RFC 7616 section 3.4 writes them, apart from the code under test.
local server = require "server"

local digest = {}

local programs = { ["MD5"] = "md5sum", ["SHA-256"] = "sha256sum", ["SHA-512-256"] = "openssl dgst -r -sha512-256" }

function digest.hash(algorithm, ...)
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

return digest
