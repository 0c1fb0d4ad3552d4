-- SPDX-License-Identifier: BSD-2-Clause
-- The page of one code: what it means, what each SIP element does with it, and what is near to it.
local _, html, tools = ...

local format, ipairs = string.format, ipairs
local code_page = {}

local body = html.template [[
<div class="k{class}">
<h1><span class="n">{code}</span> {phrase}</h1>
<p class="meta">{meta}</p>
<div class="lead"><p>{gist}</p></div>
<div class="with">
<div>{sections}</div>
<div class="aside"><h2>{glance}</h2><dl>{traits}</dl></div>
</div>
<h2>{acts_title}</h2>
<p class="small">{acts_about}</p>
{acts}
<p class="web"><a href="../decide/index.html#code={code}">{ask}</a></p>
{pictures}
{causes}
{related}
<div class="web">
<h2>{compare_title}</h2>
<ul class="grid">{compare}</ul>
</div>
</div>
]]
local section = html.template [[<h2>{heading}</h2><p>{text}</p>]]
local trait = html.template [[<dt>{label}</dt><dd>{value}</dd>]]
local outside = html.template [[<a href="{link}">{text}</a>]]
local role = html.template [[<h3>{name}</h3><ul class="acts">{rows}</ul>]]
local nothing = html.template [[<h3>{name}</h3><p>{text}</p>]]
local act = html.template [[
<li><p class="s">{situation}</p><div><p>{outcome}</p>{why}</div>
<p class="r"><a href="../rules/{rule}/index.html">{rule}</a></p></li>
]]
local reason = html.template [[<p class="small">{text}</p>]]
local cause_section = html.template [[<h2>{heading}</h2><p class="small">{about}</p><ul>{list}</ul>]]
local cause = html.template [[<li>{text}</li>]]
local related_section = html.template [[<h2>{heading}</h2><ul class="plain rel">{list}</ul>]]
local related = html.template [[<li class="k{class} text"><a href="../{pair}/index.html">{title}</a><br>{note}</li>]]
local other = html.template [[
<li class="k{class}"><a href="../{pair}/index.html"><b class="n">{code}</b> <span>{phrase}</span></a></li>
]]

local function sections(words, code)
    local list = {}
    for i, name in ipairs { "description", "when", "fix", "use" } do
        list[i] = section { heading = words.heading[name], text = code[name] }
    end
    return list
end

