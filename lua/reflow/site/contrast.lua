-- SPDX-License-Identifier: BSD-2-Clause
-- What sets two codes apart, in sentences, the most telling difference first. It serves the pairs that have no note of
-- their own. A code is { code, class, gist, remedy, traits }; the words come from catalog/<language>_site.lua.
local format, concat = string.format, table.concat
local ipairs = ipairs

local MOST = 2 -- contrasts beside the meanings: what comes later is in the table of differences

local contrast = {}

local CAPITALS = { ["á"] = "Á", ["é"] = "É", ["í"] = "Í", ["ó"] = "Ó", ["ú"] = "Ú", ["ñ"] = "Ñ" }

-- The first letter as a capital.
function contrast.sentence(text)
    local accented = CAPITALS[text:sub(1, 2)]
    if accented then return accented .. text:sub(3) end
    return text:sub(1, 1):upper() .. text:sub(2)
end

-- "A", "A or B", "A, B or C".
function contrast.enumerate(list, conjunction)
    if #list < 2 then return list[1] or "" end
    return concat(list, ", ", 1, #list - 1) .. " " .. conjunction .. " " .. list[#list]
end

local function overlap(a, b)
    for _, each in ipairs(a) do
        for _, other in ipairs(b) do
            if each == other then return true end
        end
    end
    return false
end

local function same_list(a, b)
    return concat(a, ",") == concat(b, ",")
end

-- What only the first list has.
local function without(list, other)
    local rest = {}
    for _, each in ipairs(list) do
        if not overlap({ each }, other) then rest[#rest + 1] = each end
    end
    return rest
end

local function is_provisional(code)
    return code.class == 1
end

local makers = {}

-- Provisional responses after which a server on the way or the called side rarely rejects the request as it is.
local REACHED = { [180] = true, [182] = true }
local REJECTS = { changed = true, never = true, anew = true, mended = true }

-- 180 is final for no request, 423 never answers an INVITE, and 430 does not reach the caller: the two need not follow
-- each other.
function makers.finality(words, a, b)
    if is_provisional(a) == is_provisional(b) then return nil end
    local methods, others = a.traits.methods, b.traits.methods
    local meet = (#methods == 0 or #others == 0 or overlap(methods, others)) and b.traits.search ~= "flow"
    if not meet then return format(words.contrast.finality_apart, a.code, b.code) end
    if REACHED[a.code] and REJECTS[b.traits.retry] and b.class < 6 then
        return format(words.contrast.finality_instead, a.code, b.code, a.code)
    end
    return format(words.contrast.finality, a.code, b.code)
end

local function named(words, list)
    return contrast.enumerate(list, words.either)
end

function makers.methods_apart(words, a, b)
    local of_a, of_b = a.traits.methods, b.traits.methods
    if #of_a == 0 or #of_b == 0 or overlap(of_a, of_b) then return nil end
    return format(words.contrast.methods_apart, a.code, named(words, of_a), b.code, named(words, of_b))
end

-- Whether the request can be sent again, where the remedies do not say it already.
local PLAIN = { later = true, told = true, never = true, anew = true, mended = true, ended = true }

-- A 6xx differs most by what it does to the search, and a provisional response by not being final.
function makers.retry(words, a, b)
    if (a.class == 6) ~= (b.class == 6) or not PLAIN[a.traits.retry] or not PLAIN[b.traits.retry] then return nil end
    local of = words.clause.retry
    local first, second = of[a.traits.retry], of[b.traits.retry]
    if a.traits.retry == b.traits.retry or not first or not second then return nil end
    return format(words.contrast.retry, a.code, first, b.code, second)
end

-- A 380 need not have a Contact: its body tells what else can be done.
local function search_clause(words, code)
    local of, kind = words.clause.search, code.traits.search
    local lacks = kind == "recurse" and not overlap(code.traits.headers, { "Contact" })
    return format(lacks and of.recurse_if or of[kind], code.code)
end

-- If one of the responses is provisional and the other final, the row appears only for a 100, which goes no further.
function makers.search(words, a, b)
    if a.traits.search == b.traits.search then return nil end
    if is_provisional(a) ~= is_provisional(b) and a.traits.search ~= "hop" then return nil end
    return format(words.contrast.search, search_clause(words, a), search_clause(words, b))
end

local SENDERS_MOST = 3 -- a code that comes from more says little about where it comes from

function makers.sender(words, a, b, base)
    local of_a, of_b = a.traits.sender, b.traits.sender
    if overlap(of_a, of_b) or #of_a > SENDERS_MOST or #of_b > SENDERS_MOST then return nil end
    local function said(list)
        local result = {}
        for i, each in ipairs(list) do result[i] = base.sender[each] end
        return named(words, result)
    end
    return format(words.contrast.sender, a.code, said(of_a), b.code, said(of_b))
end

function makers.dialog(words, a, b)
    local of = words.clause.dialog
    local first, second = of[a.traits.dialog], of[b.traits.dialog]
    if a.traits.dialog == b.traits.dialog or not first or not second then return nil end
    return format(words.contrast.dialog, format(first, a.code), format(second, b.code))
end

-- Content-Type comes with every body, and says nothing about the code. Retry-After is of no use to a caller who should
-- not call again.
local function headers_of(code)
    local list = without(code.traits.headers, { "Content-Type" })
    return code.traits.retry == "never" and without(list, { "Retry-After" }) or list
end

function makers.headers(words, a, b)
    local of_a, of_b = headers_of(a), headers_of(b)
    if same_list(of_a, of_b) then return nil end
    local says, both = words.contrast, words.both
    if #of_a == 0 then
        a, b, of_a, of_b = b, a, of_b, of_a
    end
    if #of_b == 0 then
        if #b.traits.headers > 0 then return nil end
        return format(says.headers_one, contrast.enumerate(of_a, both), a.code, b.code)
    end
    local only_a, only_b = without(of_a, of_b), without(of_b, of_a)
    if #only_a == 0 or #only_b == 0 then return nil end
    return format(says.headers, contrast.enumerate(only_a, both), a.code, contrast.enumerate(only_b, both), b.code)
end

function makers.methods(words, a, b)
    local of_a, of_b = a.traits.methods, b.traits.methods
    if #of_a > 0 and #of_b == 0 then return format(words.contrast.methods_one, a.code, named(words, of_a), b.code) end
    if #of_b > 0 and #of_a == 0 then return format(words.contrast.methods_one, b.code, named(words, of_b), a.code) end
end

local ORDER = { "finality", "methods_apart", "retry", "search", "sender", "dialog", "methods", "headers" }

-- The meanings, what to do about each, and at most two contrasts. `base` is catalog/<language>_words.lua.
function contrast.sentences(words, base, a, b)
    local list = {
        format(words.contrast.meaning, a.code, a.gist, b.code, b.gist),
        format(words.contrast.remedy, a.code, a.remedy, b.code, b.remedy),
    }
    for _, name in ipairs(ORDER) do
        local said = #list < MOST + 2 and makers[name](words, a, b, base)
        if said then list[#list + 1] = contrast.sentence(said) .. "." end
    end
    return list
end

return contrast
