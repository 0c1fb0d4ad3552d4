-- SPDX-License-Identifier: BSD-2-Clause
-- explain(code [, language]) and compare(a, b [, language]): what response codes mean, in words.
--
-- Loaded with two functions: row(code) -> number, phrase, class, reference, acts_as of the code table, and
-- source(name) -> an embedded source as a function. What is known of a code in facts stands in traits.lua, what is
-- said in words in catalog/: this file joins the two. Returned tables are the caller's own.
local row, source = ...
local format, sub = string.format, string.sub
local concat = table.concat
local ipairs, pairs, type = ipairs, pairs, type
local layout = source("layout")()

local LANGUAGES = { en = true, es = true }
local SECTIONS = { "description", "when", "fix" }
-- The traits, in the order in which they are printed.
local TRAITS = { "sender", "retry", "retry_after", "dialog", "search", "methods", "headers" }

local traits
local catalogs = {}

-- Read when first asked for: most scripts never ask.
local function catalog(language)
    local found = catalogs[language]
    if not found then
        traits = traits or source("traits")()
        found = {
            codes = source("catalog/" .. language)(),
            pairs = source("catalog/" .. language .. "_pairs")(),
            words = source("catalog/" .. language .. "_words")(),
        }
        catalogs[language] = found
    end
    return found
end

local function copy(value)
    if type(value) ~= "table" then return value end
    local result = {}
    for key, item in pairs(value) do result[key] = copy(item) end
    return result
end

-- A trait's value in words. Header fields and methods are names, the same in every language.
local function say(words, trait, value)
    if type(value) ~= "table" then return words[trait][value] end
    if #value == 0 then return words.none[trait] end
    local said = {}
    for i, item in ipairs(value) do said[i] = words[trait] and words[trait][item] or item end
    return concat(said, ", ")
end

-- Whether two values of a trait are alike; the order of a list has no meaning.
local function same(a, b)
    if type(a) ~= "table" then return a == b end
    local present = {}
    for _, item in ipairs(a) do present[item] = true end
    for _, item in ipairs(b) do
        if not present[item] then return false end
    end
    return #a == #b
end

local function spaced(reference)
    return sub(reference, 1, 3) == "RFC" and "RFC " .. sub(reference, 4) or reference
end

local function title(words, code)
    if code.registered then return format("%d %s", code.code, code.phrase) end
    return format(words.title_unregistered, code.code, code.acts_as, code.phrase)
end

local function about(code, language)
    local number, phrase, class, reference, acts_as = row(code)
    if not phrase then return nil, format("%s is not a SIP status code (100 to 699)", number), "EINVAL" end
    if not LANGUAGES[language] then return nil, format("no texts in '%s': en or es", language), "EINVAL" end
    local known = catalog(language)
    local texts = known.codes[acts_as]
    local result = {
        code = number, phrase = phrase, class = class, reference = reference, lang = language,
        registered = number == acts_as, acts_as = acts_as,
        use = texts.use, traits = copy(traits[acts_as]),
    }
    for _, section in ipairs(SECTIONS) do result[section] = texts[section] end
    return result
end

