-- SPDX-License-Identifier: BSD-2-Clause
-- What the text of a policy alone shows: fields of replies, calls, decisions and flows that do not exist,
-- verdicts that nobody returns, which header fields it asks for, and what it compares with. It follows the parameters
-- of functions by their place in a hook, or by their usual names elsewhere; it does not see what is passed on under
-- another name, or kept in a table.
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

-- Comments become blanks, strings two quotes with blanks between them; lines stay.
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
        if stop and source:find("^%-%-", next) then
            parts[#parts + 1] = blank(source:sub(next, stop))
        elseif stop then
            parts[#parts + 1] = '"' .. blank(source:sub(next + 1, stop - 1)) .. '"'
        else
            parts[#parts + 1] = source:sub(next, next)
        end
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
        local before = body:sub(1, at - 1):match "([.:]*)%s*$"
        if before ~= "." and before ~= ":" and not known[kind][field] then
            local place = from + at - 1
            found[place .. field] = { line = line_of(code, place), kind = kind, field = field,
                nearest = nearest(known[kind], field) }
        end
    end
end

local inside = { ["and"] = true, ["or"] = true, ["not"] = true, ["return"] = true, ["in"] = true, ["local"] = true,
    ["function"] = true }

-- Whether a statement begins at this place: what stands before it cannot be followed by an operand.
local function begins_statement(code, at)
    local before = code:sub(math.max(1, at - 2000), at - 1):gsub("%s+$", "")
    local word = before:match "([%w_]+)$"
    if word then return not inside[word] end
    return before == "" or before:find "[%)%]%}\";]$" ~= nil or before:find "%.%.%.$" ~= nil
end

-- Whether what the call at this place gives is kept in a variable that is not read any more.
local function is_forgotten(code, at)
    local name = code:sub(math.max(1, at - 200), at - 1):match "([%a_][%w_]*)%s*=%s*$"
    return name ~= nil and not code:find("%f[%w_]" .. name .. "%f[^%w_]", at)
end

-- The names by which verdicts are made: sip_relay, and sip.relay where that is what require "reflow" gave.
local function scan_verdicts(source, code, verdicts, found)
    local library = source:match "([%a_][%w_]*)%s*=%s*require%s*%(?%s*[\"']reflow[\"']"
    local function look(pattern, prefix)
        for at, name in code:gmatch(pattern) do
            if verdicts[name] and (begins_statement(code, at) or is_forgotten(code, at)) then
                found[at .. name] = { line = line_of(code, at), verdict = prefix .. name }
            end
        end
    end
    look("()%f[%w_]sip_([%w_]+)%s*[%(\"]", "sip_")
    if library then look("()%f[%w_]" .. library .. "%s*%.%s*([%w_]+)%s*[%(\"]", library .. ".") end
end

-- --- what a policy compares with ---

local escapes = { d = "5", a = "a", w = "a", l = "a", u = "A", x = "a", s = " ", p = ".", c = "" }

-- A text that a Lua pattern is likely to match. A class in brackets stands for its first character.
local function sample(pattern)
    local out, at = {}, 1
    pattern = pattern:gsub("^%^", ""):gsub("%$$", "")
    while at <= #pattern do
        local c, more = pattern:sub(at, at), 1
        if c == "%" then
            local class = pattern:sub(at + 1, at + 1)
            c, more = escapes[class] or class, 2
        elseif c == "[" then
            local set = pattern:match("^%[%^?%]?[^%]]*%]", at) or "["
            c, more = set:match "^%[%%?([^%^%]])" or "x", #set
        elseif c == "(" or c == ")" then
            c = ""
        elseif c == "." then
            c = "x"
        end
        at = at + more
        if pattern:find("^[%*%?%-%+]", at) then at = at + 1 end
        out[#out + 1] = c
    end
    return table.concat(out)
end

local function add(list, seen, text)
    if text ~= "" and #text < 60 and not seen[text] and not text:find "[%c]" then
        seen[text] = true
        list[#list + 1] = text
    end
end

-- As what a text may stand for the called user: a URI, or the user part of one.
local function add_uri(list, seen, text)
    if text:find "^%a[%w+.-]*:." then
        if text:find "^sips?:" and text:find "@$" then text = text .. "example.com" end
        if text:find "^sips?:[^@]+$" then text = text:gsub("^(sips?:)", "%1bob@") end
        if not text:find "[%s<>\"]" then add(list, seen, text) end
    elseif text:find "^[%w+._-]+@[%w._-]+$" then
        add(list, seen, "sip:" .. text)
    elseif text:find "^%+?%d+$" and #text <= 20 then
        add(list, seen, "sip:" .. text .. "@example.com")
        if #text < 7 then add(list, seen, "sip:" .. text .. "30123456@example.com") end
    elseif text:find "^[%w._-]+$" then
        add(list, seen, "sip:" .. text .. "@example.com")
    end
end

-- Short strings and where they stand: after or before a comparison, as a key, or as a pattern.
local function scan_values(source, code, values)
    for at, quote in source:gmatch "()([\"'])" do
        if code:sub(at, at) == '"' and source:sub(at, at) == quote then
            local text, stop = source:match("^([^\\" .. quote .. "\n]*)" .. quote .. "()", at + 1)
            local before = code:sub(math.max(1, at - 60), at - 1)
            local after = stop and code:sub(stop, stop + 60) or ""
            if text and (before:find "[=~]=%s*%(*%s*$" or after:find "^%s*%)*%s*[=~]=" or before:find "[%[{,]%s*$") then
                values.exact[#values.exact + 1] = text
            elseif text and (before:find "match%s*%(?[^()]*$" or before:find "find%s*%(?[^()]*$") then
                values.exact[#values.exact + 1] = sample(text)
            end
        end
    end
    for number in code:gmatch "[=~<>]=?%s*(%d+)%f[^%w_.]" do values.numbers[#values.numbers + 1] = number end
    for number in code:gmatch "%f[%w_](%d+)%s*[=~<>]=" do values.numbers[#values.numbers + 1] = number end
end

local function sort_values(values)
    local uris, texts, numbers, seen, known, counted = {}, {}, {}, {}, {}, {}
    for _, text in ipairs(values.exact) do
        add_uri(uris, seen, text)
        add(texts, known, text)
    end
    for _, number in ipairs(values.numbers) do
        for _, near in ipairs { tonumber(number), tonumber(number) - 1, tonumber(number) + 1 } do
            if near >= 0 and near <= 1000000000 then add(numbers, counted, ("%d"):format(near)) end
        end
    end
    return { uris = uris, texts = texts, numbers = numbers }
end

-- scan(source, known) -> list of { line, kind, field, nearest } or { line, verdict }, list of header names, and what it
-- compares with: lists of URIs, texts and numbers. known.reply.code and known.verdicts.relay are true.
return function(source, known)
    local code = code_only(source)
    local found, list, headers, seen = {}, {}, {}, {}
    local values = { exact = {}, numbers = {} }
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
    scan_verdicts(source, code, known.verdicts, found)
    scan_values(source, code, values)
    for _, item in pairs(found) do list[#list + 1] = item end
    table.sort(list, function(a, b)
        if a.line ~= b.line then return a.line < b.line end
        return (a.field or a.verdict) < (b.field or b.verdict)
    end)
    for name in source:gmatch ":%s*header%s*%(?%s*[\"']([%w%-]+)[\"']" do
        if not seen[name] then
            seen[name] = true
            headers[#headers + 1] = name
        end
    end
    return list, headers, sort_values(values)
end
