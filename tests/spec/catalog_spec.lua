-- SPDX-License-Identifier: BSD-2-Clause
-- The texts of sip.explain and sip.compare: whole, in both languages, and at one with what the core decides.
local tap = require "tap"
local sip = require "reflow"

local LANGUAGES = { "en", "es" }
local TEXTS = { "description", "when", "fix", "use" }
local HEADINGS = {
    en = { "Description", "When you see it", "How to fix it", "Key differences", "When to use each" },
    es = { "Descripción", "Cuándo lo verás", "Cómo solucionarlo", "Diferencias clave", "Cuándo usar cada uno" },
}

local function source(name)
    return assert(loadfile("lua/reflow/" .. name .. ".lua", "t"))()
end

local codes, catalogs, traits = {}, {}, source "traits"
for number = 100, 699 do
    if sip.explain(number).registered then codes[#codes + 1] = number end
end
for _, language in ipairs(LANGUAGES) do
    catalogs[language] = {
        codes = source("catalog/" .. language),
        pairs = source("catalog/" .. language .. "_pairs"),
        words = source("catalog/" .. language .. "_words"),
    }
end

-- What is wrong with a text; nil: nothing.
local function flaw(text)
    if type(text) ~= "string" then return "missing" end
    if #text < 30 then return "too short" end
    if not utf8.len(text) then return "not UTF-8" end
    if not text:find "[.)]$" then return "no full stop" end
    if text:find "  " or text:find "^%s" or text:find "[%c]" then return "stray space" end
    if text:find "[<>|`*_]" then return "Markdown" end
end

-- What is missing from, or too much in, a catalog of codes.
local function flaws(catalog)
    local found = {}
    for _, number in ipairs(codes) do
        for _, member in ipairs(TEXTS) do
            local what = flaw((catalog[number] or {})[member])
            if what then found[#found + 1] = ("%d.%s: %s"):format(number, member, what) end
        end
    end
    for number, texts in pairs(catalog) do
        if not traits[number] then found[#found + 1] = number .. ": not registered" end
        for member in pairs(texts) do
            if not table.concat(TEXTS, " "):find(member, 1, true) then found[#found + 1] = "stray " .. member end
        end
    end
    return table.concat(found, ", ")
end

tap.test("seventy-five codes are explained", function(t)
    t:equal(#codes, 75)
end)

for _, language in ipairs(LANGUAGES) do
    tap.test("every code has its four texts, " .. language, function(t)
        t:equal(flaws(catalogs[language].codes), "")
    end)
end

tap.test("a missing translation is noticed", function(t)
    local catalog = source "catalog/es"
    catalog[486].fix = nil
    catalog[430] = nil
    t:equal(flaws(catalog), "430.description: missing, 430.when: missing, 430.fix: missing, 430.use: missing, "
        .. "486.fix: missing")
end)

tap.test("the Spanish texts are Spanish", function(t)
    for number, texts in pairs(catalogs.es.codes) do
        for _, member in ipairs(TEXTS) do
            local where = number .. "." .. member
            t:ok(texts[member] ~= catalogs.en.codes[number][member], where)
            for _, word in ipairs { "the", "of", "with", "and", "when", "is" } do
                t:ok(not texts[member]:find("%f[%w]" .. word .. "%f[%W]"), where .. ": " .. word)
            end
        end
    end
end)

tap.test("notes on pairs are the same in every language", function(t)
    local count = 0
    for key, note in pairs(catalogs.en.pairs) do
        local a, b = key:match "^(%d+)-(%d+)$"
        t:ok(a and tonumber(a) < tonumber(b), key)
        t:ok(traits[tonumber(a)] and traits[tonumber(b)], key)
        t:equal(flaw(note), nil, key)
        t:equal(flaw(catalogs.es.pairs[key]), nil, key .. " in Spanish")
        count = count + 1
    end
    for key in pairs(catalogs.es.pairs) do t:ok(catalogs.en.pairs[key], key) end
    t:ok(count >= 100, count)
end)

tap.test("the pairs that are confused most have a note", function(t)
    local wanted = [[401-407 403-603 404-604 480-486 486-600 480-600 480-603 486-603 600-603 408-480 408-504 430-480
        480-487 488-606 500-503 502-503 502-504 503-504 301-302 180-183 200-202 406-415 415-488 420-421 481-482 481-483
        482-483 422-423 436-437 436-438 437-438 410-604 603-607 603-608 607-608 491-500 400-500 405-501 428-438]]
    for key in wanted:gmatch "%S+" do t:ok(catalogs.en.pairs[key], key) end
end)

-- Every word that traits.lua uses, by trait.
local function used_words()
    local used = { sender = {}, retry = {}, dialog = {}, search = {} }
    for _, trait in pairs(traits) do
        for _, name in ipairs(trait.sender) do used.sender[name] = true end
        used.retry[trait.retry], used.dialog[trait.dialog], used.search[trait.search] = true, true, true
    end
    return used
end

tap.test("every trait is said in every language, and none is said in vain", function(t)
    for _, language in ipairs(LANGUAGES) do
        local words = catalogs[language].words
        for trait, names in pairs(used_words()) do
            for name in pairs(names) do t:ok(words[trait][name], language .. ": " .. trait .. "." .. name) end
            for name in pairs(words[trait]) do t:ok(names[name], language .. ": unused " .. trait .. "." .. name) end
        end
    end
end)

tap.test("headings and labels are the same in every language", function(t)
    for _, group in ipairs { "heading", "label", "class", "none" } do
        for name in pairs(catalogs.en.words[group]) do t:ok(catalogs.es.words[group][name], group .. "." .. name) end
        for name in pairs(catalogs.es.words[group]) do t:ok(catalogs.en.words[group][name], group .. "." .. name) end
    end
end)

local function widest(text)
    local width = 0
    for line in text:gmatch "[^\n]*" do width = math.max(width, utf8.len(line)) end
    return width
end

tap.test("an explanation has its headings and fits eighty columns", function(t)
    for _, language in ipairs(LANGUAGES) do
        for _, number in ipairs(codes) do
            local explained = sip.explain(number, language)
            t:at_most(widest(explained.text), 80, number .. " " .. language)
            for index = 1, 3 do
                local heading = "\n" .. HEADINGS[language][index] .. "\n"
                t:ok(explained.text:find(heading, 1, true), number .. ": " .. heading)
            end
            t:equal(explained.lang, language)
            t:equal(explained.code, number)
            t:equal(explained.acts_as, number)
        end
    end
end)

tap.test("any two codes are compared, with all headings", function(t)
    for _, language in ipairs(LANGUAGES) do
        for index, a in ipairs(codes) do
            for other = index, #codes do
                local b = codes[other]
                local compared = sip.compare(a, b, language)
                t:ok(#compared.notes + #compared.differences > 0, a .. " " .. b)
                t:at_most(widest(compared.text), 80, a .. " " .. b)
                t:equal(compared.same, a == b)
                for _, heading in ipairs(HEADINGS[language]) do
                    t:ok(compared.text:find("\n" .. heading .. "\n", 1, true), heading)
                    t:ok(compared.markdown:find("\n## " .. heading .. "\n", 1, true), heading)
                end
            end
        end
    end
end)

tap.test("a comparison is the same both ways but for its order", function(t)
    local one, other = sip.compare(486, 600), sip.compare(600, 486)
    t:equal(one.notes[1], other.notes[1])
    t:equal(#one.differences, #other.differences)
    for index, difference in ipairs(one.differences) do
        t:equal(difference.a, other.differences[index].b)
        t:equal(difference.b, other.differences[index].a)
    end
end)

tap.test("a code compared with itself is recognised", function(t)
    local compared = sip.compare(486, 486)
    t:equal(compared.same, true)
    t:equal(#compared.differences, 0)
    t:match(compared.notes[1], "compared with itself")
    t:match(sip.compare(486, 486, "es").notes[1], "consigo mismo")
end)

tap.test("3261-8.1.3.a an unregistered code is shown as such, with the code that it acts as", function(t)
    for number, acts_as in pairs { [150] = 183, [299] = 200, [399] = 300, [499] = 400, [599] = 500, [699] = 600 } do
        local explained = sip.explain(number)
        t:equal(explained.registered, false)
        t:equal(explained.acts_as, acts_as)
        t:equal(explained.fix, sip.explain(acts_as).fix)
        t:match(explained.text, ("^%d, not registered: acts as %d "):format(number, acts_as))
    end
    t:match(table.concat(sip.compare(498, 499).notes, " "), "498 and 499 act alike")
    t:match(table.concat(sip.compare(499, 400).notes, " "), "499 is not a registered code")
end)

tap.test("an invalid code, and a language without texts, give nil and a message", function(t)
    for _, number in ipairs { 99, 700, 0, -1, math.maxinteger, math.mininteger, 4294967782 } do
        local explained, message, name = sip.explain(number)
        t:equal(explained, nil)
        t:equal(message, number .. " is not a SIP status code (100 to 699)")
        t:equal(name, "EINVAL")
        t:equal(sip.compare(486, number), nil)
        t:equal(sip.compare(number, 486), nil)
    end
    for _, language in ipairs { "fr", "en_pairs", "../traits", "" } do
        local explained, message = sip.explain(486, language)
        t:equal(explained, nil)
        t:equal(message, ("no texts in '%s': en or es"):format(language))
        t:equal(sip.compare(486, 600, language), nil)
    end
end)

tap.test("what cannot be a code raises", function(t)
    t:ok(not pcall(sip.explain, "busy"))
    t:ok(not pcall(sip.explain, 486.5))
    t:ok(not pcall(sip.compare, 486, {}))
end)

tap.test("a returned table is the caller's own", function(t)
    local explained = sip.explain(486)
    explained.traits.headers[1] = "X-Broken"
    explained.traits.retry = "broken"
    explained.description = "broken"
    t:equal(sip.explain(486).traits.headers[1], "Retry-After")
    t:equal(sip.explain(486).traits.retry, "later")
    t:ok(sip.explain(486).description ~= "broken")
end)

-- The words must not say one thing and the core do another.
tap.test("what the texts say of dialogs is what the core does", function(t)
    for _, number in ipairs(codes) do
        local method = traits[number].methods[1] or "INVITE"
        local decision = sip.decide(number, { method = method, role = "uac", in_dialog = true, refresh = true })
        local dialog = traits[number].dialog
        local ends = dialog == "usage" or dialog == "dialog" or dialog == "method" -- a call needs INVITE
        t:equal(decision.end_usage or false, ends or dialog == "call" or dialog == "subscription", number)
        if #traits[number].methods == 0 then
            local refresh = { method = "SUBSCRIBE", role = "uac", in_dialog = true, refresh = true }
            t:equal(sip.decide(number, refresh).end_usage or false, ends, number .. " to a refresh")
        end
    end
end)

tap.test("what the texts say of forking is what the core does", function(t)
    for _, number in ipairs(codes) do
        local search = traits[number].search
        local method = search == "first" and traits[number].methods[1] or "INVITE"
        local decision = sip.decide(number, { method = method, branches_pending = 2, targets_left = 1 })
        if search ~= "solo" then
            t:equal(decision.cancel_rest or false, search == "wins" or search == "ends", number .. " cancels")
        end
        t:equal(decision.action == "absorb", search == "hop", number .. " absorbs")
        if search == "progress" or search == "wins" or search == "first" then
            t:equal(decision.action, "forward", number)
        end
        if search == "recurse" then
            t:equal(sip.decide(number, { may_recurse = true }).action, "recurse", number)
        end
    end
    t:equal(sip.decide(503, {}).status, 500)
    t:equal(traits[503].search, "as_500")
    t:equal(sip.decide(430, { on_flow = true, has_instance = true, flows_left = 1 }).action, "next_flow")
    t:equal(traits[430].search, "flow")
end)

tap.test("3261-20.33.a what the texts say of Retry-After is what the core does", function(t)
    for _, number in ipairs(codes) do
        local decision = sip.decide(number, { method = "INVITE", role = "uac", retry_after = 7 })
        local waits = (decision.wait_max or 0) == 7 or decision.rest == 7
        t:equal(waits, traits[number].retry_after, number)
    end
end)

tap.done()
