-- SPDX-License-Identifier: BSD-2-Clause
-- What can be told of a policy from its text alone: fields of replies, calls, decisions and flows that do not exist,
-- and which header fields it asks for. It follows the parameters of functions by their place in a hook, or by their
-- usual names elsewhere; what is handed on under another name, or kept in a table, it does not see.
local parameters = {
    request = { "call", "call" }, register = { "call", "call" }, response = { "reply", "call", "decision" },
    success = { "reply", "call", "decision" }, flow_failed = { "reply", "call", "decision" },
    exhausted = { "reply", "call" }, flow_up = { "flow" }, flow_down = { "flow" },
}
local usual = { reply = "reply", call = "call", request = "call", decision = "decision" }

local function blank(part)
    return (part:gsub("[^\n]", " "))
end

-- The end of the long bracket that opens at `at`, or nil where none does.
local function long_end(source, at)
    local level = source:match("^%[(=*)%[", at)
    if not level then return nil end
    local _, stop = source:find("]" .. level .. "]", at, true)
    return stop or #source
end

local function string_end(source, at)
    local quote = source:sub(at, at)
    local place = at + 1
    while place <= #source do
        local c = source:sub(place, place)
        if c == "\\" then
            place = place + 1
        elseif c == quote or c == "\n" then
            return place
        end
        place = place + 1
    end
    return #source
end

-- Comments and strings become blanks; lines stay.
local function code_only(source)
    local parts, at = {}, 1
    while at <= #source do
        local next = source:find("[%-\"'%[]", at)
        if not next then break end
        local stop
        if source:find("^%-%-", next) then
            stop = long_end(source, next + 2) or (source:find("\n", next, true) or #source + 1) - 1
        elseif source:find("^[\"']", next) then
            stop = string_end(source, next)
        else
            stop = long_end(source, next)
        end
        parts[#parts + 1] = source:sub(at, next - 1)
        parts[#parts + 1] = stop and blank(source:sub(next, stop)) or source:sub(next, next)
        at = (stop or next) + 1
    end
    parts[#parts + 1] = source:sub(at)
    return table.concat(parts)
end

local opens = { ["function"] = 1, ["do"] = 1, ["if"] = 1, ["repeat"] = 1, ["end"] = -1, ["until"] = -1 }

-- Where the body ends that begins at `at`.
local function body_end(code, at)
    local depth = 1
    for word, after in code:gmatch("%f[%w_](%a+)%f[^%w_]()", at) do
        depth = depth + (opens[word] or 0)
        if depth == 0 then return after end
    end
    return #code
end

-- The kind of hook that the function at this place is given to, if it is written there.
local function hook_of(code, at)
    local before = code:sub(math.max(1, at - 200), at - 1)
    local name, rest = before:match ".*on_([%a_]+)%s*(%(.*)$"
    if not name or not parameters[name] then return nil end
    local open = select(2, rest:gsub("%(", "")) - select(2, rest:gsub("%)", ""))
    return open == 1 and not rest:find "%f[%w_]function%f[^%w_]" and name or nil
end

local function line_of(code, at)
    return select(2, code:sub(1, at):gsub("\n", "")) + 1
end

local function distance(a, b)
    local row = {}
    for i = 0, #b do row[i] = i end
    for j = 1, #a do
        local diagonal
        diagonal, row[0] = row[0], j
        for i = 1, #b do
            local change = diagonal + (a:byte(j) == b:byte(i) and 0 or 1)
            diagonal, row[i] = row[i], math.min(change, row[i] + 1, row[i - 1] + 1)
        end
    end
    return row[#b]
end

local function nearest(fields, name)
    local best, least
    for field in pairs(fields) do
        local apart = distance(name, field)
        if apart <= 3 and apart * 2 < #name and (not least or apart < least or apart == least and field < best) then
            best, least = field, apart
        end
    end
    return best
end

local function scan_body(code, from, to, name, kind, known, found)
    local body = code:sub(from, to)
    if body:find("local%s+[%w_%s,]-%f[%w_]" .. name .. "%f[^%w_]") then return end
    for at, field in body:gmatch("()%f[%w_]" .. name .. "%s*[.:]%s*([%a_][%w_]*)") do
        local before = body:sub(1, at - 1):match "([.:]?)%s*$"
        if before == "" and not known[kind][field] then
            local place = from + at - 1
            found[place .. field] = { line = line_of(code, place), kind = kind, field = field,
                nearest = nearest(known[kind], field) }
        end
    end
end

-- scan(source, known) -> list of { line, kind, field, nearest }, list of header names; known.reply.code is true.
return function(source, known)
    local code = code_only(source)
    local found, list, headers, seen = {}, {}, {}, {}
    for at, names, from in code:gmatch "()%f[%w_]function%f[^%w_][%s%w_.:]*(%b())()" do
        local hook, index, to = hook_of(code, at), 0, nil
        for name in names:gmatch "[%a_][%w_]*" do
            index = index + 1
            local kind
            if hook then kind = parameters[hook][index] else kind = usual[name] end
            if kind then
                to = to or body_end(code, from)
                scan_body(code, from, to, name, kind, known, found)
            end
        end
    end
    for _, item in pairs(found) do list[#list + 1] = item end
    table.sort(list, function(a, b)
        if a.line ~= b.line then return a.line < b.line end
        return a.field < b.field
    end)
    for name in source:gmatch ":%s*header%s*%(?%s*[\"']([%w%-]+)[\"']" do
        if not seen[name] then
            seen[name] = true
            headers[#headers + 1] = name
        end
    end
    return list, headers
end
