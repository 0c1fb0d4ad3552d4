-- SPDX-License-Identifier: BSD-2-Clause
-- The site of `reflow site`: pages about every registered code, every pair of codes and every rule, in each language.
--
-- Loaded with source(name), which gives an embedded source as a function or nothing, and `host`, a table:
--   sip      the table of require "reflow"
--   rules    a list of { id, guardrail, line }
--   version  of the program
--   plays    whether require finds what plays scenes (module/cli/test/scene_player.h)
--   wasm     the core as a WebAssembly module (module/wasm/ask.h)
--   deflate  a function that compresses bytes (RFC 1950)
-- A page module has pages(site, lang, write), and `place` if the navigation leads to it: { path, word in
-- catalog/<language>_site.lua }.
local source, host = ...

local html = source("site/html")()
local ipairs, sort = ipairs, table.sort

local tools = {}

-- Paths and keys of pairs have the lower code first.
function tools.pair_key(a, b)
    return a < b and a .. "-" .. b or b .. "-" .. a
end

function tools.pair(a, b)
    return a < b and a .. "-vs-" .. b or b .. "-vs-" .. a
end

function tools.spaced(reference)
    return (reference:gsub("^RFC(%d)", "RFC %1"))
end

local contrast = source("site/contrast")()
tools.sentence = contrast.sentence

-- A trait of a code in words; "yes" with the change that a user agent makes before it sends the request again.
function tools.trait(site, text, code, name)
    local value = code.traits[name]
    local change = value == "changed" and site.behaviour.change(text.words, code.code)
    return change and text.words.send_again:format(change) or text.say(name, value)
end

-- Whole words of a text, at most 155 bytes: what search engines show of a description.
function tools.shorten(text)
    if #text <= 155 then return text end
    return text:sub(1, 152):gsub("%s+%S*$", "") .. "..."
end

local MODULES = { "start", "code", "pair", "rule", "decide" }
local ALL_LANGUAGES = { "en", "es" }

local page = source("site/page")(source, html)
local modules = {}
for i, name in ipairs(MODULES) do modules[i] = source("site/" .. name)(source, html, tools) end

-- The columns that explain.lua asks for.
local function row(number)
    local found = host.sip.code(number)
    if not found then return number end
    return number, found.phrase, number // 100, found.reference, rawget(found, "folded") or number
end