-- What stands below a title: the class and the reference, and what becomes of a code that nobody registered.
local function subtitle(lines, words, code)
    lines[#lines + 1] = format("%s, %s", words.class[code.class], spaced(code.reference))
    if not code.registered then
        lines[#lines + 1] = ""
        layout.fill(lines, "", format(words.unregistered, code.code, code.acts_as, code.phrase))
    end
end

local function glance(lines, words, code)
    local labels = {}
    for i, trait in ipairs(TRAITS) do labels[i] = words.label[trait] end
    local width = layout.widest(labels) + 2
    for i, trait in ipairs(TRAITS) do
        layout.fill(lines, "  " .. layout.pad(labels[i], width), say(words, trait, code.traits[trait]))
    end
end

local function explain_text(words, code)
    local lines = { title(words, code) }
    subtitle(lines, words, code)
    for _, section in ipairs(SECTIONS) do
        lines[#lines + 1] = ""
        lines[#lines + 1] = words.heading[section]
        layout.fill(lines, "  ", code[section])
    end
    lines[#lines + 1] = ""
    lines[#lines + 1] = words.heading.glance
    glance(lines, words, code)
    lines[#lines + 1] = ""
    return concat(lines, "\n")
end

-- A language that is not given is English.
local function explain(code, language)
    local result, message, name = about(code, language or "en")
    if not result then return nil, message, name end
    result.text = explain_text(catalog(result.lang).words, result)
    return result
end

-- Two values of one trait, where they differ.
local function difference(words, trait, a, b)
    if a == b then return nil end
    return { trait = trait, label = words.label[trait], a = a, b = b }
end

local function differences(words, a, b)
    local found = {}
    found[1] = difference(words, "class", words.class[a.class], words.class[b.class])
    found[#found + 1] = difference(words, "reference", spaced(a.reference), spaced(b.reference))
    for _, trait in ipairs(TRAITS) do
        local of_a, of_b = a.traits[trait], b.traits[trait]
        if not same(of_a, of_b) then
            found[#found + 1] = difference(words, trait, say(words, trait, of_a), say(words, trait, of_b))
        end
    end
    return found
end

local function pair_note(known, a, b)
    if a > b then a, b = b, a end
    return known.pairs[a .. "-" .. b]
end

-- What a table of traits cannot tell: how a code that is not registered is taken, the hand-written note of a pair that
-- is easily confused, and where nothing else sets two codes apart, that their meaning alone does.
local function notes(known, a, b, found)
    local words, said = known.words, {}
    if a.code == b.code then return { format(words.same, a.code) } end
    for _, code in ipairs({ a, b }) do
        if not code.registered then
            said[#said + 1] = format(words.unregistered, code.code, code.acts_as, code.phrase)
        end
    end
    if a.acts_as == b.acts_as then
        said[#said + 1] = format(words.act_alike, a.code, b.code)
        return said
    end
    said[#said + 1] = pair_note(known, a.acts_as, b.acts_as)
    if #said == 0 and #found == 0 then said[1] = format(words.meaning_only, a.code, b.code) end
    return said
end

-- What compare() tells, as steps that the two forms below write each in its way.
local function compare_sections(known, result)
    local words, list = known.words, {}
    local codes = result.same and { result.a } or { result.a, result.b }
    for _, section in ipairs({ "description", "when", "fix" }) do
        list[#list + 1] = { heading = words.heading[section], codes = codes, member = section }
    end
    list[#list + 1] = { heading = words.heading.differences, notes = result.notes, differences = result.differences }
    list[#list + 1] = { heading = words.heading.use, codes = codes, member = "use" }
    return list
end

-- Both titles on one line where there is room.
local function titles(lines, words, result)
    local first = title(words, result.a)
    local second = not result.same and title(words, result.b)
    if not second or layout.fits(first .. "  /  " .. second) then
        lines[1] = first .. (second and "  /  " .. second or "")
    else
        lines[1], lines[2] = first .. "  /", second
    end
end

local function compare_text(known, result)
    local words, a, b = known.words, result.a, result.b
    local lines = {}
    titles(lines, words, result)
    for _, section in ipairs(compare_sections(known, result)) do
        lines[#lines + 1] = ""
        lines[#lines + 1] = section.heading
        for _, code in ipairs(section.codes or {}) do
            layout.fill(lines, format("  %d  ", code.code), code[section.member])
        end
        for _, note in ipairs(section.notes or {}) do layout.fill(lines, "  ", note) end
        for _, item in ipairs(section.differences or {}) do
            lines[#lines + 1] = "  " .. item.label
            layout.fill(lines, format("    %d  ", a.code), item.a)
            layout.fill(lines, format("    %d  ", b.code), item.b)
        end
    end
    lines[#lines + 1] = ""
    return concat(lines, "\n")
end

local function markdown_table(lines, result)
    if #result.differences == 0 then return end
    lines[#lines + 1] = format("| | %d | %d |", result.a.code, result.b.code)
    lines[#lines + 1] = "|---|---|---|"
    for _, item in ipairs(result.differences) do
        lines[#lines + 1] = format("| %s | %s | %s |", item.label, item.a, item.b)
    end
    lines[#lines + 1] = ""
end

local function compare_markdown(known, result)
    local words, a, b = known.words, result.a, result.b
    local lines = { "# " .. title(words, a) .. (result.same and "" or " / " .. title(words, b)), "" }
    for _, section in ipairs(compare_sections(known, result)) do
        lines[#lines + 1] = "## " .. section.heading
        lines[#lines + 1] = ""
        for _, code in ipairs(section.codes or {}) do
            lines[#lines + 1] = format("**%d**: %s", code.code, code[section.member])
            lines[#lines + 1] = ""
        end
        for _, note in ipairs(section.notes or {}) do
            lines[#lines + 1] = note
            lines[#lines + 1] = ""
        end
        if section.differences then markdown_table(lines, result) end
    end
    return concat(lines, "\n", 1, #lines - 1) .. "\n"
end

local function compare(a, b, language)
    local first, message, name = about(a, language or "en")
    if not first then return nil, message, name end
    local second
    second, message, name = about(b, first.lang)
    if not second then return nil, message, name end
    local known = catalog(first.lang)
    local result = { a = first, b = second, lang = first.lang, same = first.code == second.code }
    result.differences = differences(known.words, first, second)
    result.notes = notes(known, first, second, result.differences)
    result.text = compare_text(known, result)
    result.markdown = compare_markdown(known, result)
    return result
end

-- The third is for pages, which write the same texts in a form of their own.
return explain, compare, { about = about, catalog = catalog, say = say, same = same }
