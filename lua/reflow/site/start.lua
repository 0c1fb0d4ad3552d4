-- SPDX-License-Identifier: BSD-2-Clause
-- The start page of a language: all codes by class, one line each, and the search.
local source, html, tools = ...

local search = source("site/search")()
local start = {}

local body = html.template [[
<h1>{title}</h1>
<p class="text">{intro}</p>
{find}
{classes}
]]
local find = html.template [[
<div class="find" id="find" hidden>
<label for="q">{label}</label>
<input id="q" type="search" autocomplete="off" spellcheck="false" aria-describedby="found" placeholder="{hint}">
<p id="found" role="status" data-none="{none}" data-one="{one}" data-many="{many}"></p>
{pair}
</div>
<noscript><p class="small">{noscript}</p></noscript>
]]
local pair = html.template [[<p id="pair" data-vs="{versus}" hidden>{compare} <a href="index.html"></a></p>]]
local class = html.template [[
<section class="k{class}" data-group>
<h2><span class="n">{class}xx</span> {name}</h2>
<p class="small">{about}</p>
<ul class="list">{codes}</ul>
</section>
]]
local entry = html.template [[
<li data-n="{code}" data-w="{words}"><a href="{code}/index.html"><b class="n">{code}</b>
<span>{phrase}</span></a> <p>{gist}</p></li>
]]

-- The search box; `with_pairs` offers the comparison of two codes.
function start.search_box(words, label, hint, with_pairs)
    return find {
        label = label, hint = hint, none = words.found_none, one = words.found_one, many = words.found_many,
        pair = with_pairs and pair { compare = words.compare_two, versus = words.versus } or false,
        noscript = words.no_script,
    }
end

-- Words by which a code is found in any language beside those that its line shows.
local function other_words(site, lang, code)
    local list = { code.class .. "xx", code.traits.class }
    for _, other in ipairs(site.all_languages) do
        local found = site.text[other].codes[code.code]
        list[#list + 1] = found.words
        if other ~= lang then list[#list + 1] = found.gist end
    end
    return table.concat(list, " ")
end

local function codes_of(site, lang, number)
    local list = {}
    for _, each in ipairs(site.codes) do
        local code = site.text[lang].codes[each]
        if code.class == number then
            list[#list + 1] = entry { code = code.code, phrase = code.phrase, gist = tools.sentence(code.gist) .. ".",
                words = other_words(site, lang, code) }
        end
    end
    return list
end

function start.pages(site, lang, write)
    local words, classes = site.text[lang].words, {}
    for number = 1, 6 do
        classes[number] = class { class = number, name = words.class[number].name, about = words.class[number].about,
            codes = codes_of(site, lang, number) }
    end
    write {
        path = "", title = words.title, description = words.description, script = search,
        body = body { title = words.title, intro = words.intro, classes = classes,
            find = start.search_box(words, words.search, words.search_hint, true) },
    }
end

return start