-- All registered codes.
local CODES = {}
for number = 100, 699 do
    if row(number) and select(5, row(number)) == number then CODES[#CODES + 1] = number end
end

-- A catalog in which a missing word is an error.
local function strict(words, name)
    return setmetatable(words, { __index = function(_, key)
        error(("catalog/%s: no text '%s'"):format(name, key), 0)
    end })
end

local function rules_of(lang)
    local list = {}
    local load = source("catalog/" .. lang .. "_rules")
    local translated = load and load()
    for _, rule in ipairs(host.rules) do list[rule.id] = translated and translated[rule.id] or rule.line end
    return list
end

-- The translations of reasons by their English texts; in English, nothing needs one.
local function reasons_of(lang)
    local load = source("catalog/" .. lang .. "_reasons")
    return load and load() or {}
end

-- Everything that is said in one language.
local function text_of(explainer, lang)
    local known = explainer.catalog(lang)
    local name = lang .. "_site"
    local text = {
        words = strict(source("catalog/" .. name)(), name), base = known.words, pairs = known.pairs, codes = {},
        rules = rules_of(lang), reasons = reasons_of(lang),
    }
    function text.reason(why)
        if next(text.reasons) and not text.reasons[why] then
            error(("catalog/%s_reasons: no text '%s'"):format(lang, why), 0)
        end
        return text.reasons[why] or why
    end
    local lines = source("catalog/" .. lang .. "_lines")()
    for _, number in ipairs(CODES) do
        local code = explainer.about(number, lang)
        code.gist, code.remedy, code.words = table.unpack(lines[number])
        text.codes[number] = code
    end
    function text.say(trait, value) return explainer.say(known.words, trait, value) end
    text.same = explainer.same
    return text
end

-- For each code, those with which it shares a note: the codes that it is confused with.
local function related_of(notes)
    local related = {}
    for _, number in ipairs(CODES) do related[number] = {} end
    for key in pairs(notes) do
        local a, b = key:match "^(%d+)-(%d+)$"
        a, b = math.tointeger(a), math.tointeger(b)
        related[a][#related[a] + 1] = b
        related[b][#related[b] + 1] = a
    end
    for _, list in pairs(related) do sort(list) end
    return related
end

local function is_language(lang)
    for _, each in ipairs(ALL_LANGUAGES) do
        if each == lang then return true end
    end
    return false
end

local site = {}

-- "en,es" as a list; nil and a message for a language that has no texts or that is named twice.
function site.languages(text)
    local list, seen = {}, {}
    for lang in (text .. ","):gmatch "(.-)," do
        if not is_language(lang) then
            return nil, ("no texts in '%s': %s"):format(lang, table.concat(ALL_LANGUAGES, " or "))
        elseif seen[lang] then
            return nil, ("language '%s' is named twice"):format(lang)
        end
        seen[lang] = true
        list[#list + 1] = lang
    end
    return list
end

local function is_host(text)
    local name, port = text:match "^(.-):(%d+)$"
    name = name or text
    if port and (#port > 5 or tonumber(port) > 65535 or tonumber(port) == 0) then return false end
    if name:find "^%[[%x:.]+%]$" then return true end
    for label in (name .. "."):gmatch "(.-)%." do
        if not label:find "^[%w-]+$" or label:find "^%-" or label:find "%-$" then return false end
    end
    return true
end

-- The address below which the site is published, with a slash at its end; nil and a message for any other text.
function site.base_url(text)
    local scheme, name, path = text:match "^(%a+)://([^/?#]*)([^?#]*)$"
    scheme = scheme and scheme:lower()
    local valid = (scheme == "http" or scheme == "https") and is_host(name)
        and not path:find "[^%w/%%._~!$&'()*+,;=:@-]" and not path:gsub("%%%x%x", ""):find "%%"
    if not valid then
        return nil, ("'%s' is not the URL of a site, such as https://example.com/sip"):format(text)
    end
    return scheme .. "://" .. name .. path:gsub("/*$", "/")
end

-- Writes the site: { languages = list, base_url = text or nil } to write(path, bytes), in a fixed order.
function site.build(options, write)
    local explainer = select(3, source("explain")(row, source))
    local traits = source("traits")()
    local built = {
        languages = options.languages, all_languages = ALL_LANGUAGES, base_url = options.base_url, codes = CODES,
        rules = host.rules, version = host.version, wasm = host.wasm,
        deflate = host.deflate, text = {}, contrast = contrast,
        references = source("site/references")(), behaviour = source("site/behaviour")()(host.sip.decide, traits),
        reach = source("site/reach")()(host.sip.decide, CODES, traits, host.rules),
        places = { { path = "", word = "codes" } },
    }
    for _, lang in ipairs(ALL_LANGUAGES) do built.text[lang] = text_of(explainer, lang) end
    built.related = related_of(built.text[ALL_LANGUAGES[1]].pairs)
    built.pictures = source("site/pictures")(source, html, host)(built.text)
    for _, module in ipairs(modules) do built.places[#built.places + 1] = module.place end
    write("index.html", page.root(built))
    local files = {}
    for i, lang in ipairs(options.languages) do
        local function write_page(what)
            local file = page.file(what.path)
            if i == 1 then files[#files + 1] = file end
            write(lang .. "/" .. file, page.render(built, lang, what))
        end
        for _, module in ipairs(modules) do module.pages(built, lang, write_page) end
    end
    local data = source("site/data")(source, html, tools)
    write("codes.json", data.codes(built))
    if options.base_url then write("sitemap.xml", data.sitemap(built, files)) end
end

return site
