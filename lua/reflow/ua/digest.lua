-- SPDX-License-Identifier: BSD-2-Clause
-- Digest authentication (RFC 7616, RFC 8760): challenges read, credentials written.
local sip = require "reflow"

local digest = {}
local format = string.format

local known = { ["md5"] = "MD5", ["sha-256"] = "SHA-256", ["sha-512-256"] = "SHA-512-256" }

-- Quoted strings stay as they are between their quotes: that is how they are hashed, and sent back.
local function parameters(text)
    local found, at = {}, 1
    while at <= #text do
        local name, value_at = text:match("^[%s,]*([%w%-]+)%s*=%s*()", at)
        if not name then
            break
        end
        local value, after = text:match('^"([^"\\]*)"()', value_at)
        if not value and text:sub(value_at, value_at) == '"' then
            after = value_at + 1
            while after <= #text and text:sub(after, after) ~= '"' do
                after = after + (text:sub(after, after) == "\\" and 2 or 1)
            end
            value, after = text:sub(value_at + 1, after - 1), after + 1
        elseif not value then
            value, after = text:match("^([^%s,]*)()", value_at)
        end
        found[name:lower()] = found[name:lower()] or value
        at = after
    end
    return found
end

local function quality(offered)
    if not offered then
        return nil, true
    end
    local words = {}
    for word in offered:lower():gmatch "[%w%-]+" do
        words[word] = true
    end
    local chosen = words["auth"] and "auth" or words["auth-int"] and "auth-int"
    return chosen, chosen ~= nil
end

-- One challenge; nil where it is not one that can be answered.
function digest.challenge(value)
    local scheme, rest = value:match "^%s*(%a+)%s+(.*)$"
    if not scheme or scheme:lower() ~= "digest" then
        return nil
    end
    local given = parameters(rest)
    local name = (given.algorithm or "MD5"):lower()
    local algorithm, session = known[name], false
    if not algorithm then
        algorithm, session = known[name:match "^(.*)%-sess$" or ""], true
    end
    local qop, fits = quality(given.qop)
    if not algorithm or not fits or not given.realm or not given.nonce or not sip.digest(algorithm, "") then
        return nil
    end
    return { algorithm = algorithm, written = given.algorithm, session = session, realm = given.realm,
        nonce = given.nonce, opaque = given.opaque, qop = qop, count = 0,
        stale = (given.stale or ""):lower() == "true" }
end

-- The first that can be answered of a response's: the server puts what it likes best on top (RFC 8760 section 2.3).
function digest.choose(received, header)
    local n = 1
    local value = received:header(header, n)
    while value do
        local challenge = digest.challenge(value)
        if challenge then
            return challenge
        end
        n = n + 1
        value = received:header(header, n)
    end
end

local function hash(challenge, ...)
    return sip.digest(challenge.algorithm, table.concat({ ... }, ":"))
end

-- The value of Authorization or Proxy-Authorization. `cnonce`: a random text.
function digest.credentials(challenge, user, password, method, uri, body, cnonce)
    user = user:gsub('[\\"]', "\\%0")
    challenge.count = challenge.count + 1
    local count = format("%08x", challenge.count)
    local secret = hash(challenge, user, challenge.realm, password)
    if challenge.session then
        -- Made once for each nonce, with the cnonce that went with it first.
        challenge.cnonce = challenge.cnonce or cnonce
        cnonce = challenge.cnonce
        secret = hash(challenge, secret, challenge.nonce, cnonce)
    end
    local request = challenge.qop == "auth-int" and hash(challenge, method, uri, hash(challenge, body or ""))
        or hash(challenge, method, uri)
    local out = { format('Digest username="%s", realm="%s", nonce="%s", uri="%s"', user, challenge.realm,
        challenge.nonce, uri) }
    local response
    if challenge.qop then
        response = hash(challenge, secret, challenge.nonce, count, cnonce, challenge.qop, request)
        out[#out + 1] = format('qop=%s, nc=%s, cnonce="%s"', challenge.qop, count, cnonce)
    else
        response = hash(challenge, secret, challenge.nonce, request)
        if challenge.session then
            out[#out + 1] = format('cnonce="%s"', cnonce)
        end
    end
    out[#out + 1] = format('response="%s"', response)
    if challenge.written then
        out[#out + 1] = "algorithm=" .. challenge.written
    end
    if challenge.opaque then
        out[#out + 1] = format('opaque="%s"', challenge.opaque)
    end
    return table.concat(out, ", ")
end

return digest
