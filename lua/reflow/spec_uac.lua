-- SPDX-License-Identifier: BSD-2-Clause
-- The reactions of a user agent in a spec: the core decides what a response means to it, and the request is changed as
-- the decision says. An agent is a call or a registration of the spec: a table with `method`, `headers`, `body`,
-- `attempts` (by code), `user`, `password`, `retries` (header fields of the changed request, for what only its user
-- can change), and what `context` below reads.
local sip = require "reflow"
local digest = require "reflow.ua.digest"

local uac = {}

local credentials_of = { ["WWW-Authenticate"] = "Authorization", ["Proxy-Authenticate"] = "Proxy-Authorization" }

-- Header field names are compared without case.
local function set_header(agent, name, value)
    for known in pairs(agent.headers) do
        if known:lower() == name:lower() then agent.headers[known] = nil end
    end
    agent.headers[name] = value
end

-- The first challenge of each realm: name of the header field with credentials, challenge.
local function challenges(agent, response)
    local found = {}
    for _, name in ipairs { "WWW-Authenticate", "Proxy-Authenticate" } do
        local known, nth = {}, 1
        local value = response:header(name, nth)
        while value and agent.password do
            local challenge = digest.challenge(value)
            if challenge and not known[challenge.realm] then
                known[challenge.realm] = true
                found[#found + 1] = { credentials_of[name], challenge }
            end
            nth = nth + 1
            value = response:header(name, nth)
        end
    end
    return found
end

local changes = {}

function changes.credentials(agent, response)
    local values = {}
    for _, each in ipairs(challenges(agent, response)) do
        local name, challenge = each[1], each[2]
        values[name] = values[name] or {}
        table.insert(values[name], digest.credentials(challenge, agent.user, agent.password, agent.method, agent.uri,
            agent.body, "c" .. #values[name]))
    end
    for name, list in pairs(values) do set_header(agent, name, list) end
end

function changes.expires(agent, _, decision)
    set_header(agent, "Expires", decision.value)
end

function changes.session_interval(agent, _, decision)
    set_header(agent, "Session-Expires", decision.value)
    set_header(agent, "Min-SE", decision.value)
end

function changes.extensions_less(agent)
    set_header(agent, "Require", nil)
end

function changes.body_smaller(agent)
    agent.body = nil
    set_header(agent, "Content-Type", nil)
end

function changes.etag(agent)
    set_header(agent, "SIP-If-Match", nil)
end

function changes.resource_priority(agent, response)
    set_header(agent, "Resource-Priority", response:header "Accept-Resource-Priority")
end

function changes.outbound(agent)
    agent.plain = true
end

local function context(agent, code)
    return { role = "uac", method = agent.method, attempts = agent.attempts[code] or 0, owns_call_id = true,
        in_dialog = agent.in_dialog, refresh = agent.in_dialog, may_recurse = true, cancelled = agent.cancelled }
end

-- What the core decides for this agent.
function uac.decide(agent, response)
    local facts = context(agent, response.code)
    facts.has_challenge = #challenges(agent, response) > 0
    facts.via_count = agent.edge and 1 or nil -- the edge proxy removes its own
    return sip.decide(response, facts)
end

-- The same, if no final response has come in time.
function uac.decide_timeout(agent)
    local facts = context(agent, 408)
    facts.origin = "timeout"
    return sip.decide(408, facts)
end

-- Changes the request as a decision to retry says. Raises an error if the spec cannot make such a change.
function uac.change(agent, response, decision)
    agent.attempts[response.code] = (agent.attempts[response.code] or 0) + 1
    for _, name in ipairs(decision.change) do
        local change = changes[name]
        if change then
            change(agent, response, decision)
        elseif agent.retries then
            for header, value in pairs(agent.retries) do set_header(agent, header, value) end
        else
            error(("the core decides to retry with another %s, which a caller of a spec cannot do without 'retries'")
                :format((name:gsub("_", " "))), 0)
        end
    end
end

-- The lines of the agent's own header fields, in a fixed order.
function uac.header_lines(agent, lines)
    local names = {}
    for name in pairs(agent.headers) do names[#names + 1] = name end
    table.sort(names)
    for _, name in ipairs(names) do
        local value = agent.headers[name]
        for _, each in ipairs(type(value) == "table" and value or { value }) do
            lines[#lines + 1] = ("%s: %s"):format(name, each)
        end
    end
end

-- A Contact of a redirection that was not called yet, or nil.
function uac.next_contact(agent, response)
    local nth = 1
    local value = response:header("Contact", nth)
    while value do
        local uri = value:match "<(.-)>" or value:match "^%s*([^;%s]+)"
        if uri and not agent.called[uri] then return uri end
        nth = nth + 1
        value = response:header("Contact", nth)
    end
end

return uac
