-- SPDX-License-Identifier: BSD-2-Clause
-- The files for programs: codes.json, which module/cli/README.md documents, and sitemap.xml.
local source, html, tools = ...

local json = source("site/json")()
local data = {}

local function each_language(site, make)
    local result = {}
    for _, lang in ipairs(site.languages) do result[lang] = make(site.text[lang]) end
    return result
end

local function behaviour_of(site, number)
    local list = {}
    for i, row in ipairs(site.behaviour.rows(number)) do
        list[i] = {
            role = row.role, action = row.decision.action, rule = row.decision.rule, status = row.decision.status,
            text = each_language(site, function(text) return site.behaviour.say(text.words, row) end),
            situation = each_language(site, function(text) return site.behaviour.situations(text.words, row) end),
            why = each_language(site, function(text) return text.reason(row.decision.why) end),
        }
    end
    return list
end

local function code_of(site, number)
    local any = site.text[site.languages[1]].codes[number]
    return {
        code = number, phrase = any.phrase, class = any.class, reference = any.reference,
        section = site.references.section[number], traits = any.traits, related = site.related[number],
        q850 = { to = site.references.cause[number], from = site.references.causes[number] or {} },
        behaviour = behaviour_of(site, number),
        text = each_language(site, function(text)
            local code = text.codes[number]
            return { gist = code.gist, remedy = code.remedy, description = code.description, when = code.when,
                fix = code.fix, use = code.use }
        end),
    }
end

local function pairs_of(site)
    local list = {}
    for i, number in ipairs(site.codes) do
        for j = i + 1, #site.codes do
            local key = tools.pair_key(number, site.codes[j])
            if site.text[site.languages[1]].pairs[key] then
                list[#list + 1] = { a = number, b = site.codes[j],
                    note = each_language(site, function(text) return text.pairs[key] end) }
            end
        end
    end
    return list
end

-- The bytes of codes.json.
function data.codes(site)
    return json {
        format = 1, version = site.version, languages = site.languages,
        codes = html.each(site.codes, function(number) return code_of(site, number) end),
        pairs = pairs_of(site),
        rules = html.each(site.rules, function(rule)
            return { id = rule.id, guardrail = rule.guardrail, roles = site.reach[rule.id].roles,
                codes = site.reach[rule.id].codes,
                text = each_language(site, function(text) return text.rules[rule.id] end) }
        end),
    } .. "\n"
end

-- The bytes of sitemap.xml: every page of every language, with its address in the others. `files` is the list of paths
-- below the folder of a language.
function data.sitemap(site, files)
    local out = { '<?xml version="1.0" encoding="UTF-8"?>\n' ..
        '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:xhtml="http://www.w3.org/1999/xhtml">\n' }
    local base = html.escape(site.base_url)
    for _, file in ipairs(files) do
        for _, lang in ipairs(site.languages) do
            out[#out + 1] = "<url><loc>" .. base .. lang .. "/" .. file .. "</loc>"
            for _, other in ipairs(site.languages) do
                out[#out + 1] = '<xhtml:link rel="alternate" hreflang="' .. other .. '" href="' .. base .. other .. "/"
                    .. file .. '"/>'
            end
            out[#out + 1] = "</url>\n"
        end
    end
    out[#out + 1] = "</urlset>\n"
    return table.concat(out)
end

return data