-- The sections of RFCs that define the code and the rules that decide about it, each once, in this order.
local function rfc_sections(site, code)
    local list, seen = {}, {}
    local function add(rfc, part)
        local key = rfc .. "#" .. (part or "")
        if seen[key] then return end
        seen[key] = true
        list[#list + 1] = { rfc = rfc, section = part }
    end
    add(code.reference:match "%d+", site.references.section[code.code])
    for _, row in ipairs(site.behaviour.rows(code.code)) do
        local rfc, part = site.references.of_rule(row.decision.rule)
        if rfc and part then add(rfc, part) end
    end
    if site.references.cause[code.code] then add("3398", "8.2.6.1") end
    if site.references.causes[code.code] then add("3398", "7.2.4.1") end
    return list
end

local function rfc_links(site, words, code)
    local links = {}
    for i, each in ipairs(rfc_sections(site, code)) do
        local text = "RFC " .. each.rfc .. (each.section and ", " .. format(words.section, each.section) or "")
        links[#links + 1] = html.join(i > 1 and html.raw "<br>" or false,
            outside { link = site.references.link(each.rfc, each.section), text = text })
    end
    return links
end

local function traits(site, text, code)
    local list = {}
    for i, name in ipairs { "sender", "methods", "headers", "retry", "retry_after", "dialog", "search" } do
        list[i] = trait { label = text.base.label[name], value = tools.trait(site, text, code, name) }
    end
    list[#list + 1] = trait { label = text.words.rfc_sections, value = rfc_links(site, text.words, code) }
    return list
end

-- Rules of registrars and user agents that tell more than the outcome and the name of the code.
local TELLING = { ["code-408-481"] = true, ["code-6665"] = true, ["code-2xx-register"] = true, ["3261-16.7.i"] = true,
    ["5626-6.h"] = true }

-- Why the core decides so: its reason, or the rule where another row of the page has given the same reason, or nothing.
-- `told` has the sentences of the page.
local function reason_of(text, row, told)
    local rule = row.decision.rule
    local said = text.reason(row.decision.why)
    if told[said] and (row.role == "proxy" or TELLING[rule]) then said = text.rules[rule] end
    if told[said] then return false end
    told[said] = true
    return reason { text = tools.sentence(said) .. "." }
end

local function acts(site, text, code)
    local list, words, told = {}, text.words, {}
    for i, name in ipairs(site.behaviour.roles) do
        local rows = {}
        for _, row in ipairs(site.behaviour.rows(code.code)) do
            if row.role == name then
                rows[#rows + 1] = act {
                    situation = tools.sentence(site.behaviour.situations(words, row)),
                    outcome = tools.sentence(site.behaviour.say(words, row)) .. ".",
                    why = reason_of(text, row, told), rule = row.decision.rule,
                }
            end
        end
        if #rows > 0 then
            list[i] = role { name = words.role[name], rows = rows }
        else
            list[i] = nothing { name = words.role[name], text = words.not_to_register }
        end
    end
    return list
end

local function causes(site, words, code)
    local to, from, list = site.references.cause[code.code], site.references.causes[code.code], {}
    if not to and not from then return false end
    local function named(number) return format("%d (%s)", number, words.cause[number]) end
    if to then list[1] = cause { text = format(words.cause_to, named(to)) } end
    if from then
        local names = table.move(from, 1, #from, 1, {})
        for i, number in ipairs(from) do names[i] = named(number) end
        local either = from[#from] // 10 == 8 and words.either_eight or words.either
        list[#list + 1] = cause { text = format(words.cause_from, site.contrast.enumerate(names, either)) }
    end
    return cause_section { heading = words.causes, about = words.causes_about, list = list }
end

local function related_codes(site, text, code)
    local list = {}
    for _, number in ipairs(site.related[code.code]) do
        local near = text.codes[number]
        local pair = tools.pair(code.code, number)
        list[#list + 1] = related {
            class = near.class, pair = pair, note = text.pairs[tools.pair_key(code.code, number)],
            title = html.join(html.raw '<b class="n">', number, html.raw "</b> ", near.phrase),
        }
    end
    if #list == 0 then return false end
    return related_section { heading = text.words.related, list = list }
end

local function comparisons(site, text, code)
    local list = {}
    for _, number in ipairs(site.codes) do
        local with = text.codes[number]
        if number ~= code.code then
            list[#list + 1] = other { class = with.class, code = number, phrase = with.phrase,
                pair = tools.pair(code.code, number) }
        end
    end
    return list
end

function code_page.pages(site, lang, write)
    local text = site.text[lang]
    local words = text.words
    for _, number in ipairs(site.codes) do
        local code = text.codes[number]
        write {
            path = tostring(number), title = format(words.code_title, number, code.phrase),
            description = tools.shorten(code.description),
            body = body {
                class = code.class, code = number, phrase = code.phrase,
                meta = tools.sentence(text.base.class[code.class]) .. " · " .. tools.spaced(code.reference),
                gist = tools.sentence(code.gist) .. ".", sections = sections(words, code),
                glance = text.base.heading.glance, traits = traits(site, text, code),
                acts_title = words.acts, acts_about = words.acts_about, acts = acts(site, text, code),
                ask = format(words.ask_about, number),
                pictures = site.pictures.of_code(lang, number), causes = causes(site, words, code),
                related = related_codes(site, text, code),
                compare_title = format(words.compare_with, number), compare = comparisons(site, text, code),
            },
        }
    end
end

return code_page
