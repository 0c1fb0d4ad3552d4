-- SPDX-License-Identifier: BSD-2-Clause
-- The list of rules, and the page of each: what it says, whether a policy can change it, and what it decides.
local source, html, tools = ...

local ipairs = ipairs
local start = source("site/start")(...)
local search = source("site/search")()
local rule_page = { place = { path = "rules", word = "rules" } }

local index = html.template [[
<h1>{title}</h1>
<p class="text">{intro}</p>
{find}
{groups}
]]
local group = html.template [[
<section data-group><h2>{title}</h2><ul class="list rules">{list}</ul></section>
]]
local entry = html.template [[
<li data-w="{words}"><a href="{id}/index.html">{id}</a> <p>{text}</p> <p class="small">{kind}</p></li>
]]
local body = html.template [[
<h1>{id}</h1>
<p class="meta"><span class="tag">{kind}</span> {reference}</p>
<div class="lead"><p>{text}</p></div>
<p>{kind_about}</p>
<h2>{roles_title}</h2>
<p>{roles}</p>
{pictures}
{codes}
{near}
<p class="web"><a href="../index.html">{all}</a></p>
]]
local near_section = html.template [[<h2>{heading}</h2><ul class="list rules">{list}</ul>]]
local near = html.template [[<li><a href="../{id}/index.html">{id}</a> <p>{text}</p></li>]]
local code_section = html.template [[<h2>{heading}</h2><ul class="grid">{list}</ul>]]
local code_link = html.template [[
<li class="k{class}"><a href="../../{code}/index.html"><b class="n">{code}</b> <span>{phrase}</span></a></li>
]]
local outside = html.template [[<a href="{link}">{text}</a>]]

local function group_name(words, id)
    local rfc = id:match "^(%d+)%-"
    return rfc and "RFC " .. rfc or words.rules_other
end

local function list_page(site, lang)
    local words, groups, at = site.text[lang].words, {}, {}
    for _, rule in ipairs(site.rules) do
        local name = group_name(words, rule.id)
        if not at[name] then
            at[name] = { title = name, list = {} }
            groups[#groups + 1] = at[name]
        end
        local list = at[name].list
        list[#list + 1] = entry { id = rule.id, text = tools.sentence(site.text[lang].rules[rule.id]) .. ".",
            words = rule.id:gsub("%-", " "), kind = words.kind[rule.guardrail and "guardrail" or "default"] }
    end
    return {
        path = "rules", title = words.rules, description = words.rules_intro, script = search,
        body = index { title = words.rules, intro = words.rules_intro, groups = html.each(groups, group),
            find = start.search_box(words, words.search_rules, words.search_rules_hint, false) },
    }
end

-- The other rules of the same section, "5626-7" for "5626-7.c".
local function same_section(site, text, id)
    local section, list = id:match "^(.+)%.%a$", {}
    for _, rule in ipairs(site.rules) do
        if section and rule.id ~= id and rule.id:match "^(.+)%.%a$" == section then
            list[#list + 1] = near { id = rule.id, text = tools.sentence(text.rules[rule.id]) .. "." }
        end
    end
    return #list > 0 and near_section { heading = text.words.rules_near, list = list } or false
end

local function reference(site, words, id)
    local rfc, part = site.references.of_rule(id)
    if not rfc then return false end
    local text = "RFC " .. rfc .. (part and ", " .. words.section:format(part) or "")
    return outside { link = site.references.link(rfc, part), text = text }
end

local function page_of(site, lang, rule)
    local text = site.text[lang]
    local words, reach, roles, codes = text.words, site.reach[rule.id], {}, {}
    for i, name in ipairs(reach.roles) do roles[i] = words.role[name] end
    for i, number in ipairs(reach.codes) do codes[i] = code_link(text.codes[number]) end
    local said = tools.sentence(text.rules[rule.id]) .. "."
    local kind = rule.guardrail and "guardrail" or "default"
    return {
        path = "rules/" .. rule.id, title = words.rule_title:format(rule.id), description = tools.shorten(said),
        body = body {
            id = rule.id, kind = words.kind[kind], reference = reference(site, words, rule.id), text = said,
            kind_about = words.kind_about[kind], roles_title = words.rule_roles,
            roles = tools.sentence(table.concat(roles, ", "):lower()) .. ".",
            codes = #codes > 0 and code_section { heading = words.rule_codes, list = codes } or false,
            pictures = site.pictures.of_rule(lang, rule.id), near = same_section(site, text, rule.id),
            all = words.rules_all,
        },
    }
end

function rule_page.pages(site, lang, write)
    write(list_page(site, lang))
    for _, rule in ipairs(site.rules) do write(page_of(site, lang, rule)) end
end

return rule_page
