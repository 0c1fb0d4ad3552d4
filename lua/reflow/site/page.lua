-- SPDX-License-Identifier: BSD-2-Clause
-- The frame of every page: head, navigation, the same page in other languages, foot. All that a page needs is in its
-- file, and all links are relative and name index.html, so that pages work from file:// too.
local source, html = ...

local rep, gsub, select = string.rep, string.gsub, select

local css = source("site/style")()
local style = html.raw(css)
local page = {}

local document = html.template [[
<!DOCTYPE html>
<html lang="{lang}">
<head>
<meta charset="utf-8">
<title>{title}</title>
<meta name="description" content="{description}">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<link rel="icon" href="data:,">
{links}
<style>{style}</style>
</head>
<body>
{body}
{script}
</body>
</html>
]]
local frame = html.template [[
<a class="skip" href="#main">{skip}</a>
<header class="top">
<a class="brand" href="{home}">{brand}</a>
<nav aria-label="{menu}">{places}</nav>
<nav class="lang" aria-label="{language}">{languages}</nav>
</header>
<main id="main">{body}</main>
<footer class="foot"><p>{made} <a href="{data}">codes.json</a></p></footer>
]]
local place = html.template [[<a href="{link}"{current}>{text}</a>]]
local tongue = html.template [[<a href="{link}" hreflang="{lang}" lang="{lang}"{current}>{text}</a>]]
local alternate = html.template [[<link rel="alternate" hreflang="{lang}" href="{link}">]]
local canonical = html.template [[<link rel="canonical" href="{link}">]]
local script_of = html.template [[<script>{text}</script>]]

local current = html.raw ' aria-current="page"'
local POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"

-- From a page to the folder of its language: "../" for each folder of its path, "430" or "rules/5626-7.c".
function page.up(path)
    return path == "" and "" or rep("../", 1 + select(2, gsub(path, "/", "")))
end

-- A path below the folder of a language as a file: "430/index.html".
function page.file(path)
    return path == "" and "index.html" or path .. "/index.html"
end

local function alternates(site, path, up)
    local list = {}
    local root = site.base_url or up .. "../"
    for i, lang in ipairs(site.languages) do
        list[i] = alternate { lang = lang, link = root .. lang .. "/" .. page.file(path) }
    end
    return list
end

local function navigation(site, words, path, up)
    return html.each(site.places, function(entry)
        return place { link = up .. page.file(entry.path), text = words.nav[entry.word],
            current = entry.path == path and current }
    end)
end

local function languages(site, lang, path, up)
    return html.each(site.languages, function(other)
        return tongue { link = up .. "../" .. other .. "/" .. page.file(path), lang = other,
            text = site.text[other].words.name, current = other == lang and current }
    end)
end

-- The bytes of a page: { path, title, description, body, script, policy }. `script` is its JavaScript, and `policy` is
-- added to its Content-Security-Policy.
function page.render(site, lang, what)
    local words, path = site.text[lang].words, what.path
    local up = page.up(path)
    local links = alternates(site, path, up)
    if site.base_url then
        links[#links + 1] = canonical { link = site.base_url .. lang .. "/" .. page.file(path) }
    end
    local body = frame {
        skip = words.skip, home = up .. "index.html", brand = words.title, menu = words.menu, language = words.language,
        places = navigation(site, words, path, up), languages = languages(site, lang, path, up), body = what.body,
        made = words.made:format(site.version), data = up .. "../codes.json",
    }
    local policy = POLICY .. (what.script and "; script-src 'unsafe-inline'" or "") .. (what.policy or "")
    return tostring(document {
        lang = lang, title = what.title, description = what.description, policy = policy, links = links, body = body,
        style = what.style and html.raw(css .. what.style) or style,
        script = what.script and script_of { text = html.raw(what.script) } or false,
    })
end

local choice = html.template [[
<li lang="{lang}"><h2><a href="{lang}/index.html" hreflang="{lang}">{title} ({name})</a></h2><p>{about}</p></li>
]]
local choices = html.template [[<main id="main"><h1>{title}</h1><ul class="plain">{list}</ul></main>]]

-- The page above all languages, which leads to each.
function page.root(site)
    local first = site.text[site.languages[1]].words
    local links = html.each(site.languages, function(lang)
        return alternate { lang = lang, link = (site.base_url or "") .. lang .. "/index.html" }
    end)
    if site.base_url then links[#links + 1] = canonical { link = site.base_url .. "index.html" } end
    local list = html.each(site.languages, function(lang)
        local words = site.text[lang].words
        return choice { lang = lang, title = words.title, name = words.name, about = words.description }
    end)
    return tostring(document {
        lang = site.languages[1], title = first.title, description = first.description, policy = POLICY, links = links,
        style = style, body = choices { title = first.title, list = list }, script = false,
    })
end

return page
