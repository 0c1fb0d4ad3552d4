-- SPDX-License-Identifier: BSD-2-Clause
-- The pages of `reflow site`, made here from the sources in lua/reflow: what is escaped, what is said, and that nothing
-- is missing in a language.
local tap = require "tap"
local sip = require "reflow"

local test = tap.test

-- The embedded sources as files; `changed` replaces what some of them return.
local function source_of(changed)
    return function(name)
        if changed and changed[name] then return function() return changed[name] end end
        return (loadfile("lua/reflow/" .. name .. ".lua", "t"))
    end
end
local source = source_of()

-- The rows of module/core/rules.def.
local function rules()
    local list = {}
    for line in io.lines "module/core/rules.def" do
        local id, guardrail, text = line:match '^RULE%([%w_]+, +"([^"]+)", +(%a+), +"(.*)"%)$'
        if id then list[#list + 1] = { id = id, guardrail = guardrail == "true", line = text } end
    end
    return list
end

local function site_of(changed)
    local from = source_of(changed)
    local function deflate(bytes) return bytes end
    return from "site/site" (from, { sip = sip, rules = rules(), version = "0.0.0", wasm = "", deflate = deflate })
end

-- All files of a site by path, and the paths in the order in which they were written.
local function build(options, changed)
    local files, order = {}, {}
    site_of(changed).build(options, function(path, bytes)
        assert(not files[path], path .. " is written twice")
        files[path] = bytes
        order[#order + 1] = path
    end)
    return files, order
end

-- The site in both languages, made once.
local whole, whole_order = build { languages = { "en", "es" }, base_url = "https://example.com/sip/" }

test("a template escapes what stands in text and between quotes", function(t)
    local html = source "site/html" ()
    local item = html.template [[<a title="{title}">{text}</a>]]
    t:equal(tostring(item { title = [["x" & 'y']], text = "<b>" }),
        "<a title=\"&quot;x&quot; &amp; &#39;y&#39;\">&lt;b&gt;</a>")
    t:equal(tostring(item { title = 1, text = { "<", html.raw "<i>", false, { "&" } } }),
        [[<a title="1">&lt;<i>&amp;</a>]])
    t:equal(tostring(item { title = "{text}", text = "" }), [[<a title="{text}"></a>]])
    for _, values in ipairs { { title = "" }, { title = "", text = print }, { title = "", text = true } } do
        local fine, why = pcall(item, values)
        t:ok(not fine)
        t:match(why, "template: 'text' is ")
    end
end)

test("HTML in the texts of a catalog is escaped on every page", function(t)
    local attack = [["><script>alert(1)</script><img src=x onerror='alert(2)'>]]
    local changed = {}
    for _, name in ipairs { "en", "en_pairs", "en_rules", "en_lines", "en_words", "en_site" } do
        local function poison(value)
            if type(value) == "string" then return value .. attack end
            if type(value) ~= "table" then return value end
            local result = {}
            for key, item in pairs(value) do result[key] = poison(item) end
            return result
        end
        local load = source("catalog/" .. name)
        changed["catalog/" .. name] = poison(load and load() or {})
    end
    for _, rule in ipairs(rules()) do changed["catalog/en_rules"][rule.id] = rule.line .. attack end
    local files = build({ languages = { "en" }, base_url = "https://example.com/" }, changed)
    local attacked = 0
    for path, bytes in pairs(files) do
        t:ok(not bytes:find("<script>alert", 1, true), path)
        t:ok(not bytes:find("<img", 1, true), path)
        if bytes:find("&lt;script&gt;alert", 1, true) then attacked = attacked + 1 end
    end
    t:ok(attacked > 2900, "pages with the text: " .. attacked)
end)

test("the same input gives the same bytes, in the same order", function(t)
    local again, order = build { languages = { "en", "es" }, base_url = "https://example.com/sip/" }
    t:equal(table.concat(order, "\n"), table.concat(whole_order, "\n"))
    for path, bytes in pairs(whole) do t:ok(bytes == again[path], path) end
end)

-- The paths of all members of a table.
local function members(value, prefix, list)
    for key, item in pairs(value) do
        local path = prefix .. "." .. tostring(key)
        list[#list + 1] = path
        if type(item) == "table" then members(item, path, list) end
    end
    return list
end

test("every language has every text of the pages", function(t)
    for _, name in ipairs { "site", "lines", "pairs", "words" } do
        local lists = {}
        for _, language in ipairs { "en", "es" } do
            local list = members(source("catalog/" .. language .. "_" .. name)(), "", {})
            table.sort(list)
            lists[language] = table.concat(list, "\n")
        end
        t:equal(lists.es, lists.en, name)
    end
    local spanish = source "catalog/es_rules" ()
    for _, rule in ipairs(rules()) do t:ok(spanish[rule.id], rule.id) end
end)

test("every reason of a decision exists in Spanish", function(t)
    local spanish, missing = source "catalog/es_reasons" (), {}
    local function look(text)
        -- A reason is a sentence: it has spaces and begins with a small letter, a number or a name of SIP.
        if text:find " " and not spanish[text] then missing[#missing + 1] = text end
    end
    for line in io.lines "module/core/codes.def" do
        local why = line:match '^CODE%(.*, +"([^"]+)"%)$'
        if why then look(why) end
    end
    for _, name in ipairs { "decide", "decide_proxy", "decide_uac" } do
        local file <close> = assert(io.open("module/core/" .. name .. ".c"))
        for text in file:read("a"):gmatch '"([^"\n]* [^"\n]*)"' do look(text) end
    end
    t:equal(table.concat(missing, "\n"), "")
end)

test("what is said of a pair is said of no other one", function(t)
    for _, language in ipairs { "en", "es" } do
        local seen, count = {}, 0
        for path, bytes in pairs(whole) do
            if path:find("^" .. language .. "/%d+%-vs%-") then
                local lead = bytes:match '<div class="lead k%d b%d">(.-)</div>'
                t:ok(lead and #lead > 40, path)
                t:ok(not seen[lead], path .. " says the same as " .. tostring(seen[lead]))
                seen[lead] = path
                count = count + 1
            end
        end
        t:equal(count, 75 * 74 // 2)
    end
end)

-- The items of a list in words, in alphabetical order.
local function sorted(text)
    local items = {}
    for item in (text .. ", "):gmatch "(.-), " do items[#items + 1] = item end
    table.sort(items)
    return table.concat(items, ", ")
end

test("a row of a comparison tells a difference", function(t)
    for _, language in ipairs { "en", "es" } do
        local count = 0
        for path, bytes in pairs(whole) do
            local rows = path:find("^" .. language .. "/%d+%-vs%-") and bytes:match "<tbody>(.-)</tbody>" or ""
            for label, a, b in rows:gmatch '<th scope="row">(.-)</th>.-<span>(.-)</span>.-<span>(.-)</span>' do
                t:ok(sorted(a) ~= sorted(b), path .. ": " .. label)
                count = count + 1
            end
        end
        t:ok(count > 10000, "rows: " .. count)
    end
end)

test("the sentences of a comparison agree with its table", function(t)
    local count = 0
    for path, bytes in pairs(whole) do
        local lead = path:find "^en/%d+%-vs%-" and bytes:match '<div class="lead k%d b%d">(.-)</div>' or ""
        local code = lead:match "(%d+) has no field of its own"
        if code then
            local row = bytes:match '<th scope="row">Header fields</th>(.-)</tr>'
            t:ok(row and row:find(('data%%-c="%s" class="k%%d"><span>none of its own'):format(code)), path)
            count = count + 1
        end
    end
    t:ok(count > 100, count)
    local words = source "catalog/en_site" ()
    local function says(path, text) return whole["en/" .. path .. "/index.html"]:find(text, 1, true) ~= nil end
    for path, expected in pairs { ["180-vs-414"] = true, ["182-vs-404"] = true, ["100-vs-414"] = false,
        ["180-vs-480"] = false, ["180-vs-603"] = false, ["183-vs-404"] = false } do
        t:equal(says(path, "rejects the request as it is"), expected, path)
        t:equal(says(path, "may be the final response to it"), not expected, path)
    end
    for path, expected in pairs { ["180-vs-486"] = true, ["180-vs-302"] = false, ["180-vs-503"] = false } do
        t:equal(says(path, words.role.uac .. ": INVITE"), expected, path)
    end
    t:ok(says("202-vs-486", "202 answers SUBSCRIBE, REFER or MESSAGE"))
end)

test("a page gives a reason once, and only what the code can do", function(t)
    for _, language in ipairs { "en", "es" } do
        for number in pairs(source "traits" ()) do
            local page, seen, count = whole[("%s/%d/index.html"):format(language, number)], {}, 0
            for reason in page:gmatch '<div><p>[^<]*</p><p class="small">([^<]*)</p></div>' do
                t:ok(not seen[reason], number .. ": " .. reason)
                seen[reason] = true
                count = count + 1
            end
            t:ok(count > 0, number)
        end
    end
    local words = source "catalog/en_site" ()
    t:ok(not whole["en/180/index.html"]:find("In response to MESSAGE", 1, true), "180 to MESSAGE")
    t:ok(whole["en/603/index.html"]:find("No other branch is pending", 1, true), "603 alone and with targets")
    t:ok(whole["en/407/index.html"]:find(words.not_to_register, 1, true), "407 from a registrar")
    t:ok(not whole["en/401/index.html"]:find(words.not_to_register, 1, true), "401 from a registrar")
    t:ok(whole["en/401/index.html"]:find("yes, with credentials", 1, true), "the change")
end)

test("a base URL is checked, and gets a slash at its end", function(t)
    local site = site_of()
    for text, expected in pairs {
        ["https://example.com"] = "https://example.com/", ["http://example.com/"] = "http://example.com/",
        ["HTTPS://example.com/sip//"] = "https://example.com/sip/",
        ["http://127.0.0.1:8080/a/b"] = "http://127.0.0.1:8080/a/b/",
        ["https://[2001:db8::1]:443/x"] = "https://[2001:db8::1]:443/x/",
        ["https://example.com/%C3%B1"] = "https://example.com/%C3%B1/",
    } do
        t:equal(site.base_url(text), expected)
    end
    for _, text in ipairs {
        "", "example.com", "ftp://example.com", "https://", "https:///x", "https://exa mple.com", "https://a_b.com",
        "https://example.com:0", "https://example.com:65536", "https://example.com:x", "https://example.com/?q",
        "https://example.com/#x", "https://example.com/\"><script>", "https://user@example.com", "https://-a.com",
        "https://a..com", "javascript:alert(1)", "https://example.com/a b", "https://example.com/%zz", "https://[::1",
        "https://example.com/\n", "https://example.com/\xc3\xb1",
    } do
        local found, why = site.base_url(text)
        t:equal(found, nil, text)
        t:match(why, "is not the URL of a site")
    end
end)

test("languages are checked", function(t)
    local site = site_of()
    t:equal(table.concat(site.languages "es,en", " "), "es en")
    t:equal(table.concat(site.languages "es", " "), "es")
    for text, why in pairs { [""] = "no texts in ''", ["fr"] = "no texts in 'fr': en or es", ["en,"] = "no texts in ''",
        ["en,en"] = "'en' is named twice", ["EN"] = "no texts in 'EN'", ["../en"] = "no texts in '../en'" } do
        local found, said = site.languages(text)
        t:equal(found, nil, text)
        t:match(said, (why:gsub("%p", "%%%0")))
    end
end)

test("with a base URL, every page has a canonical address, and the site map lists it", function(t)
    local listed = {}
    for address in whole["sitemap.xml"]:gmatch "<loc>https://example%.com/sip/([^<]+)</loc>" do
        listed[address] = true
    end
    for path, bytes in pairs(whole) do
        if path:find "%.html$" then
            t:equal(bytes:match '<link rel="canonical" href="([^"]+)">', "https://example.com/sip/" .. path)
            t:ok(path == "index.html" or listed[path], path)
        end
    end
    local without = build { languages = { "en" } }
    t:equal(without["sitemap.xml"], nil)
    t:ok(not without["en/430/index.html"]:find "canonical")
end)

test("the page of a rule that no scene shows says why, in each language", function(t)
    local without = source "site/scenes/without" ()
    for _, rule in ipairs(rules()) do
        for _, language in ipairs { "en", "es" } do
            local bytes = whole[language .. "/rules/" .. rule.id .. "/index.html"]
            for kind, texts in pairs(without.kinds) do
                t:equal(bytes:find(texts[language], 1, true) ~= nil, without.rules[rule.id] == kind, rule.id)
            end
        end
    end
end)

test("the codes that RFC 3398 maps are registered, and causes have names", function(t)
    local references, traits = source "site/references" (), source "traits" ()
    local names = source "catalog/en_site" ().cause
    for code, cause in pairs(references.cause) do
        t:ok(traits[code] and names[cause], code)
    end
    for code, causes in pairs(references.causes) do
        for _, cause in ipairs(causes) do t:ok(traits[code] and names[cause], code) end
    end
    for code in pairs(references.section) do t:ok(traits[code], code) end
    for code in pairs(traits) do t:ok(references.section[code], code .. ": no section") end
end)

tap.done()
